"""Orders, payments and books. Nothing here can be written by hand."""

from typing import ClassVar

from django.contrib.admin import register
from django.utils.translation import gettext_lazy as _

from everline.backoffice.admins.base import StaffAdmin, amount, column, link, null_filter, state, state_filter
from everline.backoffice.site import site
from everline.orders import models as orders
from everline.orders.states import CaseReason
from everline.payments import models as payments
from everline.payments.states import AttemptStatus, RefundStatus

_ORDER = link(_("Order"), "orders.order", "order_id", "order__number")
_PAYABLE = link(_("Order"), "orders.order", "payable")
_CUSTOMER = link(_("Customer"), "accounts.customer", "customer_id", "customer__user__email")


@register(orders.Quote, site=site)
class QuoteAdmin(StaffAdmin):
    """Offers that were shown."""

    plural = _("Quotes")
    large = True
    list_display: ClassVar = [
        "id",
        _CUSTOMER,
        column(_("Plan"), "plan_version__name_en"),
        amount(_("Total"), "total_minor"),
        column(_("Created"), "created_at"),
        column(_("Expires"), "expires_at"),
    ]
    list_select_related: ClassVar = ["customer__user", "plan_version"]
    search_fields: ClassVar = ["id", "customer__id", "line__id"]
    ordering: ClassVar = ["-id"]


@register(orders.TimelineEntry, site=site)
class TimelineEntryAdmin(StaffAdmin):
    """What customers see of their orders."""

    plural = _("Order steps")
    large = True
    list_display: ClassVar = ["id", _ORDER, column(_("Step"), "event"), column(_("When"), "at")]
    list_select_related: ClassVar = ["order"]
    search_fields: ClassVar = ["=id", "order__id", "=order__number", "event"]
    ordering: ClassVar = ["-id"]


@register(orders.Case, site=site)
class CaseAdmin(StaffAdmin):
    """What a person must look at."""

    plural = _("Cases")
    list_display: ClassVar = [
        "id",
        _ORDER,
        column(_("Reason"), "reason"),
        column(_("Detail"), "detail"),
        column(_("Owner"), "owner"),
        column(_("Next step"), "next_step"),
        column(_("Opened"), "opened_at"),
        column(_("Closed"), "closed_at"),
    ]
    list_filter: ClassVar = [
        null_filter("closed_at", _("State"), _("open"), _("closed")),
        state_filter("reason", CaseReason, _("Reason")),
    ]
    list_select_related: ClassVar = ["order"]
    search_fields: ClassVar = ["=id", "order__id", "=order__number", "owner", "=order__customer__user__email"]
    ordering: ClassVar = ["-id"]
    change_form_template = "backoffice/case.html"


@register(payments.Attempt, site=site)
class AttemptAdmin(StaffAdmin):
    """Tries to collect money."""

    plural = _("Attempts")
    large = True
    list_display: ClassVar = [
        "id",
        _PAYABLE,
        state(_("Status"), "status"),
        amount(_("Amount"), "amount_minor"),
        column(_("Method"), "method"),
        column(_("Provider's reference"), "psp_ref"),
        column(_("Failure"), "failure_code"),
        column(_("Created"), "created_at"),
    ]
    list_filter: ClassVar = [state_filter("status", AttemptStatus)]
    search_fields: ClassVar = ["id", "=payable", "=psp_ref", "=method_last4"]
    hidden: ClassVar = ["redirect_url"]
    ordering: ClassVar = ["-id"]
    change_form_template = "backoffice/attempt.html"


@register(payments.Refund, site=site)
class RefundAdmin(StaffAdmin):
    """Money on its way back."""

    plural = _("Refunds")
    large = True
    list_display: ClassVar = [
        "id",
        link(_("Attempt"), "payments.attempt", "attempt_id"),
        state(_("Status"), "status"),
        amount(_("Amount"), "amount_minor"),
        column(_("Reason"), "reason"),
        column(_("Provider's reference"), "psp_ref"),
        column(_("Created"), "created_at"),
    ]
    list_filter: ClassVar = [state_filter("status", RefundStatus)]
    search_fields: ClassVar = ["id", "attempt__id", "=attempt__payable", "=psp_ref"]
    ordering: ClassVar = ["-id"]


@register(payments.LedgerPosting, site=site)
class LedgerPostingAdmin(StaffAdmin):
    """Balanced bookings."""

    plural = _("Ledger postings")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("Key"), "key"),
        column(_("Kind"), "kind"),
        _PAYABLE,
        link(_("Attempt"), "payments.attempt", "attempt_id"),
        column(_("Booked"), "booked_at"),
    ]
    search_fields: ClassVar = ["=id", "=key", "=payable", "attempt__id"]
    ordering: ClassVar = ["-id"]


@register(payments.LedgerEntry, site=site)
class LedgerEntryAdmin(StaffAdmin):
    """The sides of bookings."""

    plural = _("Ledger entries")
    large = True
    list_display: ClassVar = [
        "id",
        link(_("Posting"), "payments.ledgerposting", "posting_id", "posting__key"),
        column(_("Account"), "account"),
        amount(_("Amount"), "amount_minor"),
    ]
    list_select_related: ClassVar = ["posting"]
    search_fields: ClassVar = ["=id", "account", "=posting__key", "=posting__payable"]
    ordering: ClassVar = ["-id"]
