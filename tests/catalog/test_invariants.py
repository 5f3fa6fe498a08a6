"""The catalogue's truths hold after honest work and name the plan where they do not."""

from everline.catalog.invariants import current_version_is_latest, offers_are_complete
from everline.catalog.models import Plan, PlanVersion
from everline.catalog.services import load_demo_catalogue, withdraw_plan
from tests.catalog.conftest import NOW, SPEC, Publish


def bare_version(plan: Plan, number: int) -> PlanVersion:
    """A version without price and coverage, as only direct writing makes one."""
    return PlanVersion.objects.create(
        plan=plan, version=number, published_at=NOW, digest="", name_en="x", name_zh="x", summary_en="x",
        summary_zh="x", hotspot_en="x", hotspot_zh="x", term_unit="day", term_count=1, data_bytes=1,
        voice_seconds=0, sms_count=0, supplier_code="X",
    )  # fmt: skip


def test_the_demo_catalogue_holds_them(db: None) -> None:
    load_demo_catalogue(now=NOW)

    assert current_version_is_latest(NOW) == []
    assert offers_are_complete(NOW) == []


def test_a_plan_left_on_an_old_version_is_named(publish: Publish) -> None:
    first = publish()
    publish(data_bytes=SPEC.voice_seconds or 1)

    Plan.objects.update(current=first)

    [violation] = current_version_is_latest(NOW)
    assert "japan-7d" in violation


def test_a_plan_on_a_version_of_another_is_named(publish: Publish) -> None:
    publish()
    other = publish("other")

    Plan.objects.filter(slug="other").update(current=None)
    Plan.objects.filter(slug="japan-7d").update(current=other)

    [violation] = current_version_is_latest(NOW)
    assert "japan-7d" in violation


def test_an_offer_without_price_is_named_until_it_is_withdrawn(publish: Publish) -> None:
    plan = publish().plan
    Plan.objects.filter(pk=plan.pk).update(current=bare_version(plan, 2))

    [violation] = offers_are_complete(NOW)
    assert plan.slug in violation

    withdraw_plan(plan=plan, now=NOW)
    assert offers_are_complete(NOW) == []
