"""Publishing: every change is a new version, the same content is none."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from everline.catalog.errors import InvalidPlan, PlanWithdrawn
from everline.catalog.models import Coverage, Operator, Plan, PlanVersion, Price
from everline.catalog.selectors import current_version
from everline.catalog.services import create_plan, publish_version, save_operators, withdraw_plan
from everline.catalog.specs import PriceSpec
from everline.catalog.types import OperatorView, Text
from everline.core.errors import NotFound
from tests.catalog.conftest import NOW, SPEC, Publish


def test_a_new_plan_is_not_for_sale_before_its_first_version(db: None) -> None:
    plan = create_plan(slug="japan-7d", now=NOW)

    assert plan.id.startswith("pln_")
    assert plan.current is None
    with pytest.raises(NotFound):
        current_version(plan.id, NOW)


def test_a_slug_is_taken_once(db: None) -> None:
    create_plan(slug="japan-7d", now=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        create_plan(slug="japan-7d", now=NOW)

    assert Plan.objects.count() == 1


def test_publishing_writes_the_version_with_all_its_parts(publish: Publish) -> None:
    version = publish()

    assert version.version == 1
    assert version.published_at == NOW
    assert current_version(version.plan_id, NOW) == version
    assert set(version.prices.values_list("currency", "amount", "tax_included", "tax_bp")) == {
        ("USD", 950, True, 0),
        ("EUR", 890, True, 2100),
        ("CNY", 5500, True, 600),
    }
    assert set(version.coverage.values_list("operator__plmn", flat=True)) == {"44010", "44020"}


@pytest.mark.parametrize(
    "change",
    [
        {"prices": (PriceSpec("USD", 940),)},
        {"data_bytes": 6 * 10**9},
        {"name": Text("Japan one week", "日本一周")},
        {"networks": (("JP", "44010"),)},
        {"supplier_code": "JP-7B"},
    ],
)
def test_every_change_makes_a_new_version_and_leaves_the_old_one(
    publish: Publish, change: dict[str, object]
) -> None:
    first = publish()

    second = publish(now=NOW + timedelta(days=1), **change)

    assert (first.version, second.version) == (1, 2)
    assert first.plan_id == second.plan_id
    assert current_version(first.plan_id, NOW) == second
    first.refresh_from_db()
    assert first.data_bytes == 5 * 10**9
    assert first.prices.get(currency="USD").amount == 950
    assert first.coverage.count() == 2


def test_the_same_content_makes_no_version(publish: Publish) -> None:
    first = publish()

    again = publish(now=NOW + timedelta(days=1), prices=SPEC.prices[::-1])

    assert again == first
    assert PlanVersion.objects.count() == 1
    assert Price.objects.count() == 3


def test_content_of_an_earlier_version_comes_back_as_a_new_one(publish: Publish) -> None:
    publish()
    publish(data_bytes=6 * 10**9)

    third = publish()

    assert third.version == 3
    assert current_version(third.plan_id, NOW).data_bytes == 5 * 10**9


def test_content_that_contradicts_itself_writes_nothing(publish: Publish) -> None:
    first = publish()

    with pytest.raises(InvalidPlan):
        publish(prices=())

    assert current_version(first.plan_id, NOW) == first
    assert PlanVersion.objects.count() == 1


def test_an_operator_nobody_knows_is_refused(publish: Publish) -> None:
    with pytest.raises(InvalidPlan) as refusal:
        publish(networks=(("JP", "44010"), ("JP", "44099"), ("KR", "44010")))

    assert "unknown operators: JP 44099, KR 44010" in refusal.value.detail
    assert not PlanVersion.objects.exists()
    assert not Coverage.objects.exists()


def test_a_withdrawn_plan_keeps_its_versions_and_takes_no_new_one(publish: Publish) -> None:
    version = publish()

    withdrawn = withdraw_plan(plan=version.plan, now=NOW)

    assert withdrawn.withdrawn_at == NOW
    assert PlanVersion.objects.get() == version
    with pytest.raises(PlanWithdrawn):
        current_version(version.plan_id, NOW)
    with pytest.raises(PlanWithdrawn):
        publish_version(plan=version.plan, spec=replace(SPEC, data_bytes=1), now=NOW)
    assert PlanVersion.objects.count() == 1


def test_withdrawing_again_keeps_the_first_moment(publish: Publish) -> None:
    plan = publish().plan
    withdraw_plan(plan=plan, now=NOW)

    withdraw_plan(plan=plan, now=NOW + timedelta(days=1))

    assert Plan.objects.get().withdrawn_at == NOW


def test_saving_operators_again_corrects_their_names(operators: None) -> None:
    save_operators(operators=[("JP", OperatorView("44020", "SoftBank Corp.", "5G"))])

    assert Operator.objects.count() == 3
    assert Operator.objects.get(plmn="44020").radio == "5G"
