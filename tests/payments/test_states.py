"""Ranks and verdicts by table: what news may do to an attempt, whatever order it comes in."""

import itertools

import pytest

from everline.payments import states
from everline.payments.states import AttemptStatus, RefundStatus, Verdict, open_target, verdict
from everline.payments.types import PaymentState, RefundState

A, P = AttemptStatus, PaymentState


def test_open_paid_and_failed_are_all_there_is() -> None:
    assert {A.FAILED} | states.OPEN | states.PAID == set(AttemptStatus)
    assert not states.OPEN & states.PAID
    assert states.KEPT < states.PAID
    assert set(states.RANK) == set(AttemptStatus)


def test_no_move_lowers_the_rank_but_the_return_of_a_refund() -> None:
    falls = {
        (source, target)
        for source, targets in states.ATTEMPT_MACHINE.table.items()
        for target in targets
        if states.RANK[AttemptStatus(target)] < states.RANK[AttemptStatus(source)]
    }

    assert falls == {
        (A.PARTIALLY_REFUNDED, A.CAPTURED),
        (A.REFUNDED, A.CAPTURED),
        (A.REFUNDED, A.PARTIALLY_REFUNDED),
        (A.REFUNDED, A.SURPLUS),
    }


def test_money_never_becomes_failed_and_failure_can_still_become_money() -> None:
    table = states.ATTEMPT_MACHINE.table

    assert all(A.FAILED not in table[status] for status in states.PAID)
    assert table[A.FAILED] == {A.CAPTURED, A.SURPLUS}
    assert all({A.CAPTURED, A.SURPLUS, A.FAILED} <= table[status] for status in states.OPEN)


@pytest.mark.parametrize("status", sorted(states.PAID))
@pytest.mark.parametrize("state", list(PaymentState))
def test_news_about_settled_money_is_no_news(status: AttemptStatus, state: PaymentState) -> None:
    assert verdict(status, state, exact=True) == Verdict.NOTHING
    assert verdict(status, state, exact=False) == Verdict.NOTHING


@pytest.mark.parametrize(
    ("status", "state", "expected"),
    [
        *((status, P.CAPTURED, Verdict.CAPTURE) for status in sorted(states.OPEN | {A.FAILED})),
        *((status, P.FAILED, Verdict.FAIL) for status in sorted(states.OPEN)),
        *((status, P.UNKNOWN, Verdict.OPEN) for status in sorted(states.OPEN)),
        *((status, P.PROCESSING, Verdict.OPEN) for status in sorted(states.OPEN)),
        (A.FAILED, P.FAILED, Verdict.NOTHING),
        (A.FAILED, P.REQUIRES_ACTION, Verdict.NOTHING),
        (A.FAILED, P.PROCESSING, Verdict.NOTHING),
        (A.FAILED, P.UNKNOWN, Verdict.NOTHING),
    ],
)
def test_verdicts(status: AttemptStatus, state: PaymentState, expected: Verdict) -> None:
    assert verdict(status, state, exact=True) == expected


@pytest.mark.parametrize("status", sorted(states.OPEN | {A.FAILED}))
def test_other_money_than_was_asked_for_is_a_mismatch(status: AttemptStatus) -> None:
    assert verdict(status, P.CAPTURED, exact=False) == Verdict.MISMATCH


@pytest.mark.parametrize(
    ("status", "state", "target"),
    [
        (A.CREATED, P.REQUIRES_ACTION, A.REQUIRES_ACTION),
        (A.CREATED, P.PROCESSING, A.PROCESSING),
        (A.CREATED, P.UNKNOWN, A.UNKNOWN),
        (A.UNKNOWN, P.REQUIRES_ACTION, A.REQUIRES_ACTION),
        (A.UNKNOWN, P.PROCESSING, A.PROCESSING),
        (A.UNKNOWN, P.UNKNOWN, None),
        (A.REQUIRES_ACTION, P.PROCESSING, A.PROCESSING),
        (A.REQUIRES_ACTION, P.REQUIRES_ACTION, None),
        (A.REQUIRES_ACTION, P.UNKNOWN, None),
        (A.PROCESSING, P.REQUIRES_ACTION, None),
        (A.PROCESSING, P.UNKNOWN, None),
        (A.FAILED, P.REQUIRES_ACTION, None),
        (A.CAPTURED, P.PROCESSING, None),
        (A.REFUNDED, P.REQUIRES_ACTION, None),
        (A.CREATED, P.CAPTURED, None),
        (A.CREATED, P.FAILED, None),
    ],
)
def test_open_attempts_only_move_on(
    status: AttemptStatus, state: PaymentState, target: AttemptStatus | None
) -> None:
    assert open_target(status, state) == target


def test_every_open_target_is_a_legal_move() -> None:
    for status, state in itertools.product(AttemptStatus, PaymentState):
        target = open_target(status, state)
        assert target is None or target in states.ATTEMPT_MACHINE.table[status]


def test_scenario_3_any_order_of_news_ends_with_the_money() -> None:
    news = [P.REQUIRES_ACTION, P.PROCESSING, P.FAILED, P.CAPTURED, P.UNKNOWN]

    for order in itertools.permutations(news):
        status = A.CREATED
        for state in order:
            match verdict(status, state, exact=True):
                case Verdict.CAPTURE:
                    status = A.CAPTURED
                case Verdict.FAIL:
                    status = A.FAILED
                case Verdict.OPEN:
                    status = open_target(status, state) or status
        assert status == A.CAPTURED


def test_refunds_move_on_and_success_is_not_the_end() -> None:
    table = states.REFUND_MACHINE.table

    assert table[RefundStatus.SUCCEEDED] == {RefundStatus.FAILED}
    assert table[RefundStatus.FAILED] == frozenset()
    assert RefundStatus.REQUESTED not in {target for targets in table.values() for target in targets}
    assert RefundState.UNKNOWN not in states.REFUND_TARGETS
