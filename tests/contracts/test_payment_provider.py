"""What every payment provider must do, held against each adapter and its real other side.

A new adapter joins by adding a `Side` to SIDES: how to build it, and how a customer acts on its pages.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from everline.core import clock
from everline.core.ids import new_id
from everline.core.money import Money
from everline.payments.errors import (
    BadSignature,
    IdempotencyConflict,
    InvalidRequest,
    NotKnown,
    OutcomeUnknown,
    TemporarilyUnavailable,
    Unsupported,
)
from everline.payments.port import ListsChanges, PaymentProvider, TracksRefunds
from everline.payments.providers.sandbox.adapter import SandboxProvider
from everline.payments.providers.sandbox.config import Config
from everline.payments.types import (
    PAYMENT_CHANGED,
    REFUND_CHANGED,
    AttemptSpec,
    Done,
    MethodRef,
    PaymentState,
    Redirect,
    RefundState,
)
from tests.contracts.running import Running
from tests.sandbox.world import in_database

pytestmark = in_database  # so that the suite makes the database which the running sandbox uses

GOOD, LOST, THREE_DS, PENDING_REFUND = (
    "4242424242424242",
    "4000000000009987",
    "4000002760003184",
    "4000000000007726",
)


@dataclass
class Side:
    """An adapter, and the hands of the customer and of misfortune on its other side."""

    provider: PaymentProvider
    pay: Callable[[str, str], None]
    give_up: Callable[[str], None]
    fault: Callable[[str, str], None]
    webhooks: Callable[[int], list[tuple[bytes, dict[str, str]]]]


def _sandbox_side(sandbox: Running) -> Side:
    config = Config(sandbox.url, sandbox.api_key, sandbox.webhook_secret)
    sandbox.shop.received.clear()

    def webhooks(count: int) -> list[tuple[bytes, dict[str, str]]]:
        return [(each.body, each.headers) for each in sandbox.shop.wait_for(count)]

    return Side(
        provider=SandboxProvider(lambda: config),
        pay=lambda page, number: sandbox.submit(
            page, method="card", number=number, expiry="12/40", cvc="123"
        ),
        give_up=lambda page: sandbox.submit(page, method="card", action="cancel"),
        fault=lambda at, fault: sandbox.faults({"at": at, "fault": fault}),
        webhooks=webhooks,
    )


SIDES: dict[str, Callable[[Running], Side]] = {"sandbox": _sandbox_side}


@pytest.fixture(params=sorted(SIDES))
def side(request: pytest.FixtureRequest, sandbox: Running) -> Side:
    return SIDES[request.param](sandbox)


def wanted(**changes: Any) -> AttemptSpec:
    attempt = new_id("att")
    now = clock.now()
    spec = AttemptSpec(
        attempt_id=attempt,
        payable=new_id("ord"),
        key=attempt,
        amount=Money(1999, "USD"),
        method="card",
        return_url="http://shop.example:8000/back?a=1",
        cancel_url="http://shop.example:8000/orders",
        locale="zh-hans",
        description="月 Europe",
        expires_at=now + timedelta(hours=1),
    )
    return replace(spec, **changes)


def page_of(side: Side, spec: AttemptSpec) -> Redirect:
    started = side.provider.start(spec)
    assert isinstance(started, Redirect)
    return started


def test_it_says_what_it_can(side: Side) -> None:
    caps = side.provider.caps

    assert caps.name
    assert caps.takes("card", Money(1999, "USD"))
    assert not caps.takes("shells", Money(1999, "USD"))
    assert all(origin.startswith("http") for origin in caps.redirect_origins)


def test_a_payment_starts_with_a_page_and_is_open(side: Side) -> None:
    spec = wanted()

    page = page_of(side, spec)

    snapshot = side.provider.fetch(page.ref)
    assert page.url.startswith(side.provider.caps.redirect_origins)
    assert (snapshot.ref, snapshot.attempt_id) == (page.ref, spec.attempt_id)
    assert (snapshot.state, snapshot.amount) == (PaymentState.REQUIRES_ACTION, spec.amount)
    assert (snapshot.captured, snapshot.refunded) == (Money(0, "USD"), Money(0, "USD"))
    assert snapshot.redirect_url == page.url


def test_the_same_key_is_the_same_payment(side: Side) -> None:
    spec = wanted()

    assert page_of(side, spec) == page_of(side, spec)
    assert len(side.provider.find(spec.attempt_id, clock.now())) == 1


def test_the_same_key_answers_the_payment_as_it_is_now(side: Side) -> None:
    spec = wanted()
    side.pay(page_of(side, spec).url, GOOD)

    again = side.provider.start(spec)

    assert isinstance(again, Done)
    assert again.snapshot.state == PaymentState.CAPTURED


def test_the_same_key_with_other_parameters_is_a_conflict(side: Side) -> None:
    spec = wanted()
    page_of(side, spec)

    with pytest.raises(IdempotencyConflict):
        side.provider.start(replace(spec, amount=Money(1, "USD")))


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_scenario_18_captured_money_is_exact(side: Side, currency: str) -> None:
    spec = wanted(amount=Money(1001, currency))
    page = page_of(side, spec)

    side.pay(page.url, GOOD)

    snapshot = side.provider.fetch(page.ref)
    assert (snapshot.state, snapshot.captured) == (PaymentState.CAPTURED, Money(1001, currency))
    assert snapshot.redirect_url == ""
    assert snapshot.failure is None
    assert snapshot.method is not None
    assert (snapshot.method.brand, snapshot.method.last4) == ("visa", "4242")


def test_a_declined_payment_says_why_and_whether_for_good(side: Side) -> None:
    page = page_of(side, wanted())

    side.pay(page.url, LOST)

    snapshot = side.provider.fetch(page.ref)
    assert snapshot.state == PaymentState.FAILED
    assert snapshot.failure is not None
    assert (snapshot.failure.code, snapshot.failure.hard) == ("lost_card", True)
    assert snapshot.captured == Money(0, "USD")


def test_a_customer_who_gives_up_ends_the_payment(side: Side) -> None:
    page = page_of(side, wanted())

    side.give_up(page.url)

    failure = side.provider.fetch(page.ref).failure
    assert failure is not None
    assert failure.code == "cancelled"


def test_a_payment_that_waits_for_the_bank_is_open(side: Side) -> None:
    page = page_of(side, wanted())

    side.pay(page.url, THREE_DS)

    assert side.provider.fetch(page.ref).state == PaymentState.REQUIRES_ACTION


def test_a_payment_past_its_expiry_fails(side: Side) -> None:
    started = side.provider.start(wanted(expires_at=clock.now() - timedelta(seconds=1)))

    assert isinstance(started, Done)
    assert started.snapshot.failure is not None
    assert started.snapshot.failure.code == "expired"


def test_find_is_a_positive_answer_either_way(side: Side) -> None:
    spec = wanted()
    since = datetime(2020, 1, 1, tzinfo=UTC)
    assert side.provider.find(spec.attempt_id, since) == []

    page = page_of(side, spec)

    assert [each.ref for each in side.provider.find(spec.attempt_id, since)] == [page.ref]


def test_what_it_never_made_is_not_known(side: Side) -> None:
    with pytest.raises(NotKnown):
        side.provider.fetch(new_id("pay"))


def test_cancel_ends_an_open_payment_and_can_be_repeated(side: Side) -> None:
    page = page_of(side, wanted())

    for _ in range(2):
        snapshot = side.provider.cancel(page.ref, "att_1.cancel")
        assert snapshot.state == PaymentState.FAILED
        assert snapshot.failure is not None
        assert snapshot.failure.code == "cancelled"


def test_cancel_of_captured_money_answers_the_money(side: Side) -> None:
    page = page_of(side, wanted())
    side.pay(page.url, GOOD)

    assert side.provider.cancel(page.ref, "att_1.cancel").state == PaymentState.CAPTURED


def test_bad_input_is_refused_before_anything_happens(side: Side) -> None:
    spec = wanted(return_url="javascript:alert(1)")

    with pytest.raises(InvalidRequest):
        side.provider.start(spec)

    assert side.provider.find(spec.attempt_id, clock.now()) == []


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        ("drop_before", OutcomeUnknown, 0),
        ("drop_after", OutcomeUnknown, 1),
        ("http_500", OutcomeUnknown, 0),
        ("http_500_saved", OutcomeUnknown, 0),
        ("http_429", TemporarilyUnavailable, 0),
    ],
)
def test_scenario_6_misfortune_has_its_error_and_the_look_up_tells_the_truth(
    side: Side, fault: str, error: type[Exception], made: int
) -> None:
    spec = wanted()
    side.fault("charge", fault)

    with pytest.raises(error):
        side.provider.start(spec)

    assert len(side.provider.find(spec.attempt_id, clock.now())) == made
    if fault == "http_500_saved":
        with pytest.raises(OutcomeUnknown):
            side.provider.start(spec)
    else:
        page_of(side, spec)
        assert len(side.provider.find(spec.attempt_id, clock.now())) == 1


def test_a_decline_at_the_start_is_a_failed_payment(side: Side) -> None:
    side.fault("charge", "decline")

    started = side.provider.start(wanted())

    assert isinstance(started, Done)
    assert started.snapshot.state == PaymentState.FAILED


@pytest.mark.parametrize("fault", ["drop_before", "http_500"])
def test_a_fetch_without_an_answer_is_unknown(side: Side, fault: str) -> None:
    page = page_of(side, wanted())
    side.fault("fetch", fault)

    with pytest.raises(OutcomeUnknown):
        side.provider.fetch(page.ref)


def _captured(side: Side, number: str = GOOD) -> str:
    page = page_of(side, wanted())
    side.pay(page.url, number)
    return page.ref


def test_refunds_in_parts_until_nothing_is_left(side: Side) -> None:
    ref = _captured(side)

    for amount in (333, 1666):
        refund = side.provider.refund(ref, Money(amount, "USD"), "late", new_id("ref"))
        assert (refund.state, refund.amount) == (RefundState.SUCCEEDED, Money(amount, "USD"))
        assert refund.payment_ref == ref

    assert side.provider.fetch(ref).refunded == Money(1999, "USD")
    with pytest.raises(InvalidRequest):
        side.provider.refund(ref, Money(1, "USD"), "late", new_id("ref"))


def test_the_same_refund_key_is_the_same_refund(side: Side) -> None:
    ref, key = _captured(side), new_id("ref")

    first, second = (side.provider.refund(ref, Money(500, "USD"), "late", key) for _ in range(2))

    assert first == second
    assert first.refund_id == key
    assert side.provider.fetch(ref).refunded == Money(500, "USD")
    with pytest.raises(IdempotencyConflict):
        side.provider.refund(ref, Money(501, "USD"), "late", key)


@pytest.mark.parametrize(("fault", "made"), [("drop_before", 0), ("drop_after", 1), ("http_500_saved", 0)])
def test_a_refund_without_an_answer_is_found_or_positively_not(side: Side, fault: str, made: int) -> None:
    if not isinstance(side.provider, TracksRefunds):
        pytest.skip("the provider cannot be asked about refunds")
    ref, key = _captured(side), new_id("ref")
    side.fault("refund", fault)

    with pytest.raises(OutcomeUnknown):
        side.provider.refund(ref, Money(500, "USD"), "late", key)

    assert len(side.provider.find_refund(key)) == made
    again = side.provider.refund(
        ref, Money(500, "USD"), "late", f"{key}.1" if fault == "http_500_saved" else key
    )
    assert again.refund_id == key
    assert [each.ref for each in side.provider.find_refund(key)] == [again.ref]
    assert side.provider.fetch_refund(again.ref) == again
    assert side.provider.fetch(ref).refunded == Money(500, "USD")


def test_a_refund_may_be_pending(side: Side) -> None:
    refund = side.provider.refund(_captured(side, PENDING_REFUND), Money(1999, "USD"), "late", new_id("ref"))

    assert refund.state == RefundState.PENDING


def test_what_was_not_captured_cannot_be_refunded(side: Side) -> None:
    page = page_of(side, wanted())

    with pytest.raises(InvalidRequest):
        side.provider.refund(page.ref, Money(1, "USD"), "late", new_id("ref"))


def test_webhooks_verify_and_name_payment_attempt_and_refund(side: Side) -> None:
    spec, key = wanted(), new_id("ref")
    page = page_of(side, spec)
    side.pay(page.url, GOOD)
    refund = side.provider.refund(page.ref, spec.amount, "late", key)

    hints = [hint for raw, headers in side.webhooks(2) for hint in side.provider.parse_webhook(raw, headers)]

    paid, refunded = (
        next(each for each in hints if each.kind == kind) for kind in (PAYMENT_CHANGED, REFUND_CHANGED)
    )
    assert (paid.ref, paid.attempt_id) == (page.ref, spec.attempt_id)
    assert (refunded.refund_ref, refunded.refund_id) == (refund.ref, key)
    assert len({each.event_id for each in hints}) == len(hints)


def test_a_tampered_webhook_is_refused(side: Side) -> None:
    side.pay(page_of(side, wanted()).url, GOOD)
    ((raw, headers),) = side.webhooks(1)
    assert side.provider.parse_webhook(raw, headers)

    for body, given in [(raw + b" ", headers), (raw.replace(b"evt_", b"evt-"), headers), (raw, {})]:
        with pytest.raises(BadSignature):
            side.provider.parse_webhook(body, given)


def test_changes_can_be_listed(side: Side) -> None:
    if not isinstance(side.provider, ListsChanges):
        pytest.skip("the provider cannot list changes")
    since = clock.now() - timedelta(seconds=1)
    refs = [page_of(side, wanted()).ref for _ in range(3)]

    listed = [each.ref for each in side.provider.list_changes(since, clock.now() + timedelta(minutes=1))]

    assert [ref for ref in listed if ref in refs] == refs
    assert list(side.provider.list_changes(since - timedelta(days=9), since - timedelta(days=8))) == []


def test_a_saved_method_is_charged_or_the_cap_says_no(side: Side) -> None:
    if side.provider.caps.off_session:
        pytest.skip("charging saved methods has a suite of its own once an adapter offers it")

    with pytest.raises(Unsupported):
        side.provider.charge_saved(wanted(), MethodRef("cus", "pm"))
