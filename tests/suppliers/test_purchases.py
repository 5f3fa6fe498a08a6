"""Purchases: intent first, asked about before sent again, resumed where they stopped, kept once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.core.transactions import InsideTransaction
from everline.suppliers import selectors, services
from everline.suppliers.errors import (
    AuthConfig,
    OutcomeUnknown,
    Rejected,
    SupplierError,
    TemporarilyUnavailable,
)
from everline.suppliers.models import SupplierOrder
from everline.suppliers.services.calls import LEASE
from everline.suppliers.services.outcomes import pause
from everline.suppliers.states import SupplierOrderStatus
from everline.suppliers.types import (
    Failure,
    OrderKind,
    Progress,
    ResultState,
    SupplierOutcome,
    SupplierResult,
)
from tests.suppliers.fakes import NOW, PROFILE, FakeSupplier, errors

pytestmark = pytest.mark.django_db
S = SupplierOrderStatus
ICCID = "8988299000000000009"


def renew(order: str = "ord_1", quantity: int = 2) -> None:
    specs = services.specs_for_renewal(order=order, iccid=ICCID, plan_code="eu-1", quantity=quantity)
    services.request_orders(specs=specs, now=NOW)


def buy_line(order: str = "ord_1") -> None:
    services.request_orders(
        specs=services.specs_for_new_line(order=order, plan_code="eu-1", quantity=3), now=NOW
    )


def work(after: timedelta = timedelta(0)) -> list[SupplierOrder]:
    """What the fulfil job does once."""
    due = services.claim_due(now=NOW + after)
    outcomes = services.call_suppliers(orders=due)
    with transaction.atomic():
        return services.record_outcomes(outcomes=outcomes, now=NOW + after)


def progress(order: str) -> Progress:
    return selectors.progress_of(selectors.purchases_for([order])[order])


def one() -> SupplierOrder:
    return SupplierOrder.objects.get()


def test_a_request_is_written_once_and_sends_nothing(supplier: FakeSupplier) -> None:
    renew()
    renew()

    row = one()
    assert (row.order, row.reference, row.kind) == ("ord_1", "sup-ord_1-topup", OrderKind.TOPUP)
    assert (row.status, row.supplier, row.quantity, row.line_iccid) == (S.REQUESTED, "fake", 2, ICCID)
    assert supplier.calls == []
    assert progress("ord_1") == Progress(done=False, failure=None, profile=None)


def test_a_top_up_is_delivered(supplier: FakeSupplier) -> None:
    renew()

    (row,) = work()

    assert (row.status, row.supplier_ref, row.settled_at) == (S.DONE, "s-2", NOW)
    assert one().status == S.DONE
    assert [(each.iccid, each.plan_code, each.quantity) for each in supplier.topped_up] == [
        (ICCID, "eu-1", 2)
    ]
    assert progress("ord_1").done
    assert work(timedelta(days=1)) == []


def test_a_new_line_is_a_profile_and_then_its_plan(supplier: FakeSupplier) -> None:
    buy_line()

    profile, waiting = work()
    assert (profile.kind, profile.status, profile.line_iccid) == (OrderKind.PROFILE, S.DONE, PROFILE.iccid)
    assert (waiting.kind, waiting.status, waiting.tries) == (OrderKind.TOPUP, S.REQUESTED, 0)
    assert not progress("ord_1").done
    _profile, topup = work()

    assert (topup.kind, topup.status, topup.line_iccid) == (OrderKind.TOPUP, S.DONE, PROFILE.iccid)
    assert [each.iccid for each in supplier.topped_up] == [PROFILE.iccid]
    assert progress("ord_1") == Progress(done=True, failure=None, profile=PROFILE)


def test_scenario_11_partial_success_resumes_and_buys_no_second_profile(supplier: FakeSupplier) -> None:
    buy_line()
    work()
    supplier.failing["topup"] = errors(TemporarilyUnavailable)
    _profile, topup = work()
    assert topup.status == S.REQUESTED

    _profile, again = work(timedelta(seconds=10))

    assert again.status == S.DONE
    assert supplier.named("profile") == ["sup-ord_1-profile"]
    assert len(supplier.topped_up) == 1


def test_what_depends_on_a_profile_waits_for_it(supplier: FakeSupplier) -> None:
    buy_line()
    supplier.state = ResultState.PENDING

    profile, _topup = work()

    assert profile.status == S.PENDING
    assert [each.kind for each in services.claim_due(now=NOW + timedelta(hours=1))] == [OrderKind.PROFILE]


@pytest.mark.parametrize("when", ["failing", "after"])
def test_scenario_11_no_answer_is_asked_about_before_it_is_sent_again(
    supplier: FakeSupplier, when: str
) -> None:
    getattr(supplier, when)["topup"] = errors(OutcomeUnknown)
    renew()
    (row,) = work()
    assert (row.status, row.next_try_at) == (S.UNKNOWN, NOW + timedelta(seconds=10))

    assert work(timedelta(seconds=9)) == []
    (row,) = work(timedelta(seconds=10))

    assert row.status == S.DONE
    assert len(supplier.topped_up) == 1
    names = [name for name, _reference in supplier.calls]
    assert names == (["topup", "fetch", "topup"] if when == "failing" else ["topup", "fetch"])


def test_a_claim_whose_process_died_is_asked_about_first(supplier: FakeSupplier) -> None:
    renew()
    (claimed,) = services.claim_due(now=NOW)
    services.call_supplier(order=claimed)

    assert work(LEASE - timedelta(seconds=1)) == []
    (row,) = work(LEASE)

    assert row.status == S.DONE
    assert [name for name, _reference in supplier.calls] == ["topup", "fetch"]


@pytest.mark.parametrize("error", [TemporarilyUnavailable, AuthConfig])
def test_what_was_never_sent_stays_requested(supplier: FakeSupplier, error: type[SupplierError]) -> None:
    supplier.failing["topup"] = errors(error)
    renew()

    (row,) = work()

    assert (row.status, row.last_error != "") == (S.REQUESTED, True)


def test_temporary_failures_are_tried_ever_more_rarely(supplier: FakeSupplier) -> None:
    supplier.failing["topup"] = errors(*[OutcomeUnknown] * 6)
    renew()
    after, waits = timedelta(0), []

    for _ in range(6):
        (row,) = work(after)
        waits.append((row.next_try_at - NOW - after).total_seconds())
        after = row.next_try_at - NOW

    assert waits == [10, 30, 120, 300, 300, 300]
    assert (row.status, row.tries) == (S.UNKNOWN, 6)
    assert supplier.topped_up == []


def test_the_supplier_s_own_wish_to_wait_counts() -> None:
    assert pause(1, SupplierOutcome("x", error="429", retry_after=60)) == timedelta(seconds=60)
    assert pause(4, SupplierOutcome("x", error="429", retry_after=60)) == timedelta(seconds=300)
    pending = SupplierOutcome("x", result=SupplierResult("r", ResultState.PENDING))
    assert [pause(tries, pending).total_seconds() for tries in (0, 1, 2, 9)] == [5, 5, 15, 300]


def test_a_refusal_fails_for_good(supplier: FakeSupplier) -> None:
    supplier.failing["topup"] = [Rejected("fake", "unknown_plan", "no such plan")]
    renew()

    (row,) = work()

    assert (row.status, row.failure_code, row.failure_message) == (S.FAILED, "unknown_plan", "no such plan")
    assert progress("ord_1") == Progress(
        done=False, failure=Failure("unknown_plan", "no such plan", permanent=True), profile=None
    )
    assert work(timedelta(days=1)) == []


@pytest.mark.parametrize(("permanent", "status"), [(True, S.FAILED), (False, S.UNKNOWN)])
def test_an_order_that_fails_there_is_final_only_when_it_says_so(
    supplier: FakeSupplier, permanent: bool, status: S
) -> None:
    renew()
    supplier.failing["topup"] = errors(OutcomeUnknown)
    work()
    supplier.orders["sup-ord_1-topup"] = SupplierResult(
        "sup-ord_1-topup", ResultState.FAILED, failure=Failure("no_stock", "", permanent)
    )

    (row,) = work(timedelta(seconds=10))

    assert (row.status, row.failure_code) == (status, "no_stock")


def test_an_adapter_that_stumbles_stops_nobody_else(supplier: FakeSupplier) -> None:
    renew("ord_1")
    renew("ord_2")
    supplier.failing["topup"] = [ZeroDivisionError()]

    statuses = sorted(row.status for row in work())

    assert statuses == [S.DONE, S.UNKNOWN]


def test_pending_is_asked_about_and_a_word_nobody_knows_changes_nothing(supplier: FakeSupplier) -> None:
    supplier.state = ResultState.PENDING
    renew()
    assert [row.status for row in work()] == [S.PENDING]

    for state, status in [(ResultState.UNKNOWN, S.PENDING), (ResultState.DONE, S.DONE)]:
        supplier.orders["sup-ord_1-topup"] = SupplierResult("sup-ord_1-topup", state)
        services.wake_orders(references=["sup-ord_1-topup"], now=NOW)
        assert [row.status for row in work()] == [status]

    assert len(supplier.named("topup")) == 1
    assert services.wake_orders(references=["sup-ord_1-topup"], now=NOW) == 0


def test_what_stays_pending_is_asked_about_ever_more_rarely(supplier: FakeSupplier) -> None:
    supplier.state = ResultState.PENDING
    renew()
    after, waits = timedelta(0), []

    for _ in range(4):
        (row,) = work(after)
        assert one().next_try_at == row.next_try_at
        waits.append((row.next_try_at - NOW - after).total_seconds())
        after = row.next_try_at - NOW

    assert waits == [5, 15, 30, 60]


def test_outcomes_are_kept_once(supplier: FakeSupplier) -> None:
    renew()
    due = services.claim_due(now=NOW)
    outcomes = services.call_suppliers(orders=due)
    late = [SupplierOutcome(due[0].id, error="no answer")]

    for each in (outcomes, outcomes, late):
        with transaction.atomic():
            (row,) = services.record_outcomes(outcomes=each, now=NOW)
        assert row.status == S.DONE

    assert one().status == S.DONE


def test_calls_refuse_to_run_inside_a_transaction(supplier: FakeSupplier) -> None:
    with transaction.atomic():
        with pytest.raises(InsideTransaction):
            services.call_suppliers(orders=[])
        with pytest.raises(InsideTransaction):
            services.fetch_event(supplier="fake", event_id="sev_1")


@pytest.mark.parametrize("size", [1, 40])
def test_a_batch_costs_as_many_statements_as_one(supplier: FakeSupplier, size: int) -> None:
    specs = [
        spec
        for n in range(size)
        for spec in services.specs_for_renewal(order=f"ord_{n}", iccid=ICCID, plan_code="p", quantity=1)
    ]

    with CaptureQueriesContext(connection) as spent:
        services.request_orders(specs=specs, now=NOW)
        due = services.claim_due(now=NOW)
        outcomes = services.call_suppliers(orders=due)
        services.record_outcomes(outcomes=outcomes, now=NOW)

    assert len(due) == size
    assert len([each for each in spent if "SAVEPOINT" not in each["sql"]]) == 4


def test_a_claim_never_takes_more_than_it_asked_for(supplier: FakeSupplier) -> None:
    for n in range(30):
        renew(f"ord_{n}")

    assert [len(services.claim_due(now=NOW, limit=20)) for _ in range(3)] == [20, 10, 0]


def _requested() -> None:
    renew()


def _unknown() -> None:
    renew()
    (claimed,) = services.claim_due(now=NOW)
    services.record_outcomes(outcomes=[SupplierOutcome(claimed.id, error="no answer")], now=NOW)


def _done() -> None:
    renew()
    work()


@pytest.mark.parametrize(
    ("prepare", "revoked_at"), [(_requested, None), (_unknown, NOW + LEASE), (_done, NOW)]
)
def test_scenario_12_what_is_withdrawn_is_not_sent_and_what_was_delivered_is_taken_back(
    supplier: FakeSupplier, deferred: list[str], prepare: Callable[[], None], revoked_at: object
) -> None:
    prepare()

    for _ in range(2):
        services.withdraw_orders(orders=["ord_1"], now=NOW, reason="not delivered in time")

    topup = SupplierOrder.objects.get(kind=OrderKind.TOPUP)
    revocation = SupplierOrder.objects.filter(kind=OrderKind.REVOCATION).first()
    assert topup.status == (S.DONE if prepare is _done else S.FAILED)
    assert services.claim_due(now=NOW + timedelta(days=1)) == []
    assert (revocation.next_try_at if revocation else None) == revoked_at
    assert bool(deferred) == (revoked_at is not None)


def test_scenario_12_a_delivery_after_the_refund_is_revoked(supplier: FakeSupplier) -> None:
    renew()
    (claimed,) = services.claim_due(now=NOW)
    services.withdraw_orders(orders=["ord_1"], now=NOW, reason="refunded")
    outcome = services.call_supplier(order=claimed)
    row, _revocation = services.record_outcomes(outcomes=[outcome], now=NOW)
    assert (row.status, row.failure_code) == (S.FAILED, "withdrawn")

    assert services.send_due_revocations(now=NOW) == 0
    assert services.send_due_revocations(now=NOW + LEASE) == 1
    assert services.send_due_revocations(now=NOW + timedelta(days=1)) == 0

    assert supplier.revoked == ["sup-ord_1-topup"]
    assert SupplierOrder.objects.get(kind=OrderKind.REVOCATION).status == S.DONE


def test_revoking_what_the_supplier_never_got_is_done(supplier: FakeSupplier) -> None:
    _unknown()
    services.withdraw_orders(orders=["ord_1"], now=NOW, reason="refunded")

    services.send_due_revocations(now=NOW + LEASE)

    assert supplier.revoked == []
    assert SupplierOrder.objects.get(kind=OrderKind.REVOCATION).status == S.DONE


def test_revocations_are_tried_again(supplier: FakeSupplier) -> None:
    _done()
    services.withdraw_orders(orders=["ord_1"], now=NOW, reason="refunded")
    supplier.failing["revoke"] = errors(OutcomeUnknown, TemporarilyUnavailable)

    for seconds in (0, 10, 40):
        assert services.send_due_revocations(now=NOW + timedelta(seconds=seconds)) == 1

    assert supplier.revoked == ["sup-ord_1-topup"]


def test_withdrawing_nothing_defers_nothing(supplier: FakeSupplier, deferred: list[str]) -> None:
    services.withdraw_orders(orders=["ord_9"], now=NOW, reason="")
    services.withdraw_orders(orders=[], now=NOW, reason="")

    assert deferred == []


def test_purchases_are_listed_by_order(supplier: FakeSupplier) -> None:
    buy_line()
    renew("ord_2")

    found = selectors.purchases_for(["ord_1", "ord_2", "ord_3"])

    assert [row.kind for row in found["ord_1"]] == [OrderKind.PROFILE, OrderKind.TOPUP]
    assert [len(found[order]) for order in ("ord_2", "ord_3")] == [1, 0]
    assert not progress("ord_3").done
