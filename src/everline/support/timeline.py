"""One timeline of a customer: what the shop, the customer, the providers and the staff did, newest first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from everline.accounts.models import AccessToken, Customer, WebSession
from everline.core import ids
from everline.core.models import AuditEntry, Transition
from everline.lines.models import Line
from everline.notifications.models import Message
from everline.orders.models import Case, Order, TimelineEntry
from everline.payments.models import Attempt, Refund
from everline.support.models import CustomerNote

PAGE = 40
#: What happened in one instant stays on one page: so many more of each source are looked at.
_TIES = 30
#: Orders, attempts and lines of a customer that the timeline looks at, newest first.
_OBJECTS = 500


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `kind` and `what` are codes; `target` and `key` name what to open."""

    at: datetime
    kind: str
    what: str
    detail: str = ""
    target: str = ""
    key: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Moments, newest first, and the time before which the next page begins; None where there is none."""

    moments: list[Moment]
    before: datetime | None


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whose and which rows are looked at."""

    customer: str
    user_id: int
    orders: list[str]
    attempts: list[str]
    refunds: list[str]
    lines: list[str]
    addresses: list[str]


Source = Callable[[_Scope, datetime, int], Iterable[Moment]]


def customer_timeline(customer: Customer, *, before: datetime, limit: int = PAGE) -> Page:
    """What happened to a customer up to and without `before`; twelve statements whatever there is."""
    newest = "-pk"
    orders = list(
        Order.objects.filter(customer=customer).order_by(newest).values_list("id", flat=True)[:_OBJECTS]
    )
    scope = _Scope(
        customer=customer.id,
        user_id=customer.user_id,
        orders=orders,
        **_payments(orders),
        lines=list(
            Line.objects.filter(customer=customer).order_by(newest).values_list("id", flat=True)[:_OBJECTS]
        ),
        addresses=[each for each in (customer.email, customer.phone) if each],
    )
    sources = (_steps, _payment_moves, _messages, _web_sessions, _tokens, _notes, _staff, _cases)
    return _page(scope, sources, before, limit)


def order_timeline(order: Order, *, before: datetime, limit: int = PAGE) -> Page:
    """The same for one order."""
    scope = _Scope(
        customer=order.customer_id,
        user_id=0,
        orders=[order.id],
        **_payments([order.id]),
        lines=[],
        addresses=[],
    )
    return _page(scope, (_steps, _order_moves, _payment_moves, _messages, _staff, _cases), before, limit)


def _payments(orders: list[str]) -> dict[str, list[str]]:
    attempts = list(Attempt.objects.filter(payable__in=orders).values_list("id", flat=True))
    refunds = list(Refund.objects.filter(attempt__payable__in=orders).values_list("id", flat=True))
    return {"attempts": attempts, "refunds": refunds}


def _page(scope: _Scope, sources: Iterable[Source], before: datetime, limit: int) -> Page:
    found = [moment for source in sources for moment in source(scope, before, limit + _TIES)]
    found.sort(key=lambda moment: moment.at, reverse=True)
    page = found[:limit]
    rest = found[limit:]
    while rest and rest[0].at == page[-1].at:
        page.append(rest.pop(0))
    return Page(page, page[-1].at if rest else None)


def _steps(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    rows = TimelineEntry.objects.filter(order_id__in=scope.orders, at__lt=before).select_related("order")
    for row in rows.order_by("-at", "-id")[:limit]:
        detail = " ".join(f"{name}={_short(value)}" for name, value in sorted(row.context.items()) if value)
        yield Moment(
            row.at, "order", row.event, f"{row.order.number} {detail}".strip(), "order", row.order_id
        )


def _short(value: object) -> object:
    """A moment to the minute; everything else as it is."""
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%dT%H:%MZ") if "T" in str(value) else value
    except ValueError:
        return value


def _payment_moves(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    yield from _moves("attempt", "payments.attempt", "att", scope.attempts, before, limit)
    yield from _moves("refund", "payments.refund", "ref", scope.refunds, before, limit)


def _order_moves(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    yield from _moves("order", "orders.order", "ord", scope.orders, before, limit)


def _moves(
    kind: str, label: str, prefix: str, keys: list[str], before: datetime, limit: int
) -> Iterator[Moment]:
    numbers = [ids.to_int(prefix, key) for key in keys]
    rows = Transition.objects.filter(label=label, object_id__in=numbers, at__lt=before)
    for row in rows.order_by("-at", "-id")[:limit]:
        key = ids.from_int(prefix, row.object_id)
        yield Moment(
            row.at,
            kind,
            "state.moved",
            f"{row.from_state} → {row.to_state} {row.reason}".strip(),
            kind,
            key,
            row.actor,
        )


def _messages(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    mine = Q(reference__in=[scope.customer, *scope.orders])
    if scope.addresses:
        mine |= Q(to__in=scope.addresses)
    rows = Message.objects.filter(mine, created_at__lt=before).select_related("delivery")
    for row in rows.order_by("-created_at", "-pk")[:limit]:
        state = getattr(getattr(row, "delivery", None), "status", "")
        event = str(row.context.get("event", "")) if row.kind == "security_notice" else ""
        kind = "security" if event else "message"
        yield Moment(
            row.created_at, kind, event or row.kind, f"{row.channel} {row.to} {state}", "message", row.id
        )


def _web_sessions(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    rows = WebSession.objects.filter(user_id=scope.user_id, created_at__lt=before).order_by("-created_at")
    for row in rows[:limit]:
        where = " ".join(each for each in (row.device, row.address, row.country) if each)
        yield Moment(row.created_at, "sign_in", f"web.{row.method}", where, "web_session", str(row.pk))
    ended = WebSession.objects.filter(user_id=scope.user_id, ended_at__lt=before).order_by("-ended_at")
    for row in ended[:limit]:
        if row.ended_at is not None:
            yield Moment(row.ended_at, "sign_in", "session.ended", row.device, "web_session", str(row.pk))


def _tokens(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    rows = AccessToken.objects.filter(customer_id=scope.customer, created_at__lt=before)
    for row in rows.order_by("-created_at")[:limit]:
        yield Moment(row.created_at, "sign_in", "api.token", row.client, "access_token", str(row.pk))


def _notes(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    rows = CustomerNote.objects.filter(customer_id=scope.customer, at__lt=before).order_by("-at", "-id")
    for row in rows[:limit]:
        yield Moment(row.at, "staff", "note", row.text, "note", str(row.pk), row.author)


def _staff(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    mine = Q(object_kind="order", object_id__in=scope.orders)
    mine |= Q(object_kind="attempt", object_id__in=scope.attempts)
    if scope.user_id:
        mine |= Q(object_kind="customer", object_id=scope.customer)
        mine |= Q(object_kind="line", object_id__in=scope.lines)
    rows: Any = AuditEntry.objects.filter(mine, at__lt=before).order_by("-at", "-id")
    for row in rows[:limit]:
        yield Moment(row.at, "staff", row.action, row.reason, "audit", str(row.pk), row.actor)


def _cases(scope: _Scope, before: datetime, limit: int) -> Iterator[Moment]:
    rows = Case.objects.filter(order_id__in=scope.orders).order_by("-opened_at")
    for row in rows[:limit]:
        if row.opened_at < before:
            yield Moment(
                row.opened_at, "case", "case.opened", f"{row.reason} {row.detail}", "case", str(row.pk)
            )
        if row.closed_at is not None and row.closed_at < before:
            yield Moment(row.closed_at, "case", "case.closed", row.reason, "case", str(row.pk), row.owner)
