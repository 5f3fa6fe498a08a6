"""The door: announced news is stored once, with the job of the room that it concerns."""

import pytest

from everline.core.errors import NotFound
from everline.core.models import InboxHint
from everline.suppliers import services
from everline.suppliers.errors import BadSignature
from tests.suppliers.fakes import FakeSupplier

pytestmark = pytest.mark.django_db
GOOD = {"X-Signature": "good", "Content-Type": "application/json", "Cookie": "secret"}


@pytest.mark.parametrize(
    ("kind", "iccid", "reference", "job", "kept"),
    [
        ("usage.reported", "8988", "-", "usage.collect_supplier_events", "8988"),
        ("profile.changed", "8988", "-", "usage.collect_supplier_events", "8988"),
        ("order.changed", "8988", "sup-ord_1-topup", "orders.wake", "sup-ord_1-topup"),
    ],
)
def test_news_goes_to_the_room_it_concerns(
    supplier: FakeSupplier, deferred: list[str], kind: str, iccid: str, reference: str, job: str, kept: str
) -> None:
    raw = f"sev_1 {kind} {iccid} {reference}".encode()

    for _ in range(2):
        services.receive_webhook(supplier="fake", raw=raw, headers=GOOD)

    hint = InboxHint.objects.get()
    assert (hint.source, hint.event_id, hint.kind) == ("suppliers:fake", "sev_1", kind)
    assert (hint.object_ref, hint.reference) == ("sev_1", kept)
    assert hint.headers == {"content-type": "application/json"}
    assert deferred == [job]


def test_what_cannot_be_verified_is_not_stored(supplier: FakeSupplier, deferred: list[str]) -> None:
    with pytest.raises(BadSignature):
        services.receive_webhook(supplier="fake", raw=b"sev_1 usage.reported 8 -", headers={})

    assert not InboxHint.objects.exists()
    assert deferred == []


def test_a_supplier_nobody_installed_is_not_found(supplier: FakeSupplier) -> None:
    with pytest.raises(NotFound):
        services.receive_webhook(supplier="simulator", raw=b"sev_1 usage.reported 8 -", headers=GOOD)


def test_an_event_is_fetched_from_its_supplier(supplier: FakeSupplier) -> None:
    event = services.fetch_event(supplier="fake", event_id="sev_7")

    assert (event.event_id, event.profile_state) == ("sev_7", "installed")
