from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from everline.catalog.types import PeriodKind
from everline.core.ids import PrefixedIdField
from everline.usage.states import PERIOD_MACHINE, PeriodState, StartRule
from everline.usage.types import Service

EXTERNAL_ID_LENGTH = 120
SOURCE_LENGTH = 60


class Period(models.Model):
    """What a paid order gives on a line: `[starts_at, ends_at)`, without dates while its start is open.

    `position` is its place in the line's queue, `seq` its number within the order. `chain_anchor` and
    `chain_months` are what a period of months or years leaves to its successor. That no two living base
    periods of a line overlap is kept by an exclusion constraint in the first migration, checked at commit,
    so that a whole queue may move in one statement.
    """

    id = PrefixedIdField(prefix="per", primary_key=True)
    line = models.ForeignKey("lines.Line", on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.CharField(max_length=20)
    seq = models.PositiveSmallIntegerField()
    position = models.PositiveIntegerField()
    version = models.ForeignKey(
        "catalog.PlanVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=5)
    state = models.CharField(max_length=9, default=PeriodState.QUEUED)
    start_rule = models.CharField(max_length=9)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    opens_by = models.DateTimeField(null=True, blank=True)
    chain_anchor = models.DateTimeField(null=True, blank=True)
    chain_months = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    MACHINE: ClassVar = PERIOD_MACHINE

    class Meta:
        verbose_name = _("service period")
        verbose_name_plural = _("service periods")
        indexes: ClassVar = [
            models.Index(fields=["line", "ends_at"], name="period_of_line"),
            models.Index(
                fields=["starts_at"],
                condition=models.Q(state=PeriodState.QUEUED),
                name="period_starting",
            ),
            models.Index(
                fields=["ends_at"],
                condition=models.Q(state__in=[PeriodState.ACTIVE, PeriodState.SUSPENDED]),
                name="period_ending",
            ),
            models.Index(
                fields=["opens_by"],
                condition=models.Q(state=PeriodState.QUEUED, starts_at=None),
                name="period_lapsing",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "seq"], name="period_of_order_once"),
            models.UniqueConstraint(fields=["line", "position"], name="period_place_in_queue"),
            models.CheckConstraint(name="period_kind", condition=models.Q(kind__in=list(PeriodKind))),
            models.CheckConstraint(name="period_state", condition=models.Q(state__in=list(PeriodState))),
            models.CheckConstraint(
                name="period_start_rule", condition=models.Q(start_rule__in=list(StartRule))
            ),
            models.CheckConstraint(
                name="period_dates",
                condition=models.Q(starts_at__isnull=True, ends_at__isnull=True)
                | models.Q(starts_at__isnull=False, ends_at__gt=models.F("starts_at")),
            ),
            models.CheckConstraint(
                name="period_active_has_dates",
                condition=~models.Q(state__in=[PeriodState.ACTIVE, PeriodState.ENDED])
                | models.Q(starts_at__isnull=False),
            ),
            models.CheckConstraint(
                name="period_chain",
                condition=models.Q(chain_anchor__isnull=True, chain_months__isnull=True)
                | models.Q(chain_anchor__isnull=False, chain_months__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Reschedule(models.Model):
    """Why and when a period's stored boundaries moved."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey("lines.Line", on_delete=models.PROTECT, related_name="+", db_index=False)
    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="reschedules")
    old_starts_at = models.DateTimeField(null=True)
    old_ends_at = models.DateTimeField(null=True)
    new_starts_at = models.DateTimeField(null=True)
    new_ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("reschedule")
        verbose_name_plural = _("reschedules")
        indexes: ClassVar = [models.Index(fields=["line", "id"], name="reschedule_of_line")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reschedule_reason",
                condition=models.Q(reason__in=["first_use", "depletion", "refund", "lapse"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_id}: {self.reason}"


class Bucket(models.Model):
    """One allowance of a period, or one refill of it: so much of a service in `[starts_at, ends_at)`.

    Bytes, seconds or messages; a `total` of NULL is unlimited. `as_of` is when it was opened or `used` last
    changed.
    """

    id = PrefixedIdField(prefix="bkt", primary_key=True)
    line = models.ForeignKey("lines.Line", on_delete=models.PROTECT, related_name="+", db_index=False)
    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="buckets", db_index=False)
    service = models.CharField(max_length=5)
    number = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    total = models.BigIntegerField(null=True)
    used = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    as_of = models.DateTimeField()

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        indexes: ClassVar = [models.Index(fields=["line", "ends_at"], name="bucket_of_line")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["period", "service", "number"], name="bucket_of_period_once"),
            models.CheckConstraint(name="bucket_service", condition=models.Q(service__in=list(Service))),
            models.CheckConstraint(
                name="bucket_dates", condition=models.Q(ends_at__gt=models.F("starts_at"))
            ),
            models.CheckConstraint(
                name="bucket_never_overspent",
                condition=models.Q(used__gte=0, reserved__gte=0)
                & (
                    models.Q(total__isnull=True)
                    | models.Q(total__gte=models.F("used") + models.F("reserved"))
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.used}/{self.total}"


class UsageRecord(models.Model):
    """One measured event as its source reported it, once per (source, external id)."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey("lines.Line", on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=SOURCE_LENGTH)
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH)
    service = models.CharField(max_length=5)
    quantity = models.BigIntegerField()
    at = models.DateTimeField()
    plmn = models.CharField(max_length=6, blank=True)
    country = models.CharField(max_length=2, blank=True)
    destination = models.CharField(max_length=20, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        indexes: ClassVar = [
            models.Index(fields=["line", "at"], name="usage_record_of_line"),
            models.Index(fields=["line", "service", "received_at"], name="usage_record_taken_in"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "external_id"], name="usage_record_once"),
            models.CheckConstraint(
                name="usage_record_service", condition=models.Q(service__in=list(Service))
            ),
            models.CheckConstraint(name="usage_record_quantity", condition=models.Q(quantity__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"


class Allocation(models.Model):
    """A part of a usage record and what carried it: a bucket, or, with `overrun`, the plan's overage rule.

    Overruns carry the period they belong to where there is one; `late` ones came after it had closed and
    are charged nothing.
    """

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey("lines.Line", on_delete=models.PROTECT, related_name="+", db_index=False)
    record = models.ForeignKey(UsageRecord, on_delete=models.PROTECT, related_name="allocations")
    period = models.ForeignKey(Period, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    bucket = models.ForeignKey(Bucket, on_delete=models.PROTECT, null=True, related_name="allocations")
    quantity = models.BigIntegerField()
    overrun = models.CharField(max_length=8, blank=True)
    late = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        indexes: ClassVar = [
            models.Index(
                fields=["line", "id"], condition=~models.Q(overrun=""), name="allocation_overrun_of_line"
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="allocation_quantity", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(
                name="allocation_bucket_or_overrun",
                condition=models.Q(bucket__isnull=False, period__isnull=False, overrun="", late=False)
                | models.Q(bucket__isnull=True, overrun__in=["block", "throttle", "wallet"]),
            ),
            models.CheckConstraint(
                name="allocation_late_has_period",
                condition=models.Q(late=False) | models.Q(period__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.record_id}"
