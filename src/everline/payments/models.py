"""Attempts, refunds and the ledger. A payable is another room's object and stands here as its id only."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from everline.core.ids import PrefixedIdField
from everline.core.money import Money
from everline.core.states import Machine
from everline.payments import states
from everline.payments.states import AttemptStatus, RefundStatus


def _words(values: frozenset[AttemptStatus] | frozenset[RefundStatus]) -> list[str]:
    return sorted(str(value) for value in values)


class Attempt(models.Model):
    """One try to collect a payable's amount. Its id is the idempotency key at the provider."""

    MACHINE: ClassVar[Machine] = states.ATTEMPT_MACHINE

    id = PrefixedIdField(prefix="att", primary_key=True)
    payable = models.CharField(max_length=40)
    provider = models.CharField(max_length=40)
    method = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, default=AttemptStatus.CREATED)
    psp_ref = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique where known, and often unknown
    redirect_url = models.TextField(blank=True)
    return_url = models.TextField(blank=True)
    cancel_url = models.TextField(blank=True)
    locale = models.CharField(max_length=20)
    description = models.CharField(max_length=200, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    failure_hard = models.BooleanField(default=False)
    #: What the provider said was charged; `card` behind `apple_pay`, its brand and last digits.
    method_brand = models.CharField(max_length=40, blank=True)
    method_last4 = models.CharField(max_length=4, blank=True)
    method_wallet = models.CharField(max_length=40, blank=True)
    captured_minor = models.BigIntegerField(default=0)
    #: Differs from `currency` only when the provider took another one: such money is never kept.
    captured_currency = models.CharField(max_length=3, blank=True)
    #: Whether the payable kept the money; decides which accounts a refund is booked on.
    kept = models.BooleanField(default=False)
    #: The tax within the kept amount, so that refunds give back exactly as much of it.
    tax_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    captured_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField()
    checks = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["payable"],
                condition=Q(status__in=_words(states.OPEN)),
                name="payments_one_open_attempt",
            ),
            models.UniqueConstraint(
                fields=["payable"],
                condition=Q(status__in=_words(states.KEPT)),
                name="payments_one_kept_capture",
            ),
            models.UniqueConstraint(
                fields=["provider", "psp_ref"],
                condition=Q(psp_ref__isnull=False),
                name="payments_attempt_psp_ref",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(str(status) for status in AttemptStatus)),
                name="payments_attempt_status",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, captured_minor__gte=0, tax_minor__gte=0),
                name="payments_attempt_amounts",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("captured_minor")),
                name="payments_refunded_within_captured",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=_words(states.KEPT))
                | Q(
                    kept=True,
                    captured_minor=F("amount_minor"),
                    captured_currency=F("currency"),
                    tax_minor__lte=F("amount_minor"),
                ),
                name="payments_kept_is_exact",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["payable"], name="payments_attempt_payable"),
            models.Index(
                fields=["next_check_at"],
                condition=Q(status__in=_words(states.OPEN)),
                name="payments_attempt_due",
            ),
            # Failures of some days, and what a provider calls a payment, are asked for by staff.
            models.Index(
                fields=["created_at"],
                condition=Q(status=str(AttemptStatus.FAILED)),
                name="payments_attempt_failed",
            ),
            models.Index(
                fields=["psp_ref"], condition=Q(psp_ref__isnull=False), name="payments_attempt_by_ref"
            ),
        ]

    @property
    def amount(self) -> Money:
        """What was asked for."""
        return Money(self.amount_minor, self.currency)

    @property
    def captured(self) -> Money:
        """What was taken."""
        return Money(self.captured_minor, self.captured_currency or self.currency)

    @property
    def refunded(self) -> Money:
        """What was given back."""
        return Money(self.refunded_minor, self.captured_currency or self.currency)


class Refund(models.Model):
    """Money on its way back. Its id begins the idempotency key at the provider."""

    MACHINE: ClassVar[Machine] = states.REFUND_MACHINE

    id = PrefixedIdField(prefix="ref", primary_key=True)
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, default=RefundStatus.REQUESTED)
    psp_ref = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique where known, and often unknown
    failure_code = models.CharField(max_length=60, blank=True)
    tries = models.PositiveIntegerField(default=0)
    #: Part of the provider's key: grows when the provider answers one key with an error for good.
    key_serial = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["psp_ref"], condition=Q(psp_ref__isnull=False), name="payments_refund_psp_ref"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refund_amount"),
            models.CheckConstraint(
                condition=Q(status__in=sorted(str(status) for status in RefundStatus)),
                name="payments_refund_status",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(status__in=_words(states.REFUND_OPEN)),
                name="payments_refund_due",
            ),
        ]

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.amount_minor, self.currency)

    @property
    def key(self) -> str:
        """The idempotency key that the provider gets now."""
        return self.id if not self.key_serial else f"{self.id}.{self.key_serial}"


class LedgerPosting(models.Model):
    """One balanced booking. Append-only: the database refuses update, delete and truncate."""

    id = models.BigAutoField(primary_key=True)
    #: What is booked, once: `capture:att_…`, `refund:ref_…`.
    key = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=40)
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="postings")
    payable = models.CharField(max_length=40)
    booked_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["payable"], name="payments_posting_payable")]


class LedgerEntry(models.Model):
    """One side of a posting: debit positive, credit negative; a posting sums to zero in each currency."""

    id = models.BigAutoField(primary_key=True)
    posting = models.ForeignKey(LedgerPosting, models.PROTECT, related_name="entries")
    account = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="payments_entry_not_zero"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "currency"], name="payments_entry_account")]
