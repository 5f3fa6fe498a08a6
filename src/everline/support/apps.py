from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SupportConfig(AppConfig):
    """What whoever helps a customer must see: one timeline, one search, figures, notes."""

    name = "everline.support"
    label = "support"
    verbose_name = _("Support")
