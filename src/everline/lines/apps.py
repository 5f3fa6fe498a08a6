from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LinesConfig(AppConfig):
    """eSIM lines: their profile, their service state, how they are installed."""

    name = "everline.lines"
    label = "lines"
    verbose_name = _("lines")
    default_auto_field = "django.db.models.BigAutoField"
