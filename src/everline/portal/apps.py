from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The customers' pages."""

    name = "everline.portal"
    label = "portal"
    default_auto_field = "django.db.models.BigAutoField"
