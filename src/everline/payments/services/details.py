"""All that snapshots tell about attempts besides the state, written for a batch in one statement."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from django.db import connection

from everline.core.ids import to_int
from everline.payments.models import Attempt
from everline.payments.types import Failure, Snapshot


@dataclass(frozen=True, slots=True)
class Details:
    """New values of an attempt's columns, named like them."""

    id: str
    psp_ref: str | None
    redirect_url: str
    failure_code: str
    failure_message: str
    failure_hard: bool
    captured_minor: int
    captured_currency: str
    tax_minor: int
    method_brand: str
    method_last4: str
    method_wallet: str

    @property
    def values(self) -> dict[str, str | int | bool | None]:
        """The columns without the id, as `transition_many` takes a row's own values."""
        return {name: getattr(self, name) for name in _NAMES if name != "id"}


_TYPES = {"id": "bigint", "failure_hard": "boolean", "captured_minor": "bigint", "tax_minor": "bigint"}
_NAMES = [field.name for field in fields(Details)]
_TEMPLATE = """
UPDATE payments_attempt AS a SET {sets} FROM unnest({arrays}) AS v ({names}) WHERE a.id = v.id
"""
_WRITE = _TEMPLATE.format(
    sets=", ".join(f"{name} = v.{name}" for name in _NAMES if name != "id"),
    arrays=", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _NAMES),
    names=", ".join(_NAMES),
)


def details_of(attempt: Attempt, snapshot: Snapshot) -> Details:
    """What a snapshot says, over what the attempt knows already. Amounts captured stay as they are."""
    failure, method = snapshot.failure or Failure(""), snapshot.method
    return Details(
        id=attempt.id,
        psp_ref=attempt.psp_ref or snapshot.ref or None,
        redirect_url=snapshot.redirect_url,
        failure_code=failure.code[:60],
        failure_message=failure.message[:300],
        failure_hard=failure.hard,
        captured_minor=attempt.captured_minor,
        captured_currency=attempt.captured_currency,
        tax_minor=attempt.tax_minor,
        method_brand=(method.brand if method else attempt.method_brand)[:40],
        method_last4=(method.last4 if method else attempt.method_last4)[:4],
        method_wallet=(method.wallet if method else attempt.method_wallet)[:40],
    )


def write_details(*, attempts: Sequence[Attempt], rows: Sequence[Details]) -> None:
    """Write to the table and to the objects, which stand in the same order."""
    columns = list(zip(*[astuple(row) for row in rows], strict=True))
    columns[0] = tuple(to_int("att", row.id) for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [list(column) for column in columns])
    for attempt, row in zip(attempts, rows, strict=True):
        mirror(attempt, **{name: getattr(row, name) for name in _NAMES})


def mirror(attempt: Attempt, **values: object) -> None:
    """Let an object follow what was written to its row."""
    for name, value in values.items():
        setattr(attempt, name, value)
