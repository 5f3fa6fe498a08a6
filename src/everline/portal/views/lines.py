"""One line: how it is installed, where it works, what it used, its periods, its name."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from everline.catalog import selectors as catalog
from everline.catalog.types import PeriodKind
from everline.core import clock
from everline.core.errors import DomainError
from everline.lines import services
from everline.lines.access import get_line_for_customer
from everline.lines.states import ProfileState
from everline.portal import charts, periods
from everline.portal.answers import see_other, show, show_problem
from everline.portal.cards import line_card, versions_to_know
from everline.portal.choices import in_order
from everline.portal.devices import Device, visitor_of
from everline.portal.gate import signed_in
from everline.portal.templatetags.portal import active_locale
from everline.usage import selectors as usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from everline.accounts.models import Customer
    from everline.catalog.types import CountryCoverage
    from everline.lines.models import Line
    from everline.portal.cards import LineCard

_ON_A_DEVICE = frozenset(
    {ProfileState.DOWNLOADED, ProfileState.INSTALLED, ProfileState.ENABLED, ProfileState.DISABLED}
)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def detail(request: HttpRequest, customer: "Customer", line_id: str) -> HttpResponse:
    """The line's page; posting a label renames the line. Asked by htmx for its usage, that part alone."""
    line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    if request.method != "POST":
        if request.headers.get("HX-Target") == "usage":
            return show(request, customer, "lines/usage", _usage(request, line, customer, clock.now()))
        return show(request, customer, "lines/detail", _page(request, line, customer))
    label = request.POST.get("label", "")
    try:
        services.rename_line(line=line, label=label)
    except DomainError as problem:
        line.refresh_from_db(fields=["label"])
        context = {**_page(request, line, customer), "label": label}
        return show_problem(request, customer, "lines/detail", context, problem)
    messages.success(request, _("The name is saved."))
    return see_other("portal:line", line.id)


def _page(request: HttpRequest, line: "Line", customer: "Customer") -> dict[str, object]:
    now = clock.now()
    found = usage.periods([line.id], now)[line.id]
    versions = catalog.versions_by_ids(versions_to_know([found]))
    allowances = usage.allowances([line.id], now)[line.id]
    card = line_card(line, customer, found, usage.summed(allowances), now, versions)
    return {
        "card": card,
        "label": line.label,
        "allowances": allowances,
        "periods": [each for each in found if each.state in periods.SHOWN],
        "past": [each for each in found[::-1] if each.state not in periods.SHOWN],
        "drawn": periods.draw(found, now),
        "coverage": _coverage(card),
        "section": "account",
        **_install(request, line),
        **_usage(request, line, customer, now),
    }


def _install(request: HttpRequest, line: "Line") -> dict[str, object]:
    """What the installation part shows: for the device that asks, or the one that was chosen."""
    visitor = visitor_of(request.headers.get("User-Agent", ""))
    chosen = request.GET.get("device", "")
    return {
        "install": line.install,
        "visitor": visitor,
        "device": Device(chosen) if chosen in set(Device) else visitor.device,
        "installed": line.profile_state in _ON_A_DEVICE,
    }


def _usage(request: HttpRequest, line: "Line", customer: "Customer", now: "datetime") -> dict[str, object]:
    zone = line.timezone or customer.timezone
    asked = charts.Asked.of(request.GET)
    start, end = asked.window(now, ZoneInfo(zone))
    series = usage.usage_series(
        line_id=line.id,
        start=start,
        end=end,
        by=asked.by,
        service=asked.service,
        zone=ZoneInfo(zone),
        now=now,
    )
    beyond = usage.overruns(line_id=line.id, start=start, end=end)
    return {
        "line": line,
        "asked": asked,
        "chart": charts.draw(asked, series, beyond, now=now, zone=zone, locale=active_locale()),
        "usage_zone": zone,
        "earlier": asked.query(back=asked.back + 1) if start > line.created_at else "",
        "later": asked.query(back=asked.back - 1 or "") if asked.back else "",
    }


def _coverage(card: "LineCard") -> "Sequence[CountryCoverage]":
    """Where the running plan works, else the next one: its networks by country, in the order of names."""
    base = [each for each in (*card.running, *card.queued) if each.kind == PeriodKind.BASE]
    if not base:
        return ()
    [found] = catalog.coverage_by_version([base[0].version_id]).values()
    return sorted(found, key=lambda each: in_order(each.name.in_locale(active_locale())))
