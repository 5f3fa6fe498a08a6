"""Publishing plans. A change of price or content is always a new version."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from everline.catalog.demo.reader import read_catalogue
from everline.catalog.errors import InvalidPlan, PlanWithdrawn
from everline.catalog.models import Benefit, Coverage, Operator, Plan, PlanVersion, Price
from everline.catalog.specs import VersionSpec, check_spec
from everline.catalog.types import DemoLoad, OperatorView


def create_plan(*, slug: str, now: datetime) -> Plan:
    """A plan without a version: not yet for sale.

    Raises:
        IntegrityError: the slug is taken.
    """
    return Plan.objects.create(slug=slug, created_at=now)


def save_operators(*, operators: Sequence[tuple[str, OperatorView]]) -> None:
    """Make (country, operator) known, or correct the name and radio of a known one. One statement."""
    Operator.objects.bulk_create(
        [
            Operator(country=country, plmn=operator.plmn, name=operator.name, radio=operator.radio)
            for country, operator in operators
        ],
        update_conflicts=True,
        unique_fields=["country", "plmn"],
        update_fields=["name", "radio"],
    )


@transaction.atomic
def publish_version(*, plan: Plan, spec: VersionSpec, now: datetime) -> PlanVersion:
    """Put new content on sale under a plan and return it; the same content again returns the current version.

    Raises:
        InvalidPlan: the content contradicts itself, or names an operator nobody knows.
        PlanWithdrawn: the plan is no longer sold.
    """
    check_spec(spec)
    locked = Plan.objects.select_for_update().get(pk=plan.pk)
    if locked.withdrawn_at is not None and locked.withdrawn_at <= now:
        raise PlanWithdrawn
    current = PlanVersion.objects.filter(current_of=locked).first()
    if current is not None and current.digest == spec.digest():
        return current
    number = 1 if current is None else current.version + 1
    [version] = publish_versions(items=[(locked, number, spec)], now=now)
    plan.current = version
    return version


@transaction.atomic
def withdraw_plan(*, plan: Plan, now: datetime) -> Plan:
    """Take a plan off sale from now on; its versions stay for the orders that hold them. Again: no change."""
    Plan.objects.filter(pk=plan.pk, withdrawn_at=None).update(withdrawn_at=now)
    plan.refresh_from_db(fields=["withdrawn_at"])
    return plan


def publish_versions(*, items: Sequence[tuple[Plan, int, VersionSpec]], now: datetime) -> list[PlanVersion]:
    """Write checked versions of many plans whose rows the caller has locked: six statements in all."""
    networks = _operator_keys(items)
    versions = PlanVersion.objects.bulk_create(
        [_row(plan, number, spec, now) for plan, number, spec in items]
    )
    written = [(version, spec) for version, (_, _, spec) in zip(versions, items, strict=True)]
    Price.objects.bulk_create(
        Price(
            version=version,
            currency=price.currency,
            amount=price.amount,
            tax_included=price.tax_included,
            tax_bp=price.tax_bp,
        )
        for version, spec in written
        for price in spec.prices
    )
    Benefit.objects.bulk_create(
        Benefit(
            version=version,
            position=position,
            kind=benefit.kind,
            percent=benefit.percent,
            destination_group=benefit.destination_group,
            text_en=benefit.text.en,
            text_zh=benefit.text.zh,
        )
        for version, spec in written
        for position, benefit in enumerate(spec.benefits)
    )
    Coverage.objects.bulk_create(
        Coverage(version=version, operator_id=networks[network])
        for version, spec in written
        for network in spec.networks
    )
    for (plan, _, _), version in zip(items, versions, strict=True):
        plan.current = version
    Plan.objects.bulk_update([plan for plan, _, _ in items], ["current"])
    return versions


@transaction.atomic
def load_demo_catalogue(*, now: datetime) -> DemoLoad:
    """Put the demo catalogue on sale; unchanged content writes no version, a withdrawn plan stays so.

    Raises:
        DemoDataError: a data file is wrong; nothing is written.
    """
    catalogue = read_catalogue()
    save_operators(operators=catalogue.operators)
    known = set(Plan.objects.filter(slug__in=list(catalogue.plans)).values_list("slug", flat=True))
    if missing := [Plan(slug=slug, created_at=now) for slug in catalogue.plans if slug not in known]:
        # Another loader may be first: its plan is taken. Any other conflict must be heard, so not ignored.
        Plan.objects.bulk_create(
            missing, update_conflicts=True, unique_fields=["slug"], update_fields=["slug"]
        )
    plans = (
        Plan.objects.select_for_update(of=("self",))
        .filter(slug__in=list(catalogue.plans), withdrawn_at=None)
        .select_related("current")
        .order_by("id")
    )
    changed = [
        (plan, 1 if plan.current is None else plan.current.version + 1, catalogue.plans[plan.slug])
        for plan in plans
        if plan.current is None or plan.current.digest != catalogue.plans[plan.slug].digest()
    ]
    if changed:
        publish_versions(items=changed, now=now)
    return DemoLoad(plans=len(catalogue.plans), published=len(changed))


def _operator_keys(items: Sequence[tuple[Plan, int, VersionSpec]]) -> dict[tuple[str, str], int]:
    wanted = {network for _, _, spec in items for network in spec.networks}
    rows = Operator.objects.filter(plmn__in={plmn for _, plmn in wanted}).values_list("country", "plmn", "id")
    keys = {(country, plmn): key for country, plmn, key in rows}
    if missing := sorted(wanted - keys.keys()):
        named = ", ".join(f"{country} {plmn}" for country, plmn in missing)
        raise InvalidPlan(problems=f"unknown operators: {named}")
    return keys


def _row(plan: Plan, number: int, spec: VersionSpec, now: datetime) -> PlanVersion:
    rule = spec.fair_use
    return PlanVersion(
        plan=plan,
        version=number,
        published_at=now,
        digest=spec.digest(),
        name_en=spec.name.en,
        name_zh=spec.name.zh,
        summary_en=spec.summary.en,
        summary_zh=spec.summary.zh,
        hotspot_en=spec.hotspot.en,
        hotspot_zh=spec.hotspot.zh,
        term_unit=spec.term.unit,
        term_count=spec.term.count,
        calendar_day=spec.calendar_day,
        data_bytes=spec.data_bytes,
        voice_seconds=spec.voice_seconds,
        sms_count=spec.sms_count,
        fair_use=None
        if rule is None
        else {"after_bytes": rule.after_bytes, "per": rule.per, "throttle_kbps": rule.throttle_kbps},
        refill=spec.refill,
        renewal_policy=spec.renewal_policy,
        start_policy=spec.start_policy,
        activation_deadline_days=spec.activation_deadline_days,
        max_stacked_days=spec.max_stacked_days,
        overage=spec.overage,
        supplier_code=spec.supplier_code,
    )
