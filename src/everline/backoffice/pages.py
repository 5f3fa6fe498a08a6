"""The two pages that staff live on: a customer and an order, with everything about each."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.admin import register
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from everline.accounts.models import Customer
from everline.backoffice.admins.base import StaffAdmin, amount, column, link, state, state_filter
from everline.backoffice.site import site
from everline.core import clock
from everline.orders.models import Order
from everline.orders.states import OrderStatus
from everline.support.files import customer_file, order_file


@register(Customer, site=site)
class CustomerAdmin(StaffAdmin):
    """Customers; the page of one shows all about them."""

    plural = _("Customers")
    large = True
    list_display: ClassVar = [
        "id",
        column(_("E-mail"), "user__email"),
        column(_("Phone"), "user__phone"),
        column(_("Language"), "locale"),
        column(_("Time zone"), "timezone"),
        column(_("Currency"), "currency"),
        column(_("Brand"), "brand_id"),
        column(_("Since"), "created_at"),
    ]
    list_filter: ClassVar = ["locale", "user__is_active"]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["id", "user__email", "user__phone"]
    ordering: ClassVar = ["-id"]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Profile, lines, orders, sign-ins, messages, notes, and one timeline."""
        del form_url, extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        customer = _one(Customer, unquote(object_id), ("user", "brand"))
        found = customer_file(customer, now=clock.now(), before=_before(request))
        context = {"title": str(customer.user), "file": found, "opts": self.opts, "media": self.media}
        return site.page(request, "backoffice/customer.html", context)


@register(Order, site=site)
class OrderAdmin(StaffAdmin):
    """Orders; the page of one shows all about it."""

    plural = _("Orders")
    large = True
    list_display: ClassVar = [
        column(_("Number"), "number"),
        state(_("Status"), "status"),
        link(_("Customer"), "accounts.customer", "customer_id", "customer__user__email"),
        column(_("Plan"), "plan_version__name_en"),
        amount(_("Total"), "total_minor"),
        column(_("Created"), "created_at"),
        column(_("Paid at"), "paid_at"),
    ]
    list_filter: ClassVar = [state_filter("status", OrderStatus)]
    list_select_related: ClassVar = ["customer__user", "plan_version"]
    search_fields: ClassVar = ["id", "=number", "customer__id", "line__id", "=customer__user__email"]
    ordering: ClassVar = ["-id"]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Quote, attempts, inbox rows, periods, purchases, refunds, books, messages, cases, timeline."""
        del form_url, extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        related = ("customer__user", "customer__brand", "plan_version", "line", "quote")
        order = _one(Order, unquote(object_id), related)
        found = order_file(order, now=clock.now(), before=_before(request))
        context = {"title": order.number, "file": found, "opts": self.opts, "media": self.media}
        return site.page(request, "backoffice/order.html", context)


def _one(model: type[Any], key: str, related: tuple[str, ...]) -> Any:
    try:
        found = model.objects.select_related(*related).filter(pk=key).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _before(request: HttpRequest) -> datetime:
    """Where the timeline's page begins: the moment asked for, else a little after now."""
    text = request.GET.get("before", "")
    try:
        asked = parse_datetime(text) if text else None
    except ValueError:
        asked = None
    newest = clock.now() + timedelta(days=1)
    return newest if asked is None or asked.tzinfo is None else min(asked, newest)
