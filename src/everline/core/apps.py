from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The kit every room stands on; it has no domain words."""

    name = "everline.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
