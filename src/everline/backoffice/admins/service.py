"""Lines, their periods and what was used of them; what suppliers were asked for."""

from typing import ClassVar

from django.contrib.admin import register
from django.utils.translation import gettext_lazy as _

from everline.backoffice.admins.base import StaffAdmin, column, link, state, state_filter
from everline.backoffice.site import site
from everline.lines.models import Line
from everline.lines.states import ProfileState, ServiceState
from everline.suppliers.models import SupplierOrder
from everline.suppliers.states import SupplierOrderStatus
from everline.usage import models as usage
from everline.usage.states import PeriodState
from everline.usage.types import Service

_LINE = link(_("Line"), "lines.line", "line_id")
_PERIOD = link(_("Period"), "usage.period", "period_id")
_ORDER = link(_("Order"), "orders.order", "order")


def _unusual(line: Line) -> str:
    return ", ".join(line.warnings)


_unusual.short_description = _("Unusual")  # type: ignore[attr-defined]


@register(Line, site=site)
class LineAdmin(StaffAdmin):
    """Cards and numbers."""

    plural = _("Lines")
    large = True
    list_display: ClassVar = [
        "id",
        column("ICCID", "iccid"),
        column("MSISDN", "msisdn"),
        link(_("Customer"), "accounts.customer", "customer_id", "customer__user__email"),
        state(_("Service"), "service_state"),
        state(_("eSIM profile"), "profile_state"),
        column(_("Valid until"), "valid_until", order="valid_until"),
        _unusual,
    ]
    list_filter: ClassVar = [
        state_filter("service_state", ServiceState, _("Service")),
        state_filter("profile_state", ProfileState, _("eSIM profile")),
    ]
    list_select_related: ClassVar = ["customer__user"]
    search_fields: ClassVar = [
        "id",
        "iccid",
        "eid",
        "msisdn",
        "customer__id",
        "=customer__user__email",
        "=matching_id",
    ]
    hidden: ClassVar = ["confirmation_code"]
    ordering: ClassVar = ["-id"]
    change_form_template = "backoffice/line.html"


@register(usage.Period, site=site)
class PeriodAdmin(StaffAdmin):
    """What paid orders gave."""

    plural = _("Service periods")
    large = True
    list_display: ClassVar = [
        "id",
        _LINE,
        _ORDER,
        state(_("State"), "state"),
        column(_("Kind"), "kind"),
        column(_("Starts"), "starts_at"),
        column(_("Ends"), "ends_at"),
    ]
    list_filter: ClassVar = [state_filter("state", PeriodState, _("State"))]
    search_fields: ClassVar = ["id", "line__id", "=order"]
    ordering: ClassVar = ["-id"]


@register(usage.Reschedule, site=site)
class RescheduleAdmin(StaffAdmin):
    """Why a period's dates moved."""

    plural = _("Reschedules")
    large = True
    list_display: ClassVar = [
        "id",
        _LINE,
        _PERIOD,
        column(_("Reason"), "reason"),
        column(_("Old end"), "old_ends_at"),
        column(_("New end"), "new_ends_at"),
        column(_("When"), "at"),
    ]
    search_fields: ClassVar = ["=id", "line__id", "period__id"]
    ordering: ClassVar = ["-id"]


@register(usage.Bucket, site=site)
class BucketAdmin(StaffAdmin):
    """Allowances."""

    plural = _("Allowances")
    large = True
    list_display: ClassVar = [
        "id",
        _LINE,
        _PERIOD,
        column(_("Service"), "service"),
        column(_("Total"), "total"),
        column(_("Used"), "used"),
        column(_("Reserved"), "reserved"),
        column(_("Ends"), "ends_at"),
    ]
    list_filter: ClassVar = [state_filter("service", Service, _("Service"))]
    search_fields: ClassVar = ["id", "line__id", "period__id"]
    ordering: ClassVar = ["-id"]


@register(usage.UsageRecord, site=site)
class UsageRecordAdmin(StaffAdmin):
    """What was measured."""

    plural = _("Usage records")
    large = True
    list_display: ClassVar = [
        "id",
        _LINE,
        column(_("Service"), "service"),
        column(_("Quantity"), "quantity"),
        column(_("When"), "at"),
        column(_("Country"), "country"),
        column(_("Source"), "source"),
        column(_("Reference"), "external_id"),
    ]
    list_filter: ClassVar = [state_filter("service", Service, _("Service"))]
    search_fields: ClassVar = ["=id", "line__id", "=external_id", "=source"]
    ordering: ClassVar = ["-id"]


@register(usage.Allocation, site=site)
class AllocationAdmin(StaffAdmin):
    """Which allowance carried which usage."""

    plural = _("Allocations")
    large = True
    list_display: ClassVar = [
        "id",
        _LINE,
        link(_("Record"), "usage.usagerecord", "record_id"),
        link(_("Allowance"), "usage.bucket", "bucket_id"),
        column(_("Quantity"), "quantity"),
        column(_("Overrun"), "overrun"),
        "late",
    ]
    search_fields: ClassVar = ["=id", "line__id", "bucket__id", "period__id", "=record__id"]
    ordering: ClassVar = ["-id"]


@register(SupplierOrder, site=site)
class SupplierOrderAdmin(StaffAdmin):
    """What suppliers were asked for."""

    plural = _("Supplier orders")
    large = True
    list_display: ClassVar = [
        "id",
        _ORDER,
        column(_("Supplier"), "supplier"),
        column(_("Kind"), "kind"),
        state(_("Status"), "status"),
        column(_("Reference"), "reference"),
        column(_("Tries"), "tries"),
        column(_("Last error"), "last_error"),
    ]
    list_filter: ClassVar = [state_filter("status", SupplierOrderStatus)]
    search_fields: ClassVar = ["id", "=order", "=reference", "=supplier_ref", "line_iccid"]
    ordering: ClassVar = ["-id"]
