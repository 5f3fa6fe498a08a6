"""What suppliers announce: fetched outside, applied once, kept with its reason where it cannot be applied."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from everline.core import clock, inbox
from everline.core.models import InboxHint
from everline.core.transactions import refuse_inside_transaction
from everline.lines.models import Line
from everline.suppliers.types import PROFILE_CHANGED, USAGE_REPORTED, SupplierEvent, UsageReport
from everline.usage.models import UsageRecord
from everline.usage.services import collecting
from tests.usage.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supplier(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> dict[str, Any]:
    """A supplier that tells what the test puts into its hands, and counts how often it is asked."""
    shop.now = clock.now()
    events: dict[str, Any] = {}
    asked: list[str] = []

    def fetch_event(*, supplier: str, event_id: str) -> SupplierEvent:
        refuse_inside_transaction()
        assert supplier == "simulator"
        asked.append(event_id)
        answer = events[event_id]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, SupplierEvent)
        return answer

    monkeypatch.setattr(collecting, "fetch_event", fetch_event)
    events["asked"] = asked
    return events


def _announce(event_id: str, kind: str) -> bool:
    return inbox.store(
        source="suppliers:simulator", event_id=event_id, kind=kind, job="usage.collect_supplier_events"
    )


def _used(event_id: str, line: Line, at: datetime, *quantities: int) -> SupplierEvent:
    reports = tuple(
        UsageReport(f"{event_id}-{number}", "data", quantity, at, "44010")
        for number, quantity in enumerate(quantities)
    )
    return SupplierEvent(event_id, USAGE_REPORTED, line.iccid, usage=reports)


def _later(shop: Shop) -> datetime:
    shop.now = InboxHint.objects.latest("id").next_try_at + timedelta(seconds=1)
    return shop.now


def test_reported_usage_is_fetched_and_charged_once(shop: Shop, supplier: dict[str, Any]) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("month"))
    supplier["sev_1"] = _used("sev_1", line, shop.now, 10, 20)
    assert _announce("sev_1", USAGE_REPORTED)
    assert not _announce("sev_1", USAGE_REPORTED)
    now = _later(shop)

    assert collecting.collect_supplier_events(now) == 1
    assert collecting.collect_supplier_events(now) == 0

    assert shop.used(period) == 30
    assert supplier["asked"] == ["sev_1"]
    assert UsageRecord.objects.filter(source="suppliers:simulator").count() == 2
    assert InboxHint.objects.get().processed_at == now
    shop.check()


def test_a_replayed_event_changes_nothing(shop: Shop, supplier: dict[str, Any]) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("month"))
    supplier["sev_1"] = _used("sev_1", line, shop.now, 10)
    _announce("sev_1", USAGE_REPORTED)
    collecting.collect_supplier_events(_later(shop))

    InboxHint.objects.update(processed_at=None)

    assert collecting.collect_supplier_events(shop.now) == 1
    assert shop.used(period) == 10
    shop.check()


def test_a_profile_that_changed_moves_the_profile_only(shop: Shop, supplier: dict[str, Any]) -> None:
    line = shop.line()
    supplier["sev_1"] = SupplierEvent(
        "sev_1",
        PROFILE_CHANGED,
        line.iccid,
        profile_state="installed",
        eid="89882119900000000000000000001654",
    )
    _announce("sev_1", PROFILE_CHANGED)

    assert collecting.collect_supplier_events(_later(shop)) == 1

    line.refresh_from_db()
    assert (line.profile_state, line.service_state) == ("installed", "pending")
    assert line.eid == "89882119900000000000000000001654"


def test_one_event_that_cannot_be_fetched_stops_no_other(shop: Shop, supplier: dict[str, Any]) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("month"))
    supplier["sev_1"] = RuntimeError("the supplier is away")
    supplier["sev_2"] = _used("sev_2", line, shop.now, 7)
    for event_id in ("sev_1", "sev_2"):
        _announce(event_id, USAGE_REPORTED)
    now = _later(shop)

    assert collecting.collect_supplier_events(now) == 1

    waiting = InboxHint.objects.get(processed_at=None)
    assert (waiting.event_id, waiting.error, waiting.tries) == ("sev_1", "the supplier is away", 1)
    assert waiting.next_try_at > now
    assert shop.used(period) == 7
    supplier["sev_1"] = _used("sev_1", line, shop.now, 5)
    assert collecting.collect_supplier_events(_later(shop)) == 0
    assert collecting.collect_supplier_events(waiting.next_try_at) == 1
    assert shop.used(period) == 12


def test_usage_of_a_card_that_is_not_there_yet_waits_for_it(shop: Shop, supplier: dict[str, Any]) -> None:
    line = shop.line()
    [period] = shop.open(line, shop.plan("month"))
    iccid, later = line.iccid, "8988211999999999999"
    type(line).objects.filter(pk=line.pk).update(iccid=later)
    supplier["sev_1"] = _used("sev_1", line, shop.now, 10)
    supplier["sev_2"] = SupplierEvent("sev_2", PROFILE_CHANGED, later, profile_state="enabled")
    _announce("sev_1", USAGE_REPORTED)
    _announce("sev_2", PROFILE_CHANGED)

    assert collecting.collect_supplier_events(_later(shop)) == 1

    waiting = InboxHint.objects.get(processed_at=None)
    assert "unknown_line" in waiting.error
    assert not UsageRecord.objects.exists()
    type(line).objects.filter(pk=line.pk).update(iccid=iccid)
    assert collecting.collect_supplier_events(waiting.next_try_at) == 1
    assert shop.used(period) == 10


def test_news_of_orders_is_left_to_others(shop: Shop, supplier: dict[str, Any]) -> None:
    _announce("sev_1", "order.changed")

    assert collecting.collect_supplier_events(_later(shop)) == 0

    assert supplier["asked"] == []
    assert InboxHint.objects.get().processed_at is None
