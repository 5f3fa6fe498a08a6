from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class NotificationsConfig(AppConfig):
    """A message in, a delivery out. Knows no customer."""

    name = "everline.notifications"
    label = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the settings of the channels checked with everything else."""
        autodiscover_modules("checks")
