"""What was asked of suppliers. The shop's order stands here as its id only."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from everline.core.ids import PrefixedIdField
from everline.core.states import Machine
from everline.suppliers import states
from everline.suppliers.states import SupplierOrderStatus
from everline.suppliers.types import OrderKind


class SupplierOrder(models.Model):
    """One purchase: written before the call, its reference is the supplier's idempotency key."""

    MACHINE: ClassVar[Machine] = states.MACHINE

    id = PrefixedIdField(prefix="sup", primary_key=True)
    order = models.CharField(max_length=40)
    supplier = models.CharField(max_length=40)
    reference = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=20, default=SupplierOrderStatus.REQUESTED)
    line_iccid = models.CharField(max_length=22, blank=True)
    plan_code = models.CharField(max_length=80, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    #: The reference of the purchase that must be done before this one is sent.
    after = models.CharField(max_length=80, blank=True)
    #: For revocations: the reference that is taken back.
    revokes = models.CharField(max_length=80, blank=True)
    supplier_ref = models.CharField(max_length=200, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    #: The profile that was delivered, as `types.Profile`'s fields.
    result = models.JSONField(default=dict, blank=True)
    #: Calls begun (also those whose process died): above zero the supplier is asked before it is sent again.
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=sorted(str(status) for status in SupplierOrderStatus)),
                name="suppliers_order_status",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=sorted(str(kind) for kind in OrderKind)),
                name="suppliers_order_kind",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="suppliers_order_quantity"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order"], name="suppliers_order_order"),
            models.Index(
                fields=["next_try_at"],
                condition=Q(status__in=sorted(str(status) for status in states.OPEN)),
                name="suppliers_order_due",
            ),
        ]
