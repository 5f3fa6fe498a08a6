from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SuppliersConfig(AppConfig):
    """Connectivity bought from others: profiles, top-ups and revocations behind one port."""

    name = "everline.suppliers"
    label = "suppliers"
    verbose_name = _("Suppliers")
    default_auto_field = "django.db.models.BigAutoField"
