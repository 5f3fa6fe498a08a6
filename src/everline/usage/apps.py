from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsageConfig(AppConfig):
    """What was paid for and what was used of it: periods, buckets, usage records, allocations."""

    name = "everline.usage"
    label = "usage"
    verbose_name = _("usage")
    default_auto_field = "django.db.models.BigAutoField"
