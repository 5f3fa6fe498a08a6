from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from everline.accounts.models import Customer
from everline.catalog.models import PlanVersion
from everline.core.ids import PrefixedIdField
from everline.core.money import Money
from everline.lines.models import Line
from everline.orders.states import ORDER_MACHINE, CaseReason, OrderStatus

NUMBER_LENGTH = 16


class Quote(models.Model):
    """A price and a place in time, frozen for thirty minutes. `line` is empty for a new line.

    The dates are what fulfilment would have given when the quote was made; null while a start is open.
    """

    id = PrefixedIdField(prefix="quo", primary_key=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    line = models.ForeignKey(Line, models.PROTECT, null=True, related_name="+")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    total_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    current_ends_at = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(total_minor__gt=0, tax_minor__gte=0, tax_minor__lte=F("total_minor")),
                name="orders_quote_amounts",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="orders_quote_age")]

    @property
    def total(self) -> Money:
        """What is to be paid, tax included."""
        return Money(self.total_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax within the total."""
        return Money(self.tax_minor, self.currency)


class Order(models.Model):
    """One purchase of one plan version, its price frozen; its timeline is what the customer sees."""

    MACHINE: ClassVar = ORDER_MACHINE

    id = PrefixedIdField(prefix="ord", primary_key=True)
    number = models.CharField(max_length=NUMBER_LENGTH, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    line = models.ForeignKey(Line, models.PROTECT, null=True, related_name="+")
    quote = models.OneToOneField(Quote, models.PROTECT, related_name="order")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=20, default=OrderStatus.AWAITING_PAYMENT)
    total_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    #: Until when the quoted price is promised; later a changed price needs consent.
    priced_until = models.DateTimeField()
    #: Until when an unpaid order waits.
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    #: Until when a paid order must be delivered, else the money goes back.
    deliver_by = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=sorted(str(status) for status in OrderStatus)),
                name="orders_order_status",
            ),
            models.CheckConstraint(
                condition=Q(total_minor__gt=0, tax_minor__gte=0, tax_minor__lte=F("total_minor")),
                name="orders_order_amounts",
            ),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.FULFILLED)
                | Q(line__isnull=False, fulfilled_at__isnull=False),
                name="orders_fulfilled_has_line",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer", "id"], name="orders_of_customer"),
            models.Index(fields=["line", "id"], name="orders_of_line"),
            models.Index(
                fields=["expires_at"],
                condition=Q(status=OrderStatus.AWAITING_PAYMENT),
                name="orders_unpaid",
            ),
            models.Index(
                fields=["deliver_by"], condition=Q(status=OrderStatus.FULFILLING), name="orders_undelivered"
            ),
            # What the dashboard looks back on: the paid orders of some days.
            models.Index(fields=["paid_at"], condition=Q(paid_at__isnull=False), name="orders_paid"),
        ]

    @property
    def total(self) -> Money:
        """What is or was to be paid, tax included."""
        return Money(self.total_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax within the total."""
        return Money(self.tax_minor, self.currency)

    @property
    def amount_due(self) -> Money:
        """What is still to be paid."""
        return self.total if self.status == OrderStatus.AWAITING_PAYMENT else Money.zero(self.currency)


class TimelineEntry(models.Model):
    """One step of an order as its customer sees it. `context` holds primitives for the text."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="timeline")
    event = models.CharField(max_length=40)
    context = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["order", "id"], name="orders_timeline_order")]


class Case(models.Model):
    """Something about an order that a person must look at; closed when it is settled."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="cases")
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    #: Who of the staff looks after it, by e-mail, and what they will do next.
    owner = models.CharField(max_length=254, blank=True)
    next_step = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(reason__in=sorted(str(reason) for reason in CaseReason)),
                name="orders_case_reason",
            ),
            models.UniqueConstraint(
                fields=["order", "reason"],
                condition=Q(closed_at__isnull=True),
                name="orders_one_open_case_per_reason",
            ),
        ]
