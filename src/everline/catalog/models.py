"""Rows of the catalogue. Versions and all that hangs on them are frozen: the database refuses to change them.

What may change: which version of a plan is current, its withdrawal, and what the world calls an operator.
"""

from enum import StrEnum

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from everline.catalog.terms import Refill, Term, TermUnit
from everline.catalog.types import BenefitKind, Overage, PeriodKind, RenewalPolicy, StartPolicy, Text
from everline.core.ids import PrefixedIdField
from everline.core.money import BASIS_POINTS


def _values(choices: type[StrEnum]) -> list[str]:
    """Plain texts: a migration must not need the code of its day."""
    return [choice.value for choice in choices]


class Operator(models.Model):
    """A real mobile network in a country, by its PLMN (MCC + MNC)."""

    plmn = models.CharField(max_length=6)
    country = models.CharField(max_length=2)
    name = models.CharField(max_length=60)
    radio = models.CharField(max_length=20)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["country", "plmn"], name="operator_country_plmn"),
            CheckConstraint(condition=Q(plmn__regex=r"^[0-9]{5,6}$"), name="operator_plmn_digits"),
            CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="operator_country_code"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.country} {self.plmn})"


class Plan(models.Model):
    """A commercial offer; what it offers stands in its versions."""

    id = PrefixedIdField(prefix="pln", primary_key=True)
    slug = models.SlugField(max_length=60, unique=True)
    current = models.OneToOneField(
        "PlanVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="current_of"
    )
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.slug


class PlanVersion(models.Model):
    """Price and content of a plan from one moment on. Orders point here. Never changed, never deleted.

    Units: bytes, seconds, messages; None is unlimited under `fair_use`
    (`{"after_bytes", "per": "day|month|period", "throttle_kbps"}`).
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    published_at = models.DateTimeField()
    digest = models.CharField(max_length=64)
    name_en = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    summary_en = models.CharField(max_length=300)
    summary_zh = models.CharField(max_length=300)
    hotspot_en = models.CharField(max_length=300)
    hotspot_zh = models.CharField(max_length=300)
    term_unit = models.CharField(max_length=5)
    term_count = models.PositiveIntegerField()
    calendar_day = models.BooleanField(default=False)
    data_bytes = models.BigIntegerField(null=True, blank=True)
    voice_seconds = models.BigIntegerField(null=True, blank=True)
    sms_count = models.BigIntegerField(null=True, blank=True)
    fair_use = models.JSONField(null=True, blank=True)
    refill = models.CharField(max_length=7, default=Refill.NONE.value)
    renewal_policy = models.CharField(max_length=14, default=RenewalPolicy.EXTEND.value)
    start_policy = models.CharField(max_length=12, default=StartPolicy.ON_PURCHASE.value)
    activation_deadline_days = models.PositiveIntegerField(null=True, blank=True)
    max_stacked_days = models.PositiveIntegerField(default=731)
    overage = models.CharField(max_length=8, default=Overage.BLOCK.value)
    supplier_code = models.CharField(max_length=80)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["plan", "version"], name="planversion_plan_version"),
            CheckConstraint(condition=Q(term_unit__in=_values(TermUnit)), name="planversion_term_unit"),
            CheckConstraint(condition=Q(term_count__gte=1), name="planversion_term_count"),
            CheckConstraint(condition=Q(refill__in=_values(Refill)), name="planversion_refill"),
            CheckConstraint(
                condition=Q(renewal_policy__in=_values(RenewalPolicy)), name="planversion_renewal"
            ),
            CheckConstraint(condition=Q(overage__in=_values(Overage)), name="planversion_overage"),
            CheckConstraint(
                condition=Q(start_policy=StartPolicy.ON_FIRST_USE.value, activation_deadline_days__gte=1)
                | Q(start_policy=StartPolicy.ON_PURCHASE.value, activation_deadline_days=None),
                name="planversion_activation_deadline",
            ),
            CheckConstraint(
                condition=Q(fair_use__isnull=False)
                | Q(data_bytes__isnull=False, voice_seconds__isnull=False, sms_count__isnull=False),
                name="planversion_unlimited_states_fair_use",
            ),
            CheckConstraint(
                condition=(Q(data_bytes=None) | Q(data_bytes__gte=0))
                & (Q(voice_seconds=None) | Q(voice_seconds__gte=0))
                & (Q(sms_count=None) | Q(sms_count__gte=0)),
                name="planversion_allowances",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name_en} v{self.version}"

    @property
    def term(self) -> Term:
        """The term as the calendar understands it."""
        return Term(self.term_unit, self.term_count)

    @property
    def name(self) -> Text:
        """The plan's name in both languages."""
        return Text(self.name_en, self.name_zh)

    @property
    def summary(self) -> Text:
        """One sentence for the card, in both languages."""
        return Text(self.summary_en, self.summary_zh)

    @property
    def hotspot(self) -> Text:
        """What the plan allows as a personal hotspot, in both languages."""
        return Text(self.hotspot_en, self.hotspot_zh)

    @property
    def kind(self) -> PeriodKind:
        """Add-ons start beside the running period; everything else carries the line."""
        return PeriodKind.ADDON if self.renewal_policy == RenewalPolicy.START_NOW else PeriodKind.BASE


class Price(models.Model):
    """What one of a version costs in a currency, in minor units. Frozen with its version."""

    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="prices")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    tax_included = models.BooleanField(default=True)
    tax_bp = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["version", "currency"], name="price_version_currency"),
            CheckConstraint(condition=Q(amount__gt=0), name="price_above_zero"),
            CheckConstraint(condition=Q(tax_bp__lt=BASIS_POINTS), name="price_tax_rate"),
            CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="price_currency_code"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Benefit(models.Model):
    """A discount on calls or free hotspots that come with a version. Frozen with it."""

    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="benefits")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    percent = models.PositiveIntegerField(null=True, blank=True)
    destination_group = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001 - null: not a discount
    text_en = models.CharField(max_length=300)
    text_zh = models.CharField(max_length=300)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["version", "position"], name="benefit_version_position"),
            CheckConstraint(
                condition=Q(
                    kind=BenefitKind.CALL_DISCOUNT.value,
                    percent__gte=1,
                    percent__lte=100,
                    destination_group__isnull=False,
                )
                | Q(kind=BenefitKind.WIFI_HOTSPOTS.value, percent=None, destination_group=None),
                name="benefit_shape",
            ),
        ]

    def __str__(self) -> str:
        return self.text_en


class Coverage(models.Model):
    """A version uses an operator. Frozen with it."""

    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="coverage")
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="coverage")

    class Meta:
        constraints = [UniqueConstraint(fields=["version", "operator"], name="coverage_version_operator")]

    def __str__(self) -> str:
        return f"version {self.version_id} on operator {self.operator_id}"
