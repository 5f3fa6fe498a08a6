from django.apps import AppConfig


class SupportConfig(AppConfig):
    """What whoever helps a customer must see: one timeline, one search, figures, notes."""

    name = "everline.support"
    label = "support"
