from django.apps import AppConfig


class SuppliersConfig(AppConfig):
    """Connectivity bought from others: profiles, top-ups and revocations behind one port."""

    name = "everline.suppliers"
    label = "suppliers"
    default_auto_field = "django.db.models.BigAutoField"
