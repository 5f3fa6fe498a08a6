"""Seeded random walks through the shop: whatever customers do and whatever breaks, the books agree at last.

A walk is some customers doing forty things in an order that only its seed knows, in a world where calls are
cut, webhooks get lost and days pass. Then nothing breaks any more, time passes, and the auditor, who saw none
of it, compares every order with provider, supplier and mails. A failure prints the seed and the story.
"""

import os
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from everline.accounts.models import Customer
from everline.catalog.services import publish_version, withdraw_plan
from everline.core import clock
from everline.core.errors import DomainError
from everline.lines.models import Line
from everline.orders.models import Order, Quote
from everline.orders.services import paying, placing, quoting, returning
from everline.orders.states import OrderStatus
from everline.payments.models import Attempt
from tests.journeys.audit import come_to_rest, complaints
from tests.journeys.world import ALWAYS_3DS, DECLINED_CARD, GOOD_CARD, World, _Form

SEEDS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
#: To hunt: `FRESH_WALKS=20 pytest tests/journeys/test_random_walks.py -k fresh` walks and prints new ways.
FRESH = [None] * int(os.environ.get("FRESH_WALKS", "0"))
STEPS = 40
CARDS = (GOOD_CARD, GOOD_CARD, GOOD_CARD, DECLINED_CARD, "4000000000009995", ALWAYS_3DS, "4000008400001629")
FAULTS = {
    "charge": ("drop_before", "drop_after", "http_500", "http_500_saved", "http_429", "slow", "decline"),
    "fetch": ("drop_before", "drop_after", "http_500", "http_429", "slow"),
    "refund": ("drop_before", "drop_after", "http_500", "http_500_saved", "http_429"),
    "webhook": ("duplicate", "reorder", "lose", "delay", "bad_signature", "drop_after", "http_500"),
    "supplier.topup": ("drop_before", "drop_after", "http_500", "http_500_saved", "http_429"),
    "supplier.profile": ("drop_before", "drop_after", "http_500", "http_429"),
    "mail": ("drop_before", "drop_after", "http_500", "http_429"),
}
PAUSES = (1, 5, 20, 70, 400, 2_000, 5_000, 40_000, 100_000, 400_000)


