"""Every fault at every place in five stories: in the end money and service agree, nothing is lost or doubled.

One test is one fault at one place; the customers whom it can meet live through it, each in a story of their
own. Then time passes, everything due is done, and the auditor compares the shop with the world outside.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from everline.notifications.models import Delivery
from everline.orders.models import Order
from everline.orders.states import OrderStatus
from everline.payments.errors import AttemptOpen, ProviderUnavailable
from everline.payments.models import Attempt
from everline.suppliers.models import SupplierOrder
from everline.usage.models import Period
from tests.journeys.audit import come_to_rest, complaints
from tests.journeys.test_renewal import GOOD
from tests.journeys.world import DECLINED_CARD, World

GENERAL = ("drop_before", "drop_after", "http_500", "http_500_saved", "http_429", "slow")
ON_THE_WIRE = ("duplicate", "reorder", "lose", "delay", "bad_signature")
CELLS = [
    *(("charge", fault) for fault in (*GENERAL, "decline")),
    *(("fetch", fault) for fault in GENERAL),
    *(("refund", fault) for fault in GENERAL),
    *(("webhook", fault) for fault in (*ON_THE_WIRE, "drop_after", "http_500")),
    *(("supplier.topup", fault) for fault in GENERAL),
    *(("supplier.profile", fault) for fault in GENERAL),
    *(("mail", fault) for fault in GENERAL),
]
#: How often a fault strikes: each story's first payment, each first fetch, … every webhook of the first hour.
TIMES = {
    "charge": 1,
    "fetch": 6,
    "refund": 2,
    "webhook": 40,
    "supplier.topup": 3,
    "supplier.profile": 1,
    "mail": 6,
}
SECONDS = {"slow": {"seconds": 0.2}, "delay": {"seconds": 90}}


@dataclass
class Story:
    """One customer's purchase, how it should end when nothing is in the way, and how it did begin."""

    name: str
    order: Order
    ends: str = OrderStatus.FULFILLED
    captures: int = 1
    starts: list[str] = field(default_factory=list)

    @property
    def gave_up(self) -> bool:
        """The customer never got a page to pay on."""
        return bool(self.starts) and self.starts[-1] == "unknown"


class Teller:
    """Plays the customers under one fault."""

    def __init__(self, world: World, at: str, fault: str) -> None:
        self.world, self.at, self.fault = world, at, fault
        self.version = world.plan()

    def strike(self) -> None:
        more = SECONDS.get(self.fault, {})
        self.world.sandbox.fault(self.at, self.fault, times=TIMES[self.at], **more)

    def struck(self) -> bool:
        """Whether the fault happened; a plan that a story took back was seen by the stories before."""
        plan = self.world.sandbox.control("GET", "/faults")["plan"]
        return all(entry["remaining"] < entry["times"] for entry in plan)

    def begin(self, name: str, *, new_line: bool = False, **more: object) -> Story:
        customer = self.world.customer()
        line = None if new_line else self.world.line(customer)
        order = self.world.order(customer, line, self.version)
        if self.at == "charge":
            self.strike()  # each story's first start meets it
        return Story(name, order, **more)  # type: ignore[arg-type]

    def start(self, story: Story) -> Attempt | None:
        """Press "pay", and again while there is no page; a declined start is followed by a new one."""
        key, attempt = f"{story.order.id}-{len(story.starts)}", None
        for press in range(4):
            try:
                attempt = self.world.attempt(story.order, key=key)
            except ProviderUnavailable:
                story.starts.append("unavailable")
                continue
            except AttemptOpen:
                self.world.sandbox.advance(seconds=20)  # the decline is not known yet: look again
                self.world.sandbox.drain()
                continue
            story.starts.append(attempt.status)
            if attempt.status == "requires_action":
                return attempt
            if attempt.status == "failed":
                key = f"{key}-{press}"
                self.world.sandbox.drain()  # the customer reads the mail before trying again
        return None

    def pay(self, story: Story, *cards: str) -> None:
        """Start and pay, card after card, until the provider has the money."""
        for card in cards or ("4242424242424242",):
            attempt = self.start(story)
            if attempt is None:
                return
            self.world.sandbox.pay(attempt.redirect_url, card)
            if card == DECLINED_CARD:
                self.world.sandbox.drain()


def _renewal(teller: Teller) -> Story:
    story = teller.begin("renewal")
    teller.pay(story)
    return story


def _new_line(teller: Teller) -> Story:
    story = teller.begin("new line", new_line=True)
    teller.pay(story)
    return story


