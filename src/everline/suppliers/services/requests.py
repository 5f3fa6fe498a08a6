"""Writing down what suppliers must deliver: the intents, in the transaction of the order that needs them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from everline.core import jobs
from everline.core.states import transition_many
from everline.suppliers import registry, states
from everline.suppliers.models import SupplierOrder
from everline.suppliers.services.calls import LEASE
from everline.suppliers.states import SupplierOrderStatus
from everline.suppliers.types import OrderKind, OrderSpec

REVOKE_JOB = "suppliers.revoke"


def specs_for_renewal(*, order: str, iccid: str, plan_code: str, quantity: int) -> list[OrderSpec]:
    """What a renewal of an existing line needs: one top-up."""
    return [OrderSpec(order, f"sup-{order}-topup", OrderKind.TOPUP, plan_code, quantity, iccid=iccid)]


def specs_for_new_line(*, order: str, plan_code: str, quantity: int) -> list[OrderSpec]:
    """What a new line needs: a profile, then the plan on it. Each is resumed by itself."""
    profile = OrderSpec(order, f"sup-{order}-profile", OrderKind.PROFILE, plan_code)
    return [
        profile,
        OrderSpec(order, f"sup-{order}-topup", OrderKind.TOPUP, plan_code, quantity, after=profile.reference),
    ]


def request_orders(*, specs: Sequence[OrderSpec], now: datetime, supplier: str = "") -> list[SupplierOrder]:
    """Write purchases in the caller's transaction, in one statement. A known reference changes nothing.

    The caller defers the job that sends them.
    """
    chosen = supplier or registry.default_supplier()
    return SupplierOrder.objects.bulk_create(
        [
            SupplierOrder(
                order=spec.order,
                supplier=chosen,
                reference=spec.reference,
                kind=spec.kind,
                line_iccid=spec.iccid,
                plan_code=spec.plan_code,
                quantity=spec.quantity,
                after=spec.after,
                revokes=spec.revokes,
                created_at=now,
                next_try_at=spec.not_before or now,
            )
            for spec in specs
        ],
        ignore_conflicts=True,
    )


def withdraw_orders(*, orders: Iterable[str], now: datetime, reason: str) -> None:
    """Give up all purchases for these orders of the shop, in the caller's transaction.

    What is open fails as `withdrawn` and is not sent (again); what was or may have been delivered is taken
    back by a revocation, which a job sends after the commit. Doing it twice changes nothing.
    """
    rows = list(
        SupplierOrder.objects.select_for_update()
        .filter(order__in=list(orders))
        .exclude(kind=OrderKind.REVOCATION)
        .order_by("pk")
    )
    open_ids = [row.id for row in rows if row.status in states.OPEN]
    transition_many(
        SupplierOrder,
        open_ids,
        to=SupplierOrderStatus.FAILED,
        reason=reason,
        set={"failure_code": "withdrawn", "settled_at": now},
        now=now,
    )
    touched = [
        row
        for row in rows
        if row.status == SupplierOrderStatus.DONE or (row.status in states.OPEN and row.tries > 0)
    ]
    revocations = [
        OrderSpec(
            order=row.order,
            reference=f"rev-{row.reference}",
            kind=OrderKind.REVOCATION,
            plan_code=row.plan_code,
            revokes=row.reference,
            # A call that is under way must have arrived (or not) before it can be taken back.
            not_before=None if row.status == SupplierOrderStatus.DONE else now + LEASE,
        )
        for row in touched
    ]
    if revocations:
        for name in sorted({row.supplier for row in touched}):
            mine = {row.reference for row in touched if row.supplier == name}
            request_orders(
                specs=[spec for spec in revocations if spec.revokes in mine], now=now, supplier=name
            )
        jobs.defer(REVOKE_JOB)


def wake_orders(*, references: Iterable[str], now: datetime) -> int:
    """Make open purchases due at once, because the supplier says that something changed. Returns how many."""
    rows = SupplierOrder.objects.filter(
        reference__in=list(references), status__in=states.OPEN, next_try_at__gt=now
    )
    return rows.update(next_try_at=now)
