"""A line as its customer sees it: state, days, what is left of it as rings, what is queued, what to mind."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from everline.catalog.terms import days_left
from everline.catalog.types import FairUse, PeriodKind
from everline.lines.states import ServiceState
from everline.portal import formats, wording
from everline.portal.templatetags.portal import active_locale
from everline.usage.states import PeriodState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from everline.accounts.models import Customer
    from everline.catalog.models import PlanVersion
    from everline.lines.models import Line
    from everline.usage.types import Balance, PeriodView

_RENEWABLE = frozenset({ServiceState.PENDING, ServiceState.ACTIVE, ServiceState.GRACE})
_RUNNING = frozenset({PeriodState.ACTIVE, PeriodState.SUSPENDED})
#: From so many days before the end on, and from such a share on, the customer is warned.
NEAR_END = 7
NEARLY_USED = 80
_ALL = 100


@dataclass(frozen=True, slots=True)
class Warned:
    """One thing to mind, in the active language."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is left of one service, for a ring; texts in the active language."""

    service: str
    label: str
    value_text: str
    of_text: str
    percent: int
    unlimited: bool
    tone: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class LineCard:
    """A line as its customer sees it, as of one instant.

    `again` is the plan that one tap buys once more: the last one in the line's queue, while it is sold.
    `rule` is what the running plan says about an unlimited allowance.
    """

    line: "Line"
    zone: str
    state: ServiceState
    days_left: int
    running: "Sequence[PeriodView]"
    queued: "Sequence[PeriodView]"
    balances: "Sequence[Balance]"
    again: "PlanVersion | None" = None
    rule: FairUse | None = None

    @property
    def renewable(self) -> bool:
        """Whether the line takes a plan in this state."""
        return self.state in _RENEWABLE

    @property
    def gauges(self) -> list[Gauge]:
        """A ring a service."""
        return [gauge_of(balance, active_locale()) for balance in self.balances]

    @property
    def as_of(self) -> str:
        """Up to when news is in the figures, in words; a service that was heard of earlier is named."""
        if not self.balances:
            return ""
        newest = max(each.as_of for each in self.balances)
        main = formats.moment(newest, self.zone, active_locale())
        earlier = [
            f"{wording.SERVICES[each.service]} {told}"
            for each in self.balances
            if (told := formats.moment(each.as_of, self.zone, active_locale())) != main
        ]
        return _("As of %(time)s") % {"time": " · ".join([main, *earlier])}

    @property
    def warnings(self) -> list[Warned]:
        """What to mind now, the most urgent first."""
        return [*self._ending(), *(warned for each in self.balances if (warned := _used_up(each)))]

    @property
    def shown_rule(self) -> FairUse | None:
        """The rule, where an allowance is unlimited."""
        return self.rule if any(each.unlimited for each in self.balances) else None

    def _ending(self) -> list[Warned]:
        if self.state == ServiceState.ACTIVE and self.days_left <= NEAR_END:
            return [Warned("warn", wording.expires_in(self.days_left))]
        return []


def line_card(
    line: "Line",
    customer: "Customer",
    periods: "Sequence[PeriodView]",
    balances: "Sequence[Balance]",
    now: datetime,
    versions: "Mapping[int, PlanVersion] | None" = None,
) -> LineCard:
    """One line from what the rooms know of it; no statement. `versions`: see `versions_to_know`."""
    known = versions or {}
    last = _last_plan(periods)
    again = known.get(last.version_id) if last is not None else None
    running = [each for each in periods if each.state in _RUNNING]
    return LineCard(
        line=line,
        zone=line.timezone or customer.timezone,
        state=line.state_at(now),
        days_left=0 if line.valid_until is None else days_left(now, line.valid_until),
        running=running,
        queued=[each for each in periods if each.state == PeriodState.QUEUED],
        balances=balances,
        again=again if again is not None and _is_sold(again, now) else None,
        rule=next((rule for each in running if (rule := _rule_of(known.get(each.version_id)))), None),
    )


def versions_to_know(periods: "Collection[Sequence[PeriodView]]") -> set[int]:
    """The plan versions that cards of lines with these periods speak of."""
    wanted = {each.version_id for some in periods for each in some if each.state in _RUNNING}
    return wanted | {last.version_id for some in periods if (last := _last_plan(some)) is not None}


def gauge_of(balance: "Balance", locale: str) -> Gauge:
    """A balance as a ring: full is untouched, empty is used up; what is left is never drawn as nothing."""
    total, remaining = balance.total, balance.remaining
    if total is None or remaining is None:
        used = wording.quantity_short(balance.service, balance.used, locale)
        text = _("%(amount)s used") % {"amount": used}
        label = str(wording.SERVICES[balance.service])
        return Gauge(balance.service, label, _("Unlimited"), text, _ALL, True, "", balance.as_of)  # noqa: FBT003
    left = formats.share(remaining, total)
    tone = "bad" if remaining <= 0 else "warn" if _ALL - left >= NEARLY_USED else ""
    return Gauge(
        service=balance.service,
        label=str(wording.SERVICES_LEFT[balance.service]),
        value_text=wording.quantity_short(balance.service, remaining, locale),
        of_text=_("of %(amount)s") % {"amount": wording.quantity_short(balance.service, total, locale)},
        percent=max(left, 1) if remaining > 0 else 0,
        unlimited=False,
        tone=tone,
        as_of=balance.as_of,
    )


def _used_up(balance: "Balance") -> Warned | None:
    if balance.total is None or balance.remaining is None or balance.total <= 0:
        return None
    service = str(wording.SERVICES[balance.service])
    if balance.remaining <= 0:
        return Warned("bad", _("%(service)s: all used up.") % {"service": service})
    used = formats.share(balance.used, balance.total)
    if used < NEARLY_USED:
        return None
    return Warned("warn", _("%(service)s: %(percent)s%% used.") % {"service": service, "percent": used})


def _last_plan(periods: "Sequence[PeriodView]") -> "PeriodView | None":
    """The base period at the end of the queue, whatever became of it, but for one that was taken back."""
    base = [each for each in periods if each.kind == PeriodKind.BASE and each.state != PeriodState.REVOKED]
    return base[-1] if base else None


def _is_sold(version: "PlanVersion", now: datetime) -> bool:
    withdrawn = version.plan.withdrawn_at
    return withdrawn is None or withdrawn > now


def _rule_of(version: "PlanVersion | None") -> FairUse | None:
    if version is None or version.fair_use is None:
        return None
    return FairUse(**version.fair_use, hotspot=version.hotspot)
