"""The door for suppliers' webhooks: verify, store, and let a job ask what is true."""

from collections.abc import Mapping

from everline.core import inbox
from everline.core.errors import NotFound
from everline.core.transactions import refuse_inside_transaction
from everline.suppliers import registry
from everline.suppliers.types import ORDER_CHANGED, SupplierEvent

#: The jobs of the rooms above that apply what is stored in the inbox.
_JOBS = {ORDER_CHANGED: "orders.wake"}
_EVENTS_JOB = "usage.collect_supplier_events"
_KEPT_HEADERS = ("content-type", "user-agent")


def receive_webhook(*, supplier: str, raw: bytes, headers: Mapping[str, str]) -> None:
    """Store what a verified webhook announces, each event once. Nothing in it is believed.

    The inbox row's source is `suppliers:<name>`, its object the supplier's event id, its reference ours (for
    changed orders) or the ICCID.

    Raises:
        NotFound: no supplier of this name.
        BadSignature: it cannot be verified; nothing is stored.
    """
    adapter = registry.suppliers().get(supplier)
    if adapter is None:
        raise NotFound
    kept = {name.lower(): value for name, value in headers.items() if name.lower() in _KEPT_HEADERS}
    for hint in adapter.parse_webhook(raw, headers):
        inbox.store(
            source=f"suppliers:{supplier}",
            event_id=hint.event_id,
            kind=hint.kind,
            object_ref=hint.event_id,
            reference=hint.reference or hint.iccid,
            body=raw,
            headers=kept,
            job=_JOBS.get(hint.kind, _EVENTS_JOB),
        )


def fetch_event(*, supplier: str, event_id: str) -> SupplierEvent:
    """What an announced event says, outside any transaction. Raises the errors of `suppliers.errors`."""
    refuse_inside_transaction()
    return registry.supplier(supplier).fetch_event(event_id)
