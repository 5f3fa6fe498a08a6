"""The menu at the side, and what else unfold's settings name by a dotted path."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Entry = tuple[str | Promise, str, str]

#: Label, icon, and the name of the list in Django's admin.
_CUSTOMERS: tuple[Entry, ...] = (
    (_("Customers"), "person", "accounts_customer"),
    (_("Lines"), "sim_card", "lines_line"),
    (_("Service periods"), "event", "usage_period"),
    (_("Allowances"), "data_usage", "usage_bucket"),
    (_("Usage records"), "monitoring", "usage_usagerecord"),
    (_("Customer notes"), "sticky_note_2", "support_customernote"),
)
_TRADE: tuple[Entry, ...] = (
    (_("Orders"), "receipt_long", "orders_order"),
    (_("Attempts"), "credit_card", "payments_attempt"),
    (_("Refunds"), "undo", "payments_refund"),
    (_("Supplier orders"), "local_shipping", "suppliers_supplierorder"),
    (_("Ledger postings"), "account_balance", "payments_ledgerposting"),
)
_MESSAGES: tuple[Entry, ...] = (
    (_("Messages"), "mail", "notifications_message"),
    (_("Deliveries"), "outgoing_mail", "notifications_delivery"),
)
_QUEUES: tuple[Entry, ...] = (
    (_("Inbox"), "inbox", "core_inboxhint"),
    (_("Outbox"), "outbox", "core_outboxevent"),
    (_("Jobs"), "list_alt", "procrastinate_procrastinatejob"),
    (_("Sweeps"), "schedule", "core_schedule"),
)
_CATALOGUE: tuple[Entry, ...] = (
    (_("Plans"), "sell", "catalog_plan"),
    (_("Plan versions"), "history", "catalog_planversion"),
    (_("Networks"), "cell_tower", "catalog_operator"),
    (_("Brands"), "storefront", "accounts_brand"),
)
_SAFETY: tuple[Entry, ...] = (
    (_("Audit"), "policy", "core_auditentry"),
    (_("State changes"), "swap_horiz", "core_transition"),
    (_("Sign-ins and staff"), "badge", "accounts_user"),
    (_("Roles"), "group", "auth_group"),
    (_("API keys"), "key", "accounts_apikey"),
    (_("Web sessions"), "devices", "accounts_websession"),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu: what is asked for most stands first; what somebody may not see is left out."""
    del request
    cases = reverse("admin:orders_case_changelist") + "?closed_at_set=no"
    today = [
        {"title": _("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")},
        {"title": _("Search"), "icon": "search", "link": reverse("desk:find")},
        {"title": _("Open cases"), "icon": "flag", "link": cases, "permission": _may("orders_case")},
    ]
    groups = (
        (_("Customers"), _CUSTOMERS),
        (_("Orders and money"), _TRADE),
        (_("Messages"), _MESSAGES),
        (_("Queues"), _QUEUES),
        (_("Catalogue"), _CATALOGUE),
        (_("Safety"), _SAFETY),
    )
    return [
        {"title": None, "items": today},
        *({"title": title, "separator": True, "items": _items(entries)} for title, entries in groups),
    ]


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """Below one's own name: what one did."""
    link = f"{reverse('admin:core_auditentry_changelist')}?q={request.user}"
    return [{"title": _("What I did"), "link": link}]


def language_url(request: HttpRequest) -> str:
    """Where the language is chosen."""
    del request
    return reverse("desk:language")


def stylesheet(request: HttpRequest) -> str:
    """Our own styles, unfold's colours among them."""
    del request
    return static("backoffice/backoffice.css")


def icon(request: HttpRequest) -> str:
    """The mark in the browser's tab."""
    del request
    return static("backoffice/icon.svg")


def environment(request: HttpRequest) -> list[str] | None:
    """A mark that no real money moves here."""
    del request
    return [str(_("Sandbox")), "warning"] if settings.EVERLINE_MODE == "sandbox" else None


def _items(entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            "icon": icon,
            "link": reverse(f"admin:{name}_changelist"),
            "permission": _may(name),
        }
        for title, icon, name in entries
    ]


def _may(name: str) -> Callable[[HttpRequest], bool]:
    app, _underscore, model = name.partition("_")
    return lambda request: bool(request.user.has_perm(f"{app}.view_{model}"))
