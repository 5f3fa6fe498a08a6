"""The network part: which purchases are due, and what their suppliers say. Writes nothing but the lease."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from everline.core.transactions import refuse_inside_transaction
from everline.suppliers import registry, states
from everline.suppliers.errors import (
    AuthConfig,
    NotKnown,
    Rejected,
    SupplierError,
    TemporarilyUnavailable,
)
from everline.suppliers.models import SupplierOrder
from everline.suppliers.port import ConnectivitySupplier
from everline.suppliers.types import (
    Failure,
    OrderKind,
    ProfileRequest,
    ResultState,
    RevocationRequest,
    SupplierOutcome,
    SupplierResult,
    TopUpRequest,
)

logger = logging.getLogger(__name__)

#: Longer than a query and a call may take, so that nobody else sends the same purchase meanwhile.
LEASE = timedelta(seconds=90)
DELIVERIES = (OrderKind.PROFILE, OrderKind.TOPUP)
_THREADS = 8

#: The due rows stand in a CTE: as a subquery in FROM the planner may run its LIMIT once per row.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT o.id, COALESCE(NULLIF(o.line_iccid, ''), before.result ->> 'iccid', '') AS iccid
    FROM suppliers_supplierorder AS o
    LEFT JOIN suppliers_supplierorder AS before ON before.reference = o.after AND before.status = 'done'
    WHERE o.status = ANY(%(open)s) AND o.kind = ANY(%(kinds)s) AND o.next_try_at <= %(now)s
        AND (o.after = '' OR before.id IS NOT NULL)
    ORDER BY o.next_try_at, o.id LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED
)
UPDATE suppliers_supplierorder AS s SET tries = s.tries + 1, next_try_at = %(until)s
FROM due
WHERE s.id = due.id
RETURNING s.id, s.order, s.supplier, s.reference, s.kind, s.status, due.iccid AS line_iccid, s.plan_code,
    s.quantity, s.after, s.revokes, s.supplier_ref, s.failure_code, s.failure_message, s.result, s.tries,
    s.next_try_at, s.last_error, s.created_at, s.settled_at
"""


def claim_due(
    *, now: datetime, limit: int = 100, kinds: Sequence[OrderKind] = DELIVERIES
) -> list[SupplierOrder]:
    """Purchases that are due, each for this caller alone until the lease ends. One statement.

    One that comes after another is due only when that one is done, and then bears its profile's ICCID. The
    process that dies with a claim loses nothing: the purchase is claimed again, and asked about first.
    """
    return list(
        SupplierOrder.objects.raw(
            _CLAIM,
            {
                "now": now,
                "until": now + LEASE,
                "limit": limit,
                "open": sorted(str(status) for status in states.OPEN),
                "kinds": [str(kind) for kind in kinds],
            },
        )
    )


def call_suppliers(*, orders: Sequence[SupplierOrder]) -> list[SupplierOutcome]:
    """`call_supplier` for each, in parallel."""
    refuse_inside_transaction()
    if not orders:
        return []
    if len(orders) == 1:
        return [call_supplier(order=orders[0])]
    with ThreadPoolExecutor(min(_THREADS, len(orders))) as pool:
        return list(pool.map(lambda order: call_supplier(order=order), orders))


def call_supplier(*, order: SupplierOrder) -> SupplierOutcome:
    """One purchase, outside any transaction; never raises and uses no database.

    A purchase that was or may have been sent before is asked about first, and sent again (with the same
    reference) only when the supplier says that it never got it.
    """
    try:
        adapter = registry.supplier(order.supplier)
        known = _query(adapter, order) if order.tries > 1 else None
        if known is None:
            known = _send(adapter, order)
        return SupplierOutcome(order.id, result=known)
    except Rejected as error:
        failure = Failure(error.code or "rejected", error.message, permanent=True)
        return SupplierOutcome(
            order.id, result=SupplierResult(order.reference, ResultState.FAILED, failure=failure)
        )
    except (TemporarilyUnavailable, AuthConfig) as error:
        # Not reached now; whether an earlier try was is not changed by that.
        return SupplierOutcome(
            order.id, error=str(error), sent=order.tries > 1, retry_after=error.retry_after
        )
    except SupplierError as error:
        return SupplierOutcome(order.id, error=str(error))
    except Exception as error:
        logger.exception("the adapter of %s stumbled over %s", order.supplier, order.reference)
        return SupplierOutcome(order.id, error=repr(error))


def _query(adapter: ConnectivitySupplier, order: SupplierOrder) -> SupplierResult | None:
    try:
        return adapter.fetch_order(order.reference)
    except NotKnown:
        return None


def _send(adapter: ConnectivitySupplier, order: SupplierOrder) -> SupplierResult:
    match OrderKind(order.kind):
        case OrderKind.PROFILE:
            return adapter.provision_profile(ProfileRequest(order.reference, order.plan_code))
        case OrderKind.TOPUP:
            request = TopUpRequest(order.reference, order.line_iccid, order.plan_code, order.quantity)
            return adapter.top_up(request)
        case OrderKind.REVOCATION:
            return _revoke(adapter, order)


def _revoke(adapter: ConnectivitySupplier, order: SupplierOrder) -> SupplierResult:
    try:
        return adapter.revoke(RevocationRequest(order.reference, order.revokes))
    except NotKnown:
        # Nothing was ever delivered under that reference: there is nothing to take back.
        return SupplierResult(order.reference, ResultState.DONE)
