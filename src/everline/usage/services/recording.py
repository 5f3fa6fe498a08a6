"""Usage records come in, a batch at a time: known ones are left, new ones are charged to buckets."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from everline.core.transactions import retrying
from everline.lines.access import lock_lines_by_name
from everline.lines.types import LineNames
from everline.usage import keys
from everline.usage.charging import Event, Share
from everline.usage.errors import TooManyRecords
from everline.usage.intake import CleanRecord, clean_record
from everline.usage.selectors import countries_of_plmns
from everline.usage.services.books import BookKeeper, load_books
from everline.usage.types import IngestResult, Rejection, UsageInput

MAX_RECORDS = 1_000

_Key = tuple[str, str]


@retrying
def record_usage(records: Sequence[UsageInput], now: datetime) -> IngestResult:
    """Take in usage records: each is stored once, charged once, and what fits no bucket is an overrun.

    Idempotent by (source, id), also inside one call and between calls that run at once. The lines are held
    first, in the order of their keys, so calls for the same line follow one another and never overspend a
    bucket. A fixed number of statements for any number of records and lines; a few more where a period is
    started by first use or depletion.

    Raises:
        TooManyRecords: more than 1,000 at once.
    """
    if len(records) > MAX_RECORDS:
        raise TooManyRecords(max_records=MAX_RECORDS)
    rejected: list[Rejection] = []
    clean: list[tuple[UsageInput, CleanRecord]] = []
    for record in records:
        checked = clean_record(record, now)
        if isinstance(checked, str):
            rejected.append(Rejection(str(record.id), checked))
        else:
            clean.append((record, checked))
    if not clean:
        return IngestResult(0, 0, rejected)
    with transaction.atomic():
        names = _lock_lines([record for record, _checked in clean])
        known: dict[_Key, tuple[str, CleanRecord]] = {}
        taken = 0
        for record, checked in clean:
            line_id = names.find(line_id=record.line, iccid=record.iccid, msisdn=record.msisdn)
            if line_id is None:
                rejected.append(Rejection(record.id, "unknown_line"))
            else:
                taken += 1
                known.setdefault((checked.source, checked.id), (line_id, checked))
        accepted = _store_and_charge(known, now) if known else 0
    return IngestResult(accepted, taken - accepted, rejected)


def _lock_lines(records: Sequence[UsageInput]) -> LineNames:
    return lock_lines_by_name(
        line_ids={record.line for record in records if record.line},
        iccids={record.iccid for record in records if record.iccid and not record.line},
        msisdns={record.msisdn for record in records if record.msisdn and not (record.line or record.iccid)},
    )


def _store_and_charge(records: Mapping[_Key, tuple[str, CleanRecord]], now: datetime) -> int:
    countries = countries_of_plmns({checked.plmn for _line, checked in records.values() if checked.plmn})
    fresh = _insert_records(records, countries, now)
    if not fresh:
        return 0
    by_line: dict[str, list[tuple[CleanRecord, Event]]] = defaultdict(list)
    for key, record_id in fresh.items():
        line_id, checked = records[key]
        places = countries.get(checked.plmn, frozenset()) if checked.plmn else None
        event = Event(record_id, checked.service, checked.quantity, checked.at, places)
        by_line[line_id].append((checked, event))
    books = load_books(
        {
            line_id: (min(event.at for _record, event in events), max(event.at for _record, event in events))
            for line_id, events in by_line.items()
        },
        now,
    )
    keeper = BookKeeper(books)
    shares: list[tuple[str, Share]] = []
    for line_id, events in by_line.items():
        events.sort(key=lambda pair: (pair[1].at, pair[0].source, pair[0].id))
        for _record, event in events:
            shares += [(line_id, share) for share in books[line_id].charge(event)]
    keeper.save(reason="usage", now=now)
    _insert_allocations(shares)
    return len(fresh)


_INSERT_RECORDS = """
INSERT INTO usage_usagerecord
    (line_id, source, external_id, service, quantity, at, plmn, country, destination, received_at)
SELECT g.*, %(now)s
FROM unnest(%(lines)s::bigint[], %(sources)s::text[], %(ids)s::text[], %(services)s::text[],
            %(quantities)s::bigint[], %(at)s::timestamptz[], %(plmns)s::text[], %(countries)s::text[],
            %(destinations)s::text[]) AS g
ON CONFLICT (source, external_id) DO NOTHING
RETURNING id, source, external_id
"""


def _insert_records(
    records: Mapping[_Key, tuple[str, CleanRecord]],
    countries: Mapping[str, frozenset[str]],
    now: datetime,
) -> dict[_Key, int]:
    """Insert what is new; the order of their keys keeps two calls from waiting for each other in a circle."""
    rows = [records[key] for key in sorted(records)]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_RECORDS,
            {
                "lines": [keys.number("ln", line_id) for line_id, _record in rows],
                "sources": [record.source for _line, record in rows],
                "ids": [record.id for _line, record in rows],
                "services": [record.service for _line, record in rows],
                "quantities": [record.quantity for _line, record in rows],
                "at": [record.at for _line, record in rows],
                "plmns": [record.plmn for _line, record in rows],
                "countries": [_only(countries.get(record.plmn, frozenset())) for _line, record in rows],
                "destinations": [record.destination for _line, record in rows],
                "now": now,
            },
        )
        return {(source, external_id): key for key, source, external_id in cursor.fetchall()}


def _only(places: frozenset[str]) -> str:
    """The country where there is just one; a network that serves several tells none."""
    return next(iter(places)) if len(places) == 1 else ""


_INSERT_ALLOCATIONS = """
INSERT INTO usage_allocation (line_id, record_id, period_id, bucket_id, quantity, overrun, late)
SELECT g.*
FROM unnest(%(lines)s::bigint[], %(records)s::bigint[], %(periods)s::bigint[], %(buckets)s::bigint[],
            %(quantities)s::bigint[], %(overruns)s::text[], %(late)s::bool[]) AS g
"""


def _insert_allocations(shares: Sequence[tuple[str, Share]]) -> None:
    if not shares:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_ALLOCATIONS,
            {
                "lines": [keys.number("ln", line_id) for line_id, _share in shares],
                "records": [share.record_id for _line, share in shares],
                "periods": [
                    None if share.period_id is None else keys.number("per", share.period_id)
                    for _line, share in shares
                ],
                "buckets": [
                    None if share.bucket_id is None else keys.number("bkt", share.bucket_id)
                    for _line, share in shares
                ],
                "quantities": [share.quantity for _line, share in shares],
                "overruns": [share.overrun for _line, share in shares],
                "late": [share.late for _line, share in shares],
            },
        )
