from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """The sandbox as a Django app; the only one of its process."""

    name = "everline.sandbox"
    label = "sandbox"
    default_auto_field = "django.db.models.BigAutoField"
