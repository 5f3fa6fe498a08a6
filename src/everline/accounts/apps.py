from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and programs that may act: users, customers, brands, tokens and keys."""

    name = "everline.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