@dataclass
class Walk:
    """Everything that happened, and the dice."""

    world: World
    seed: int
    story: list[str] = field(default_factory=list)
    quotes: list[tuple[Quote, str]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    presses: list[tuple[Order, paying.PaymentRequest, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        zones = ("Asia/Shanghai", "Europe/Berlin", "America/St_Johns")
        self.customers = [self.world.customer(zone) for zone in zones]
        self.lines = {each.id: [self.world.line(each) for _ in range(2)] for each in self.customers}
        units = (("day", 3, 500), ("month", 1, 1999), ("year", 1, 9999))
        self.versions = [self.world.plan(unit, times, amount) for unit, times, amount in units]
        self.began = clock.now()

    def tell(self, text: str) -> None:
        self.story.append(f"{clock.now() - self.began} {text}")

    def one(self, things: list[Any]) -> Any:
        """One of these, the newer the likelier; None where there are none."""
        return things[-1 - min(int(self.dice.expovariate(0.4)), len(things) - 1)] if things else None

    def attempts(self) -> list[Attempt]:
        rows = Attempt.objects.filter(payable__in=[order.id for order in self.orders]).order_by("pk")
        return list(rows)


def _customer_of(walk: Walk) -> tuple[Customer, Line | None]:
    customer = walk.dice.choice(walk.customers)
    return customer, walk.dice.choice([None, *walk.lines[customer.id]])


def _quote(walk: Walk) -> None:
    customer, line = _customer_of(walk)
    version = walk.dice.choice(walk.versions)
    quantity = walk.dice.choice((1, 1, 2, 3))
    quote = quoting.create_quote(
        customer=customer,
        plan_id=version.plan_id,
        line_id=line.id if line else None,
        quantity=quantity,
        currency=walk.dice.choice((None, None, "JPY")),
        now=clock.now(),
    )
    walk.quotes.append((quote, f"place-{quote.id}"))
    walk.tell(f"{quote.id} for {quote.line_id or 'a new line'}: {quantity} x {version.plan_id} {quote.total}")


def _place(walk: Walk) -> None:
    """Make the order of a quote; a quote that has one gives the same again, or is refused to another key."""
    if (chosen := walk.one(walk.quotes)) is None:
        return
    quote, key = chosen
    other = walk.dice.random() < 0.15
    placed = placing.place_order(
        customer=quote.customer, quote_id=quote.id, key=f"{key}-other" if other else key, now=clock.now()
    )
    known = [order for order in walk.orders if order.quote_id == quote.id]
    assert [order.id for order in known] in ([], [placed.object_id]), "one quote made two orders"
    if not known:
        walk.orders.append(Order.objects.get(pk=placed.object_id))
        if other:
            walk.quotes[walk.quotes.index(chosen)] = (quote, f"{key}-other")
    walk.tell(f"{placed.object_id} placed from {quote.id}{' again' if known else ''}")


def _buy(walk: Walk) -> None:
    """The way most customers go, without looking left or right."""
    _quote(walk)
    quote, key = walk.quotes[-1]
    placed = placing.place_order(customer=quote.customer, quote_id=quote.id, key=key, now=clock.now())
    walk.orders.append(Order.objects.get(pk=placed.object_id))
    walk.tell(f"{placed.object_id} placed")
    attempt = _press(walk, walk.orders[-1], f"pay-{placed.object_id}")
    if attempt.redirect_url and walk.dice.random() < 0.7:  # the others leave the page open
        _visit(walk, attempt, GOOD_CARD, "pay", "approve")


def _pay(walk: Walk) -> None:
    """Press "pay" for an order, with a key of its own: another tab, or the next try."""
    if (order := walk.one(walk.orders)) is not None:
        _press(walk, order, f"key-{len(walk.presses)}")


def _press(walk: Walk, order: Order, key: str) -> Attempt:
    request = paying.PaymentRequest(order.id, "card", f"{walk.world.shop_url}/orders/{order.id}/")
    started = paying.start_payment(customer=order.customer, request=request, key=key, now=clock.now())
    attempt = Attempt.objects.get(pk=started.object_id)
    walk.presses.append((order, request, key, attempt.id))
    walk.tell(f"{order.id} pay {key}: {attempt.id} {attempt.status}")
    return attempt


def _press_again(walk: Walk) -> None:
    """The same key again: the same attempt, whatever has become of it."""
    if (press := walk.one(walk.presses)) is None:
        return
    order, request, key, attempt_id = press
    started = paying.start_payment(customer=order.customer, request=request, key=key, now=clock.now())
    assert started.object_id == attempt_id, "one key made two payments"
    walk.tell(f"{order.id} pay {key} again: {attempt_id}")


def _page(walk: Walk) -> None:
    """Fill in a hosted page, somehow."""
    attempt = walk.one([each for each in walk.attempts() if each.redirect_url])
    if attempt is not None:
        card = walk.dice.choice(CARDS)
        action = walk.dice.choice(("pay", "pay", "pay", "pay", "cancel"))
        _visit(walk, attempt, card, action, walk.dice.choice(("approve", "approve", "fail", "abandon")))


def _visit(walk: Walk, attempt: Attempt, card: str, action: str, answer: str) -> None:
    """A page that is closed is read and left."""
    browser = walk.world.sandbox.http
    page = browser.get(attempt.redirect_url)
    form = _Form(page.text)
    walk.tell(f"{attempt.id} page {page.status_code}: {action} with {card[-4:]}, then {answer}")
    if page.status_code != 200 or form.forms != 1:
        return
    data = {"method": "card", "number": card, "expiry": "12/40", "cvc": "123", "action": action}
    reply = browser.post(str(page.url.join(form.action)), data=data)
    target = reply.headers.get("location", "")
    if "/3ds/" in target:
        browser.post(str(page.url.join(target)), data={"action": answer})


def _come_back(walk: Walk) -> None:
    if (attempt := walk.one(walk.attempts())) is not None:
        order = next(each for each in walk.orders if each.id == attempt.payable)
        returning.note_return(
            customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now()
        )
        walk.tell(f"{attempt.id} the customer is back")


def _cancel_attempt(walk: Walk) -> None:
    if (attempt := walk.one(walk.attempts())) is not None:
        order = next(each for each in walk.orders if each.id == attempt.payable)
        ended = paying.cancel_attempt(
            customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now()
        )
        walk.tell(f"{attempt.id} cancelled: {ended.status} {ended.failure_code}")


def _cancel_order(walk: Walk) -> None:
    if (order := walk.one(walk.orders)) is not None:
        ended = placing.cancel_order(customer=order.customer, order_id=order.id, now=clock.now())
        walk.tell(f"{order.id} cancelled: {ended.status}")


def _wait(walk: Walk) -> None:
    seconds = walk.dice.choice(PAUSES)
    walk.tell(f"{seconds} s pass")
    walk.world.sandbox.advance(seconds=seconds)


def _drain(walk: Walk) -> None:
    walk.tell(f"{len(walk.world.sandbox.drain())} things done")


def _break(walk: Walk) -> None:
    """A new fault plan of a few entries; it takes the place of what was left of the last one."""
    plan = []
    for _ in range(walk.dice.randint(1, 4)):
        at = walk.dice.choice(list(FAULTS))
        fault = walk.dice.choice(FAULTS[at])
        entry: dict[str, Any] = {"at": at, "fault": fault, "times": walk.dice.choice((1, 1, 2, 6))}
        if fault in {"slow", "delay"}:
            entry["seconds"] = 0.1 if fault == "slow" else walk.dice.choice((3, 120, 7_200))
        plan.append(entry)
    walk.world.sandbox.control("POST", "/faults", json={"seed": walk.seed, "plan": plan})
    walk.tell("faults: " + ", ".join(f"{each['times']} x {each['fault']} at {each['at']}" for each in plan))


def _redeliver(walk: Walk) -> None:
    mine = {each.id for each in walk.attempts()}
    sent = walk.world.sandbox.control("GET", "/webhooks")["data"]
    old = [each for each in sent if (each["body"]["data"].get("reference") or "") in mine]
    for hook in walk.dice.sample(old, min(3, len(old))):
        walk.world.sandbox.control("POST", f"/webhooks/{hook['id']}/redeliver")
        walk.tell(f"{hook['type']} {hook['event']} comes again")


def _use(walk: Walk) -> None:
    """The network reports that a line was used."""
    customer = walk.dice.choice(walk.customers)
    line = walk.dice.choice(walk.lines[customer.id])
    body = {
        "iccid": line.iccid,
        "service": "data",
        "quantity": walk.dice.randint(1, 2 * 10**9),
        "plmn": "44010",
    }
    walk.world.sandbox.control("POST", "/suppliers/usage", json=body)
    walk.tell(f"{line.id} used {body['quantity']} bytes")


def _reprice(walk: Walk) -> None:
    """Another price from now on, or no sale at all: what is quoted keeps its own."""
    version = walk.dice.choice(walk.versions)
    if walk.dice.random() < 0.3 and len(walk.versions) > 1:
        withdraw_plan(plan=version.plan, now=clock.now())
        walk.versions.remove(version)
        walk.tell(f"{version.plan_id} is sold no more")
        return
    amount = walk.dice.randint(100, 5_000)
    spec = walk.world.spec(version.term_unit, version.term_count, amount)
    publish_version(plan=version.plan, spec=spec, now=clock.now())
    walk.tell(f"{version.plan_id} costs {amount} now")


ACTIONS: dict[Callable[[Walk], None], int] = {
    _quote: 4,
    _place: 5,
    _buy: 14,
    _pay: 10,
    _press_again: 4,
    _page: 14,
    _come_back: 3,
    _cancel_attempt: 4,
    _cancel_order: 4,
    _wait: 8,
    _drain: 8,
    _break: 8,
    _redeliver: 3,
    _use: 3,
    _reprice: 1,
}


def _step(walk: Walk) -> None:
    [action] = walk.dice.choices(list(ACTIONS), list(ACTIONS.values()))
    try:
        action(walk)
    except DomainError as refused:
        walk.tell(f"{action.__name__[1:]}: refused, {refused.code}")


@pytest.mark.parametrize("seed", [*SEEDS, *FRESH], ids=lambda seed: "fresh" if seed is None else str(seed))
def test_scenario_10_and_29_a_random_walk_ends_with_books_that_agree(
    world: World, seed: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = Walk(world, secrets.randbelow(10**9) if seed is None else seed)
    with capsys.disabled(), suppress(OSError):
        if seed is None:
            print(f"\nfresh seed of this random walk: {walk.seed}")  # noqa: T201 - so that it can be walked again

    for _ in range(STEPS):
        _step(walk)
    world.sandbox.forget_faults()
    waiting = come_to_rest(world)

    found = waiting + complaints(world, walk.orders)
    assert found == [], f"seed {walk.seed}: {found}\n" + "\n".join(walk.story)
    assert walk.orders, "nobody bought anything"
    world.check_truths()
    _check_story(walk)


def _check_story(walk: Walk) -> None:
    """What every good end has in common, whatever the way to it."""
    for order in Order.objects.filter(pk__in=[each.pk for each in walk.orders]):
        steps = walk.world.timeline(order)
        assert steps[0] == "order.placed", (walk.seed, order.id, steps)
        if order.status == OrderStatus.FULFILLED:
            rest = steps[steps.index("payment.captured") :]
            assert rest.index("fulfilment.started") < rest.index("period.opened"), (walk.seed, rest)
            assert "confirmation.sent" not in rest[: rest.index("order.fulfilled")], (walk.seed, rest)
        else:
            assert not {"period.opened", "confirmation.sent"} & set(steps), (walk.seed, steps)


def test_the_auditor_sees_what_is_wrong(world: World) -> None:
    """An auditor who never complains proves nothing: each kind of wrong must be seen."""
    customer = world.customer()
    good = world.buy(customer, world.line(customer), world.plan())
    unpaid = world.order(customer, world.line(customer), world.plan())
    assert complaints(world, [good]) == []

    texts = " ".join(complaints(world, [unpaid]))
    assert "has not come to an end" in texts
    Order.objects.filter(pk=good.pk).update(status=OrderStatus.CANCELLED)
    texts = " ".join(complaints(world, [good]))
    Order.objects.filter(pk=good.pk).update(status=OrderStatus.FULFILLED)

    for words in (
        "1999 of 1999 stayed",
        "with 1 of 1 periods",
        "supplier gave 1 of 1",
        "order_confirmation, not 0",
    ):
        assert words in texts
    assert complaints(world, [good]) == []
