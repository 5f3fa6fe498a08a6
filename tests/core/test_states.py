"""The machine on a real table: attempts of the payments room, whose machine has every shape of move."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from everline.core import clock
from everline.core.models import Transition
from everline.core.states import IllegalTransition, transition, transition_many
from everline.payments.models import Attempt
from everline.payments.states import AttemptStatus as A

pytestmark = pytest.mark.django_db


def _attempt(payable: str = "ord_1", status: A = A.CREATED) -> Attempt:
    now = clock.now()
    return Attempt.objects.create(
        payable=payable,
        provider="sandbox",
        method="card",
        amount_minor=100,
        currency="USD",
        status=status,
        locale="en",
        created_at=now,
        expires_at=now + timedelta(hours=1),
        next_check_at=now,
    )


def test_a_move_is_one_statement_and_leaves_a_record() -> None:
    attempt = _attempt()

    with CaptureQueriesContext(connection) as queries:
        moved = transition(
            attempt, to=A.REQUIRES_ACTION, reason="started", actor="tester", set={"psp_ref": "pay_1"}
        )

    assert moved
    assert len(queries) == 1
    assert (attempt.status, attempt.psp_ref) == (A.REQUIRES_ACTION, "pay_1")
    attempt.refresh_from_db()
    assert (attempt.status, attempt.psp_ref) == (A.REQUIRES_ACTION, "pay_1")
    [row] = Transition.objects.filter(label="payments.attempt")
    assert (row.from_state, row.to_state, row.reason, row.actor) == (
        "created",
        "requires_action",
        "started",
        "tester",
    )


def test_already_there_is_no_move() -> None:
    attempt = _attempt(status=A.FAILED)

    assert not transition(attempt, to=A.FAILED)
    assert not Transition.objects.exists()


def test_a_move_that_the_table_does_not_know_is_refused() -> None:
    attempt = _attempt(status=A.PROCESSING)

    with pytest.raises(IllegalTransition) as refused:
        transition(attempt, to=A.REQUIRES_ACTION)

    assert refused.value.code == "illegal_transition"
    attempt.refresh_from_db()
    assert attempt.status == A.PROCESSING
    assert not Transition.objects.exists()


def test_a_path_records_every_hop() -> None:
    attempt = _attempt()

    transition(attempt, to=(A.REQUIRES_ACTION, A.PROCESSING, A.FAILED), reason="all at once")

    hops = list(Transition.objects.order_by("id").values_list("from_state", "to_state"))
    assert sorted(hops) == sorted(
        [("created", "requires_action"), ("requires_action", "processing"), ("processing", "failed")]
    )


def test_a_path_with_an_impossible_hop_is_refused_before_the_database() -> None:
    attempt = _attempt()

    with CaptureQueriesContext(connection) as queries, pytest.raises(IllegalTransition):
        transition(attempt, to=(A.FAILED, A.PROCESSING))

    assert len(queries) == 0


def test_a_set_moves_together_and_names_who_moved() -> None:
    here, there, gone = _attempt("ord_1"), _attempt("ord_2"), _attempt("ord_3", A.FAILED)

    moved = transition_many(Attempt, [here.id, there.id, gone.id], to=A.UNKNOWN, reason="no answer")

    assert sorted(moved) == sorted([here.id, there.id])
    assert set(Attempt.objects.values_list("status", flat=True)) == {"unknown", "failed"}
    assert transition_many(Attempt, [], to=A.UNKNOWN) == []


def test_the_row_counts_and_not_the_object_in_hand() -> None:
    stale = _attempt()
    Attempt.objects.filter(pk=stale.pk).update(status=A.FAILED)

    with pytest.raises(IllegalTransition), transaction.atomic():
        transition(stale, to=A.REQUIRES_ACTION)

    assert stale.status == A.FAILED


def test_a_row_that_is_gone_cannot_move() -> None:
    attempt = _attempt()
    Attempt.objects.filter(pk=attempt.pk).delete()

    with pytest.raises(IllegalTransition):
        transition(attempt, to=A.FAILED)


def test_rows_may_move_together_and_each_with_its_own_values() -> None:
    first, second, elsewhere = _attempt("ord_1"), _attempt("ord_2"), _attempt("ord_3", status=A.FAILED)
    values = {
        each.id: {"psp_ref": f"pay_{each.payable}", "captured_minor": n, "failure_hard": bool(n)}
        for n, each in enumerate((first, second, elsewhere))
    }

    with CaptureQueriesContext(connection) as queries:
        moved = transition_many(Attempt, list(values), to=A.PROCESSING, set={"locale": "zh"}, each=values)

    assert len(queries) == 1
    assert sorted(moved) == sorted([first.id, second.id])
    rows = Attempt.objects.order_by("payable").values_list(
        "psp_ref", "captured_minor", "failure_hard", "locale"
    )
    assert list(rows) == [
        ("pay_ord_1", 0, False, "zh"),
        ("pay_ord_2", 1, True, "zh"),
        (None, 0, False, "en"),
    ]
