"""State machines: a table per model, moves in one SQL statement that locks, checks, updates and records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, cast

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from everline.core import clock
from everline.core.errors import DomainError, Kind


class IllegalTransition(DomainError):
    """The table has no such move from where the object stands now."""

    code = "illegal_transition"
    kind = Kind.CONFLICT
    message = _(
        "This is no longer possible, because the state has changed. Reload the page to see where it stands."
    )


@dataclass(frozen=True)
class Machine:
    """The moves that one field of a model may make. `table` maps a state to the states it may go to."""

    table: Mapping[StrEnum, frozenset[StrEnum]]
    field: str = "status"

    def sources(self, path: Sequence[StrEnum]) -> list[str]:
        """The states from which the whole path is allowed.

        Raises:
            IllegalTransition: a later hop of the path is not in the table, whatever the start.
        """
        for source, target in pairwise(path):
            if target not in self.table.get(source, frozenset()):
                raise IllegalTransition(hop=f"{source} -> {target}")
        return [str(state) for state, targets in self.table.items() if path[0] in targets]


_SQL = """
WITH locked AS (
    SELECT {pk} AS id, {field} AS state FROM {table} WHERE {pk} = ANY(%(ids)s) ORDER BY {pk} FOR UPDATE
), moved AS (
    UPDATE {table} AS t SET {assignments} FROM locked{each}
    WHERE t.{pk} = locked.id AND locked.state = ANY(%(sources)s)
    RETURNING t.{pk} AS id, locked.state AS state
), logged AS (
    INSERT INTO core_transition (label, object_id, from_state, to_state, reason, actor, at)
    SELECT %(label)s, moved.id, COALESCE(hop.source, moved.state), hop.target, %(reason)s, %(actor)s, %(at)s
    FROM moved CROSS JOIN unnest(%(hop_sources)s::text[], %(path)s::text[]) AS hop (source, target)
)
SELECT locked.id, locked.state, moved.id IS NOT NULL FROM locked LEFT JOIN moved ON moved.id = locked.id
"""


def transition_many(
    model: type[models.Model],
    ids: Iterable[Any],
    *,
    to: StrEnum | Sequence[StrEnum],
    reason: str = "",
    actor: str = "",
    set: Mapping[str, Any] | None = None,  # noqa: A002 - reads as SQL's SET
    each: Mapping[Any, Mapping[str, Any]] | None = None,
    now: datetime | None = None,
) -> list[Any]:
    """Move a set of rows along a path in one statement; returns the ids that moved.

    Rows already at the path's end, and rows whose state does not allow the path, stay as they are: the
    caller compares. Other columns in `set` are written with the state, and so are those in `each`, which
    holds a row's own values by its id, the same columns for every id. Must run in a transaction.
    """
    path = [to] if isinstance(to, StrEnum) else list(to)
    rows = _move(model, list(ids), path, reason, actor, set or {}, now, each or {})
    return [key for key, _state, moved in rows if moved]


def transition(
    obj: models.Model,
    *,
    to: StrEnum | Sequence[StrEnum],
    reason: str = "",
    actor: str = "",
    set: Mapping[str, Any] | None = None,  # noqa: A002 - reads as SQL's SET
    now: datetime | None = None,
) -> bool:
    """Move one object; False when it is already there.

    The object's attributes follow what was written.

    Raises:
        IllegalTransition: from where the row really stands now the table has no such move.
    """
    path = [to] if isinstance(to, StrEnum) else list(to)
    machine = _machine(type(obj))
    rows = _move(type(obj), [obj.pk], path, reason, actor, set or {}, now)
    if not rows:
        raise IllegalTransition(hop="the row is gone")
    _key, state, moved = rows[0]
    if moved:
        for name, value in {**(set or {}), machine.field: str(path[-1])}.items():
            setattr(obj, name, value)
        return True
    setattr(obj, machine.field, state)
    if state == path[-1]:
        return False
    raise IllegalTransition(hop=f"{state} -> {path[0]}")


def _machine(model: type[models.Model]) -> Machine:
    machine = getattr(model, "MACHINE", None)
    if not isinstance(machine, Machine):
        raise TypeError(f"{model.__name__} has no MACHINE")
    return machine


def _column(model: type[models.Model], name: str) -> str:
    field = cast("models.Field[Any, Any]", model._meta.get_field(name))  # noqa: SLF001 - documented introspection
    return str(field.column)


def _move(
    model: type[models.Model],
    ids: list[Any],
    path: list[StrEnum],
    reason: str,
    actor: str,
    values: Mapping[str, Any],
    now: datetime | None,
    each: Mapping[Any, Mapping[str, Any]] | None = None,
) -> list[tuple[Any, str, bool]]:
    if not ids:
        return []
    machine = _machine(model)
    meta = model._meta  # noqa: SLF001 - Django's documented introspection
    key = meta.pk
    assignments = {_column(model, machine.field): str(path[-1])}
    for name, value in values.items():
        field = cast("models.Field[Any, Any]", meta.get_field(name))
        assignments[_column(model, name)] = field.get_db_prep_save(value, connection)
    quote = connection.ops.quote_name
    columns = [f"{quote(column)} = %(set_{n})s" for n, column in enumerate(assignments)]
    joined, own, own_parameters = _own_values(model, ids, each or {})
    statement = _SQL.format(
        pk=quote(str(key.column)),
        field=quote(_column(model, machine.field)),
        table=quote(meta.db_table),
        assignments=", ".join([*columns, *own]),
        each=joined,
    )
    parameters: dict[str, Any] = {f"set_{n}": value for n, value in enumerate(assignments.values())}
    parameters |= own_parameters
    parameters |= {
        "ids": [key.get_prep_value(value) for value in ids],
        "sources": machine.sources(path),
        "label": meta.label_lower,
        "reason": reason,
        "actor": actor,
        "at": now or clock.now(),
        "hop_sources": [None, *(str(state) for state in path[:-1])],
        "path": [str(state) for state in path],
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    convert = getattr(key, "from_db_value", None)
    return [(convert(row[0]) if convert else row[0], row[1], row[2]) for row in rows]


def _own_values(
    model: type[models.Model], ids: list[Any], each: Mapping[Any, Mapping[str, Any]]
) -> tuple[str, list[str], dict[str, Any]]:
    """The join, the assignments and the parameters that give every row its own values."""
    if not each:
        return "", [], {}
    meta = model._meta  # noqa: SLF001 - Django's documented introspection
    quote = connection.ops.quote_name
    arrays, names, parameters = [], [], {}
    for n, name in enumerate(each[ids[0]]):
        field = cast("models.Field[Any, Any]", meta.get_field(name))
        parameters[f"each_{n}"] = [field.get_db_prep_save(each[key][name], connection) for key in ids]
        arrays.append(f"%(each_{n})s::{field.db_type(connection)}[]")
        names.append(quote(str(field.column)))
    values = f"unnest(%(ids)s::bigint[], {', '.join(arrays)}) AS own (id, {', '.join(names)})"
    return (
        f" JOIN {values} ON own.id = locked.id",
        [f"{name} = own.{name}" for name in names],
        parameters,
    )
