"""The seeded fault plan: what goes wrong, where, and how often.

A plan is a list of entries that are spent in order, each `times` times, at its own point. Without a plan
nothing ever fails. The seed drives the only chance there is: entries with a `probability` below 1.
"""

import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse

from everline.sandbox.db import atomic
from everline.sandbox.models import FaultEntry, FaultPlan, SavedKey
from everline.sandbox.wire import WireError, bad, read_json, refusal


class At(StrEnum):
    """Where a fault can strike."""

    CHARGE = "charge"
    FETCH = "fetch"
    REFUND = "refund"
    WEBHOOK = "webhook"
    TOPUP = "supplier.topup"
    PROFILE = "supplier.profile"
    MAIL = "mail"
    SMS = "sms"
    PUSH = "push"


class Fault(StrEnum):
    """What can go wrong."""

    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    HTTP_500 = "http_500"
    HTTP_500_SAVED = "http_500_saved"
    HTTP_429 = "http_429"
    SLOW = "slow"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    LOSE = "lose"
    DELAY = "delay"
    BAD_SIGNATURE = "bad_signature"
    DECLINE = "decline"


WEBHOOK_ONLY = {Fault.DUPLICATE, Fault.REORDER, Fault.LOSE, Fault.DELAY, Fault.BAD_SIGNATURE}
DEFAULT_SECONDS = {Fault.SLOW: 5.0, Fault.DELAY: 60.0, Fault.REORDER: 5.0, Fault.HTTP_429: 1.0}
MAX_SECONDS = 30 * 86_400.0
MAX_SLOW = 600.0
MAX_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Fired:
    """A fault that strikes now, with its length in seconds where it has one."""

    fault: Fault
    seconds: float


class Abort(HttpResponse):
    """No answer at all: the server closes the connection instead of sending this."""

    status_code = 500


def fire(at: At) -> Fired | None:
    """Spend the next entry of this point, if the plan has one (and its chance comes up)."""
    if not FaultEntry.objects.filter(at=at, remaining__gt=0).exists():
        return None
    with atomic():
        plan = FaultPlan.objects.select_for_update().first()
        entry = FaultEntry.objects.filter(at=at, remaining__gt=0).first()
        if plan is None or entry is None:
            return None
        if entry.probability < 1 and _draw(plan) >= entry.probability:
            return None
        FaultEntry.objects.filter(pk=entry.pk).update(remaining=F("remaining") - 1)
    fault = Fault(entry.fault)
    seconds = entry.seconds if entry.seconds is not None else DEFAULT_SECONDS.get(fault, 0.0)
    return Fired(fault, seconds)


def _draw(plan: FaultPlan) -> float:
    FaultPlan.objects.filter(pk=plan.pk).update(draws=F("draws") + 1)
    return random.Random(f"{plan.seed}:{plan.draws}").random()  # noqa: S311 - repeatable on purpose


def exposed(
    at: At, work: Callable[[Fired | None], HttpResponse], *, scope: str = "", key: str = ""
) -> HttpResponse:
    """Do `work` under the plan's next fault at this point.

    `scope` and `key` name the request's idempotency key: `http_500_saved` breaks it for good, and a broken
    key is answered 500 before anything else. `work` is told of the fault, which only `decline` needs.
    """
    if key and SavedKey.objects.filter(scope=scope, key=key, broken=True).exists():
        return _internal_error()
    fired = fire(at)
    if fired is None or fired.fault is Fault.DECLINE:
        return work(fired)
    if fired.fault in {Fault.DROP_AFTER, Fault.SLOW}:
        return _answer_badly(fired, work)
    if fired.fault is Fault.HTTP_500_SAVED and key:
        SavedKey.objects.update_or_create(scope=scope, key=key, defaults={"broken": True})
    return _refuse(fired)


def _answer_badly(fired: Fired, work: Callable[[Fired | None], HttpResponse]) -> HttpResponse:
    """It happens, but the answer is lost or late."""
    if fired.fault is Fault.DROP_AFTER:
        with contextlib.suppress(WireError):
            work(None)
        return Abort()
    try:
        answer = work(None)
    except WireError as error:
        answer = refusal(error)
    answer.delay = fired.seconds  # type: ignore[attr-defined]
    return answer


def _refuse(fired: Fired) -> HttpResponse:
    """It does not happen."""
    if fired.fault is Fault.DROP_BEFORE:
        return Abort()
    if fired.fault is Fault.HTTP_429:
        wait = max(1, int(fired.seconds))
        return refusal(WireError(429, "rate_limited", "Too many requests.", retry_after=wait))
    return _internal_error()


def _internal_error() -> HttpResponse:
    return refusal(WireError(500, "internal_error", "Something went wrong on our side."))


def replace_plan(request: HttpRequest) -> dict[str, Any]:
    """Put the posted plan in the place of the one in force; `WireError` 400 leaves that one as it was."""
    body = read_json(request)
    seed = body.integer("seed", low=-(2**63), default=0)
    entries = []
    for position, item in enumerate(body.items("plan", most=MAX_ENTRIES)):
        at = At(item.choice("at", frozenset(At)))
        fault = Fault(item.choice("fault", frozenset(Fault)))
        if (fault in WEBHOOK_ONLY and at is not At.WEBHOOK) or (
            fault is Fault.DECLINE and at is not At.CHARGE
        ):
            raise bad(f"plan[{position}].fault", f"{fault} cannot happen at {at}")
        times = item.integer("times", low=1, high=1_000_000, default=1)
        most = MAX_SLOW if fault is Fault.SLOW and at is not At.WEBHOOK else MAX_SECONDS
        entries.append(
            FaultEntry(
                position=position,
                at=at,
                fault=fault,
                times=times,
                remaining=times,
                seconds=item.number("seconds", low=0, high=most, default=None),
                probability=item.number("probability", low=0, high=1, default=1.0),
            )
        )
    _store(seed, entries)
    return show_plan()


def clear_plan() -> None:
    """From now on nothing fails (keys that were broken stay broken)."""
    with atomic():
        FaultPlan.objects.all().delete()


def _store(seed: int, entries: Sequence[FaultEntry]) -> None:
    with atomic():
        FaultPlan.objects.all().delete()
        plan = FaultPlan.objects.create(seed=seed)
        for entry in entries:
            entry.plan = plan
        FaultEntry.objects.bulk_create(entries)


def show_plan() -> dict[str, Any]:
    """The plan in force with what is left of it."""
    plan = FaultPlan.objects.first()
    fields = ("at", "fault", "times", "remaining", "seconds", "probability")
    return {"seed": plan.seed if plan else 0, "plan": list(FaultEntry.objects.values(*fields))}