def _undelivered(teller: Teller) -> Story:
    """The supplier knows the card as deleted: it will never sell for it."""
    story = teller.begin("undelivered", ends=OrderStatus.REFUNDED)
    assert story.order.line is not None
    body = {"iccid": story.order.line.iccid, "profile_state": "deleted"}
    teller.world.sandbox.control("POST", "/suppliers/profile", json=body)
    teller.pay(story)
    return story


def _surplus(teller: Teller) -> Story:
    """A payment that the shop had given up is paid beside the one that counts."""
    story = teller.begin("surplus", captures=2)
    first = teller.start(story)
    if first is not None:
        Attempt.objects.filter(pk=first.id).update(status="failed", failure_code="cancelled")
        second = teller.start(story)
        assert second is not None
        teller.world.sandbox.pay(second.redirect_url)
        teller.world.sandbox.drain()
        if teller.fault == "lose":
            teller.world.sandbox.forget_faults()  # of a payment it gave up the shop hears by webhook only
        teller.world.sandbox.pay(first.redirect_url)
    return story


def _declined(teller: Teller) -> Story:
    story = teller.begin("declined")
    teller.pay(story, DECLINED_CARD, "4242424242424242")
    return story


STORIES: tuple[Callable[[Teller], Story], ...] = (_renewal, _new_line, _undelivered, _surplus, _declined)
#: Those whom a fault at this place can meet; all where none is named.
MET = {
    "refund": (_undelivered, _surplus),
    "supplier.topup": (_renewal, _new_line, _surplus),
    "supplier.profile": (_new_line,),
    "mail": (_renewal, _undelivered),
}


@pytest.mark.parametrize(("at", "fault"), CELLS)
def test_scenario_6_and_11_no_fault_loses_or_doubles_money(world: World, at: str, fault: str) -> None:
    teller = Teller(world, at, fault)
    if at != "charge":
        teller.strike()

    stories = [tell(teller) for tell in MET.get(at, STORIES)]
    patience: tuple[dict[str, float], ...] = ({"hours": 40},) if at == "mail" else ()
    waiting = come_to_rest(world, *patience)

    assert teller.struck(), "the fault never happened: this cell proves nothing"
    assert waiting == []
    assert complaints(world, [story.order for story in stories]) == []
    for story in stories:
        _check_end(story, at, fault)
        _check_timeline(world, story, at, fault)
    world.check_truths()
    lost = Delivery.objects.filter(status="given_up")
    assert lost.exists() == ((at, fault) == ("mail", "http_500_saved"))


def _check_end(story: Story, at: str, fault: str) -> None:
    """How the order ended is what this fault allows, not only consistent."""
    story.order.refresh_from_db()
    ends = story.ends
    broken_for_good = fault == "http_500_saved"
    if at == "charge" and broken_for_good:
        assert story.gave_up, story
        ends = OrderStatus.EXPIRED
    elif broken_for_good and (at == "supplier.profile" or (at == "supplier.topup" and _was_struck(story))):
        ends = OrderStatus.REFUNDED
    assert (story.name, story.order.status) == (story.name, ends)
    statuses = list(Attempt.objects.filter(payable=story.order.id).values_list("status", "failure_code"))
    if ends == OrderStatus.EXPIRED:
        assert statuses == [("failed", "expired")]
    else:
        paid = [status for status, _code in statuses if status != "failed"]
        assert len(paid) == story.captures, (story.name, statuses)
    assert Period.objects.filter(order=story.order.id).exists() == (ends == OrderStatus.FULFILLED)


def _was_struck(story: Story) -> bool:
    """Only so many top-ups are struck, and whose they are is chance."""
    return SupplierOrder.objects.filter(order=story.order.id, kind="topup", status="failed").exists()


def _check_timeline(world: World, story: Story, at: str, fault: str) -> None:
    """A renewal shows the good steps and nothing else, but for delays that a customer must see."""
    if story.name != "renewal" or story.order.status != OrderStatus.FULFILLED or at == "mail":
        return
    expected = list(GOOD)
    if at == "charge" and "unknown" in story.starts:
        expected.insert(2, "payment.checking")
    if at == "charge" and fault == "decline":
        expected[2:2] = ["payment.failed", "payment.started"]
    if at == "supplier.topup" and fault != "slow":
        expected.insert(expected.index("period.opened"), "fulfilment.delayed")
    assert world.timeline(story.order) == expected
