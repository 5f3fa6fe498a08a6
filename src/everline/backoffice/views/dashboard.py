"""What staff see first: how the shop does, and what waits for somebody."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from everline.backoffice.charts import HEIGHT, WIDTH, bars, share
from everline.core import clock
from everline.support.figures import Figures, Reason, figures


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The index page's figures, for whoever may see them."""
    if not request.user.has_perm("backoffice.see_figures"):
        return {**context, "figures": None}
    found = figures(clock.now())
    return {
        **context,
        "figures": found,
        "chart": {"width": WIDTH, "height": HEIGHT},
        "renewals": _renewals(found),
        "revenue": _revenue(found),
        "payment_failures": _ranked(found.payment_failures),
        "supplier_failures": _ranked(found.supplier_failures),
    }


def _renewals(found: Figures) -> dict[str, Any]:
    values = [day.renewals for day in found.days]
    titles = [
        _("%(day)s: %(renewals)d renewals, %(orders)d orders")
        % {"day": date_format(day.day), "renewals": day.renewals, "orders": day.orders}
        for day in found.days
    ]
    return {
        "bars": bars(values, titles),
        "total": sum(values),
        "orders": sum(day.orders for day in found.days),
        "first": found.days[0].day,
        "last": found.days[-1].day,
    }


def _revenue(found: Figures) -> list[dict[str, Any]]:
    locale = get_language() or "en"
    charts = []
    for code, amounts in found.revenue_by_currency.items():
        titles = [
            f"{date_format(day.day)}: {each.format(locale)}"
            for day, each in zip(found.days, amounts, strict=True)
        ]
        charts.append(
            {
                "currency": code,
                "total": found.totals[code],
                "bars": bars([each.amount for each in amounts], titles),
            }
        )
    return charts


def _ranked(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    most = max((each.count for each in reasons), default=0)
    return [{"code": each.code, "count": each.count, "share": share(each.count, most)} for each in reasons]
