from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Quotes, orders, renewals: the use cases."""

    name = "everline.orders"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"
