"""What is sold. Versions are frozen: a change is a new version, made by the catalogue's service."""

from typing import ClassVar

from django.contrib.admin import register
from django.utils.translation import gettext_lazy as _

from everline.backoffice.admins.base import StaffAdmin, amount, column, link, null_filter, state_filter
from everline.backoffice.site import site
from everline.catalog import models
from everline.catalog.terms import TermUnit

_VERSION = link(_("Version"), "catalog.planversion", "version_id")


@register(models.Plan, site=site)
class PlanAdmin(StaffAdmin):
    """Offers."""

    plural = _("Plans")
    list_display: ClassVar = [
        "id",
        column(_("Name"), "slug", order="slug"),
        column(_("Current version"), "current"),
        column(_("Created"), "created_at"),
        column(_("Withdrawn"), "withdrawn_at"),
    ]
    list_filter: ClassVar = [null_filter("withdrawn_at", _("State"), _("on sale"), _("withdrawn"))]
    list_select_related: ClassVar = ["current"]
    search_fields: ClassVar = ["id", "slug", "current__name_en", "current__name_zh"]
    ordering: ClassVar = ["slug"]


@register(models.PlanVersion, site=site)
class PlanVersionAdmin(StaffAdmin):
    """Price and content of an offer from one moment on."""

    plural = _("Plan versions")
    list_display: ClassVar = [
        "id",
        column(_("Name"), "name_en"),
        column(_("Chinese name"), "name_zh"),
        column(_("Version"), "version"),
        column(_("Term"), "term_unit"),
        column(_("Count"), "term_count"),
        column(_("Supplier's code"), "supplier_code"),
        column(_("Published"), "published_at"),
    ]
    list_filter: ClassVar = [state_filter("term_unit", TermUnit, _("Term"))]
    search_fields: ClassVar = ["=id", "plan__id", "name_en", "name_zh", "supplier_code", "plan__slug"]
    ordering: ClassVar = ["-id"]


@register(models.Price, site=site)
class PriceAdmin(StaffAdmin):
    """What a version costs."""

    plural = _("Prices")
    list_display: ClassVar = [
        "id",
        _VERSION,
        column(_("Name"), "version__name_en"),
        amount(_("Amount"), "amount"),
        "tax_included",
    ]
    list_select_related: ClassVar = ["version"]
    search_fields: ClassVar = ["=id", "=currency", "version__name_en", "version__plan__slug"]
    ordering: ClassVar = ["-id"]


@register(models.Benefit, site=site)
class BenefitAdmin(StaffAdmin):
    """What comes with a version."""

    plural = _("Benefits")
    list_display: ClassVar = ["id", _VERSION, column(_("Kind"), "kind"), column(_("Text"), "text_en")]
    list_select_related: ClassVar = ["version"]
    search_fields: ClassVar = ["=id", "kind", "text_en", "text_zh"]
    ordering: ClassVar = ["-id"]


@register(models.Operator, site=site)
class OperatorAdmin(StaffAdmin):
    """Networks."""

    plural = _("Networks")
    list_display: ClassVar = [
        "id",
        column(_("Name"), "name", order="name"),
        column(_("Country"), "country", order="country"),
        column(_("PLMN"), "plmn"),
        column(_("Radio"), "radio"),
    ]
    search_fields: ClassVar = ["=id", "name", "=plmn", "=country"]
    ordering: ClassVar = ["country", "name"]


@register(models.Coverage, site=site)
class CoverageAdmin(StaffAdmin):
    """Which version works on which network."""

    plural = _("Coverage")
    large = True
    list_display: ClassVar = [
        "id",
        _VERSION,
        column(_("Name"), "version__name_en"),
        column(_("Network"), "operator__name"),
        column(_("Country"), "operator__country"),
    ]
    list_select_related: ClassVar = ["version", "operator"]
    search_fields: ClassVar = ["=id", "operator__name", "=operator__country", "=operator__plmn"]
    ordering: ClassVar = ["-id"]
