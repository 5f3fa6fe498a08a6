"""Every move a purchase may make, and every one it may not; races for one purchase."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from everline.core.models import Transition
from everline.core.states import IllegalTransition, transition
from everline.suppliers import services, states
from everline.suppliers.models import SupplierOrder
from everline.suppliers.services.calls import LEASE
from everline.suppliers.states import SupplierOrderStatus as S
from everline.suppliers.types import Failure, ResultState, SupplierOutcome, SupplierResult
from tests.core.racing import at_once, failures
from tests.suppliers.fakes import NOW, FakeSupplier

LEGAL = {
    (S.REQUESTED, S.UNKNOWN),
    (S.REQUESTED, S.PENDING),
    (S.REQUESTED, S.DONE),
    (S.REQUESTED, S.FAILED),
    (S.UNKNOWN, S.REQUESTED),
    (S.UNKNOWN, S.PENDING),
    (S.UNKNOWN, S.DONE),
    (S.UNKNOWN, S.FAILED),
    (S.PENDING, S.DONE),
    (S.PENDING, S.FAILED),
}
PAIRS = [(source, target) for source in S for target in S]


def _order(status: S = S.REQUESTED, name: str = "ord_1") -> SupplierOrder:
    return SupplierOrder.objects.create(
        order=name,
        supplier="fake",
        reference=f"sup-{name}",
        kind="topup",
        status=status,
        line_iccid="8988",
        plan_code="eu-1",
        created_at=NOW,
        next_try_at=NOW,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_move_is_legal_or_refused(source: S, target: S) -> None:
    order = _order(source)

    if source == target:
        assert not transition(order, to=target)
    elif (source, target) in LEGAL:
        assert transition(order, to=target)
    else:
        with pytest.raises(IllegalTransition):
            transition(order, to=target)

    order.refresh_from_db()
    moved = (source, target) in LEGAL
    assert order.status == (target if moved else source)
    assert Transition.objects.count() == (1 if moved else 0)


def test_what_is_settled_stays_settled() -> None:
    assert {source for source, targets in states.MACHINE.table.items() if not targets} == {S.DONE, S.FAILED}
    assert set(S) - states.OPEN == {S.DONE, S.FAILED}
    assert set(states.MACHINE.table) == set(S)


OUTCOMES: list[tuple[str, S, SupplierOutcome, S]] = []
for _state in (S.REQUESTED, S.UNKNOWN, S.PENDING):
    for _answer, _then in (
        (ResultState.DONE, S.DONE),
        (ResultState.PENDING, S.PENDING),
        (ResultState.UNKNOWN, S.PENDING if _state is S.PENDING else S.UNKNOWN),
    ):
        OUTCOMES.append(
            (f"{_state} {_answer}", _state, SupplierOutcome("", SupplierResult("sup-ord_1", _answer)), _then)
        )
    for _permanent, _then in ((True, S.FAILED), (False, _state)):
        _failed = SupplierResult(
            "sup-ord_1", ResultState.FAILED, failure=Failure("x", "y", permanent=_permanent)
        )
        OUTCOMES.append((f"{_state} failed {_permanent}", _state, SupplierOutcome("", _failed), _then))
    for _sent, _then in ((True, S.UNKNOWN if _state is S.REQUESTED else _state), (False, _state)):
        OUTCOMES.append(
            (f"{_state} error {_sent}", _state, SupplierOutcome("", error="no", sent=_sent), _then)
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("source", "outcome", "target"), [each[1:] for each in OUTCOMES], ids=[each[0] for each in OUTCOMES]
)
def test_every_outcome_moves_an_open_purchase_where_it_must(
    source: S, outcome: SupplierOutcome, target: S
) -> None:
    order = _order(source)
    outcome = SupplierOutcome(order.id, outcome.result, outcome.error, outcome.sent)

    with transaction.atomic():
        [row] = services.record_outcomes(outcomes=[outcome], now=NOW)

    order.refresh_from_db()
    assert order.status == row.status == target
    assert (order.settled_at is None) == (target in states.OPEN)
    assert Transition.objects.count() == (source != target)
    if target in states.OPEN:
        assert order.next_try_at > NOW


@pytest.mark.django_db
@pytest.mark.parametrize("settled", [S.DONE, S.FAILED])
@pytest.mark.parametrize("answer", list(ResultState))
def test_no_answer_moves_what_is_settled(settled: S, answer: ResultState) -> None:
    order = _order(settled)
    failure = Failure("late", permanent=True)

    with transaction.atomic():
        services.record_outcomes(
            outcomes=[
                SupplierOutcome(order.id, SupplierResult(order.reference, answer, "other", failure=failure))
            ],
            now=NOW,
        )

    order.refresh_from_db()
    assert (order.status, order.supplier_ref, order.failure_code) == (settled, "", "")
    assert not Transition.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_workers_claim_disjoint_purchases_and_all_of_them(self, supplier: FakeSupplier) -> None:
        made = {_order(name=f"ord_{number}").id for number in range(30)}

        results = at_once(*[lambda: services.claim_due(now=NOW, limit=10)] * 6)

        assert failures(results) == []
        claimed = [row.id for rows in results for row in rows]
        assert len(claimed) == len(set(claimed))
        left = services.claim_due(now=NOW)
        assert {*claimed, *[row.id for row in left]} == made
        assert set(SupplierOrder.objects.values_list("tries", flat=True)) == {1}

    def test_a_purchase_is_claimed_again_when_the_lease_ends_and_not_before(
        self, supplier: FakeSupplier
    ) -> None:
        _order()
        services.claim_due(now=NOW)

        early = at_once(*[lambda: services.claim_due(now=NOW + LEASE - timedelta(seconds=1))] * 3)
        late = at_once(*[lambda: services.claim_due(now=NOW + LEASE)] * 3)

        assert early == [[], [], []]
        assert sorted(len(each) for each in late) == [0, 0, 1]

    def test_scenario_12_delivered_and_withdrawn_at_once_is_always_taken_back(
        self, supplier: FakeSupplier
    ) -> None:
        orders = [_order(name=f"ord_{number}") for number in range(6)]
        services.claim_due(now=NOW)

        def deliver(order: SupplierOrder) -> None:
            with transaction.atomic():
                services.record_outcomes(
                    outcomes=[SupplierOutcome(order.id, SupplierResult(order.reference, ResultState.DONE))],
                    now=NOW,
                )

        def withdraw(order: SupplierOrder) -> None:
            with transaction.atomic():
                services.withdraw_orders(orders=[order.order], now=NOW, reason="refund")

        results = at_once(
            *[lambda order=order, act=act: act(order) for order in orders for act in (deliver, withdraw)]
        )

        assert failures(results) == []
        for order in orders:
            order.refresh_from_db()
            assert order.status in {S.DONE, S.FAILED}
            revocation = SupplierOrder.objects.get(revokes=order.reference)
            assert revocation.kind == "revocation"
        assert SupplierOrder.objects.count() == 12

    def test_one_request_written_by_many_is_one(self, supplier: FakeSupplier) -> None:
        specs = services.specs_for_new_line(order="ord_1", plan_code="eu-1", quantity=2)

        results = at_once(*[lambda: services.request_orders(specs=specs, now=NOW)] * 5)

        assert failures(results) == []
        assert SupplierOrder.objects.count() == 2
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT reference) FROM suppliers_supplierorder")
            assert cursor.fetchone() == (2,)
