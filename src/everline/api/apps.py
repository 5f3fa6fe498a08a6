from django.apps import AppConfig


class ApiConfig(AppConfig):
    """REST for customers and operators, webhooks in, the sandbox's hooks."""

    name = "everline.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
