from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """The staff's web: every ModelAdmin, the dashboard, roles."""

    name = "everline.backoffice"
    label = "backoffice"
