"""How many usage records a second one process takes in, beside a bare bulk insert of the same rows.

Both run against the same server in the same run, in turns, so that a busy machine slows both. The bare side
writes the record and its allocation into copies of the two tables, with the same indexes and in the same
batches, and decides nothing: no lines, no buckets, no duplicates, no coverage.

    python benchmarks/usage.py [--rounds 5] [--batches 10] [--lines 500]

Without EVERLINE_DATABASE_URL an embedded server in a throw-away folder is used.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import django

_FOLDER = tempfile.TemporaryDirectory(prefix="everline-bench-", ignore_cleanup_errors=True)
os.environ["EVERLINE_DATA_DIR"] = _FOLDER.name
os.environ.setdefault("EVERLINE_SECRET_KEY", "only-for-benchmarks")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "everline.config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
django.setup()

from django.db import connection, transaction  # noqa: E402 - Django must be set up first

from everline.accounts.models import Customer, User  # noqa: E402
from everline.accounts.services import ensure_default_brand  # noqa: E402
from everline.catalog.models import Coverage, Operator, Plan, PlanVersion  # noqa: E402
from everline.config.supervisor.embedded import EmbeddedServer  # noqa: E402
from everline.core import clock, ids  # noqa: E402
from everline.core.invariants import run_all  # noqa: E402
from everline.lines.models import Line  # noqa: E402
from everline.usage import selectors  # noqa: E402
from everline.usage.models import Allocation, Bucket  # noqa: E402
from everline.usage.services import (  # noqa: E402
    MAX_RECORDS,
    OpenOrder,
    open_periods,
    record_usage,
)
from everline.usage.types import UsageInput  # noqa: E402

_BARE_TABLES = """
CREATE TABLE bare_record (LIKE usage_usagerecord INCLUDING ALL);
CREATE TABLE bare_allocation (LIKE usage_allocation INCLUDING ALL);
"""
_BARE_RECORDS = """
INSERT INTO bare_record
    (line_id, source, external_id, service, quantity, at, plmn, country, destination, received_at)
