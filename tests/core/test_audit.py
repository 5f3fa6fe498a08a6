import pytest
from django.db import IntegrityError, connection, transaction

from everline.core import audit, clock
from everline.core.models import AuditEntry

pytestmark = pytest.mark.django_db


def record(reason: str = "because", actor: str = "sue@example.com") -> AuditEntry:
    return audit.record(
        actor=actor,
        action="thing.done",
        object_kind="thing",
        object_id=7,
        reason=reason,
        after={"done": True},
        now=clock.now(),
    )


def test_a_deed_is_kept_with_who_why_and_what() -> None:
    with transaction.atomic():
        entry = record("  the customer\n asked ")

    kept = AuditEntry.objects.get(pk=entry.pk)
    assert (kept.actor, kept.reason, kept.object_id) == ("sue@example.com", "the customer asked", "7")
    assert (kept.before, kept.after) == ({}, {"done": True})


@pytest.mark.parametrize("reason", ["", " ", "no", " \n\t "])
def test_without_a_reason_nothing_is_kept(reason: str) -> None:
    with pytest.raises(audit.ReasonMissing), transaction.atomic():
        record(reason)

    assert not AuditEntry.objects.exists()


def test_a_long_reason_is_cut() -> None:
    with transaction.atomic():
        entry = record("x" * 900)

    assert len(entry.reason) == audit.MAX_REASON


def test_it_stands_in_the_transaction_of_the_deed() -> None:
    with pytest.raises(audit.OutsideTransaction):
        record()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record()
        raise ZeroDivisionError

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditentry SET reason = 'other'",
        "DELETE FROM core_auditentry",
        "TRUNCATE core_auditentry",
    ],
)
def test_the_database_refuses_to_change_it(statement: str) -> None:
    with transaction.atomic():
        record()

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert AuditEntry.objects.get().reason == "because"


def test_the_database_wants_to_know_who() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        record(actor="")
