from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """What is sold: plans, immutable versions, prices, coverage, benefits."""

    name = "everline.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