SELECT line, 'bare', id, 'data', quantity, at, '44010', 'JP', '', at
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[]) AS g (line, id, quantity, at)
RETURNING id
"""
_BARE_ALLOCATIONS = """
INSERT INTO bare_allocation (line_id, record_id, period_id, bucket_id, quantity, overrun, late)
SELECT line, record, bucket, bucket, quantity, '', false
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS g (line, record, bucket, quantity)
"""


class Bench:
    """A shop of many lines with one data period each, and two ways to write their usage."""

    def __init__(self, lines: int) -> None:
        self.now = clock.now()
        self.sent = 0
        self.lines = self._make_lines(lines)
        with connection.cursor() as cursor:
            cursor.execute(_BARE_TABLES)
        self.buckets = dict(Bucket.objects.values_list("line_id", "id"))

    def _make_lines(self, number: int) -> list[str]:
        brand = ensure_default_brand()
        owner = Customer.objects.create(
            user=User.objects.create(email="bench@example.com"),
            brand=brand,
            locale="en",
            timezone="Asia/Tokyo",
            currency="USD",
            created_at=self.now,
        )
        lines = Line.objects.bulk_create(
            Line(customer=owner, iccid=f"8988211{count:012d}", created_at=self.now) for count in range(number)
        )
        version = self._make_version()
        schedules = selectors.schedules([line.pk for line in lines], self.now)
        items = [OpenOrder(ids.new_id("ord"), line.pk, version, 1, schedules[line.pk]) for line in lines]
        with transaction.atomic():
            open_periods(items, self.now)
        return [line.pk for line in lines]

    def _make_version(self) -> PlanVersion:
        version = PlanVersion.objects.create(
            plan=Plan.objects.create(slug="bench", created_at=self.now),
            version=1,
            published_at=self.now,
            digest="bench",
            name_en="Bench",
            name_zh="基准",
            term_unit="month",
            term_count=1,
            data_bytes=10**15,
            voice_seconds=0,
            sms_count=0,
            supplier_code="bench",
        )
        operator, _made = Operator.objects.get_or_create(
            country="JP", plmn="44010", defaults={"name": "NTT docomo", "radio": "4G/5G"}
        )
        Coverage.objects.create(version=version, operator=operator)
        return version

    def batch(self) -> list[tuple[str, str, int, datetime]]:
        """The next thousand events: line, external id, bytes, time."""
        rows = []
        for _count in range(MAX_RECORDS):
            self.sent += 1
            line = self.lines[self.sent * 7919 % len(self.lines)]
            rows.append(
                (line, f"event-{self.sent}", 1_000 + self.sent % 977, self.now + timedelta(seconds=1))
            )
        return rows

    def write_bare(self, rows: list[tuple[str, str, int, datetime]]) -> None:
        """The same rows and no questions asked."""
        lines = [ids.to_int("ln", row[0]) for row in rows]
        buckets = [ids.to_int("bkt", self.buckets[row[0]]) for row in rows]
        quantities = [row[2] for row in rows]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                _BARE_RECORDS, [lines, [row[1] for row in rows], quantities, [row[3] for row in rows]]
            )
            records = [row[0] for row in cursor.fetchall()]
            cursor.execute(_BARE_ALLOCATIONS, [lines, records, buckets, quantities])

    def write_ours(self, rows: list[tuple[str, str, int, datetime]]) -> int:
        """The rows as usage records; how many were new."""
        records = [
            UsageInput(
                source="bench", id=key, service="data", quantity=quantity, at=at, line=line, plmn="44010"
            )
            for line, key, quantity, at in rows
        ]
        return record_usage(records, self.now + timedelta(minutes=1)).accepted


def measure(bench: Bench, rounds: int, batches: int) -> dict[str, list[float]]:
    """Records a second of each way, a figure a round; `cpu` is ours per second of this process's CPU."""
    rates: dict[str, list[float]] = {"bare": [], "ours": [], "cpu": [], "repeats": []}
    for _round in range(rounds):
        work = [bench.batch() for _ in range(batches)]
        total = batches * MAX_RECORDS
        begun = time.perf_counter()
        for rows in work:
            bench.write_bare(rows)
        rates["bare"].append(total / (time.perf_counter() - begun))
        begun, cpu = time.perf_counter(), time.process_time()
        accepted = sum(bench.write_ours(rows) for rows in work)
        rates["ours"].append(total / (time.perf_counter() - begun))
        rates["cpu"].append(total / (time.process_time() - cpu))
        begun = time.perf_counter()
        repeated = sum(bench.write_ours(rows) for rows in work)
        rates["repeats"].append(total / (time.perf_counter() - begun))
        if (accepted, repeated) != (total, 0):
            raise SystemExit(f"{accepted} of {total} accepted, {repeated} repeats accepted")
    return rates


def report(rates: dict[str, list[float]]) -> None:
    """The baseline first, the ratio last; medians over the rounds, with their range."""
    names = {
        "bare": "bare bulk insert of the same rows",
        "ours": "record_usage, new records",
        "cpu": "record_usage, per CPU-second of the process",
        "repeats": "record_usage, all of them repeats",
    }
    for key, name in names.items():
        found = rates[key]
        low, high = min(found), max(found)
        print(f"{name:<45}{statistics.median(found):>10,.0f} records/s  ({low:,.0f} to {high:,.0f})")
    ratio = statistics.median([ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True)])
    print(f"{'ratio, record_usage to bare insert':<45}{ratio:>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=10, help="calls of a thousand records a round")
    parser.add_argument("--lines", type=int, default=500)
    options = parser.parse_args()
    with ExitStack() as stack:
        if not os.environ.get("EVERLINE_DATABASE_URL"):
            stack.enter_context(EmbeddedServer(Path(_FOLDER.name)))
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        stack.callback(connection.creation.destroy_test_db, connection.settings_dict["NAME"], verbosity=0)
        bench = Bench(options.lines)
        report(measure(bench, options.rounds, options.batches))
        held = run_all(bench.now).items()
        # The rooms above never sold these periods, so only this room's truths can hold.
        broken = {name: found[:3] for name, found in held if found and name.startswith("usage.")}
        if broken or Allocation.objects.exclude(overrun="").exists():
            raise SystemExit(f"the books do not hold: {broken}")


if __name__ == "__main__":
    main()
