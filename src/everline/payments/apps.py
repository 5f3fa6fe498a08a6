from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Attempts, refunds and the ledger, behind one port to payment providers."""

    name = "everline.payments"
    label = "payments"
    default_auto_field = "django.db.models.BigAutoField"
