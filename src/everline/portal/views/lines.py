"""One line: how it is installed, its periods, its name."""

from typing import TYPE_CHECKING

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
from everline.portal import choices
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.portal.templatetags.portal import active_locale
from everline.portal.views.account import line_card
from everline.usage import selectors as usage

if TYPE_CHECKING:
    from everline.accounts.models import Customer
    from everline.lines.models import Line


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def detail(request: HttpRequest, customer: "Customer", line_id: str) -> HttpResponse:
    """The line's page; posting a label renames the line."""
    line = get_line_for_customer(customer_id=customer.id, line_id=line_id)
    if request.method != "POST":
        return show(request, customer, "line", _page(line, customer))
    label = request.POST.get("label", "")
    try:
        services.rename_line(line=line, label=label)
    except DomainError as problem:
        line.refresh_from_db(fields=["label"])
        context = {**_page(line, customer), "label": label}
        return show_problem(request, customer, "line", context, problem)
    messages.success(request, _("The name is saved."))
    return see_other("portal:line", line.id)


def _page(line: "Line", customer: "Customer") -> dict[str, object]:
    now = clock.now()
    periods = usage.periods([line.id], now)[line.id]
    card = line_card(line, customer, periods, usage.balances([line.id], now)[line.id], now)
    base = [period.version_id for period in card.running if period.kind == PeriodKind.BASE]
    return {
        "card": card,
        "line": line,
        "label": line.label,
        "install": line.install,
        "periods": periods[::-1],
        "countries": _countries(base, active_locale()),
        "section": "account",
    }


def _countries(version_ids: list[int], locale: str) -> list[str]:
    """Names of the countries in which these plans work."""
    found = frozenset[str]().union(*catalog.countries_by_version(version_ids).values())
    return [name for _code, name in choices.countries(found, locale)]
