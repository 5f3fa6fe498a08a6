"""Content that contradicts itself is refused before it is a row."""

from dataclasses import replace
from typing import Any

import pytest

from everline.catalog.errors import InvalidPlan
from everline.catalog.specs import BenefitSpec, FairUseSpec, PriceSpec, check_spec
from everline.catalog.terms import Term
from everline.catalog.types import Text
from tests.catalog.conftest import SPEC

FAIR = FairUseSpec(3 * 10**9, "day", 1024)
WORDS = Text("30 % off", "七折")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"term": Term("month", 24)},
        {"term": Term("year", 2)},
        {"calendar_day": True, "refill": "daily"},
        {"data_bytes": None, "fair_use": FAIR, "overage": "throttle"},
        {"start_policy": "on_first_use", "activation_deadline_days": 180},
        {"data_bytes": 0, "voice_seconds": 60},
        {
            "benefits": (
                BenefitSpec("call_discount", WORDS, 100, "world"),
                BenefitSpec("wifi_hotspots", WORDS),
            )
        },
    ],
)
def test_sound_content_passes(changes: dict[str, Any]) -> None:
    check_spec(replace(SPEC, **changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": Text("Japan", " ")}, "the Chinese name is missing"),
        ({"name": Text("x" * 81, "日本")}, "the English name is longer than 80"),
        ({"summary": Text("", "日本")}, "the English summary is missing"),
        ({"hotspot": Text("yes", "")}, "the Chinese hotspot rule is missing"),
        ({"term": Term("year", 3)}, "longer than two years"),
        ({"term": Term("day", 5000)}, "longer than two years"),
        ({"refill": "hourly"}, "refill 'hourly' is none of none, daily, monthly"),
        ({"renewal_policy": "reset"}, "renewal policy 'reset'"),
        ({"start_policy": "later"}, "start policy 'later'"),
        ({"overage": "free"}, "overage 'free'"),
        ({"term": Term("month", 1), "calendar_day": True}, "only a day term ends at midnight"),
        ({"max_stacked_days": 0}, "stack limit"),
        ({"start_policy": "on_first_use"}, "activation deadline belongs"),
        ({"activation_deadline_days": 180}, "activation deadline belongs"),
        ({"start_policy": "on_first_use", "activation_deadline_days": 0}, "deadline is less than a day"),
        (
            {"start_policy": "on_first_use", "activation_deadline_days": 9, "renewal_policy": "start_now"},
            "cannot wait for its first use",
        ),
        ({"data_bytes": -1}, "negative data"),
        ({"sms_count": 2**63}, "too much SMS"),
        ({"data_bytes": 0}, "nothing is included"),
        ({"data_bytes": None}, "unlimited needs a stated fair-use rule"),
        ({"voice_seconds": None}, "unlimited needs a stated fair-use rule"),
        ({"fair_use": FAIR}, "go together"),
        ({"overage": "throttle"}, "go together"),
        ({"fair_use": replace(FAIR, per="week"), "overage": "throttle"}, "fair use per 'week'"),
        ({"fair_use": replace(FAIR, after_bytes=0), "overage": "throttle"}, "a volume and a speed"),
        ({"prices": ()}, "no price"),
        ({"prices": (PriceSpec("USD", 1), PriceSpec("USD", 2))}, "priced twice"),
        ({"prices": (PriceSpec("XXX", 1),)}, "XXX is no currency"),
        ({"prices": (PriceSpec("USD", 0),)}, "the price in USD is not above zero"),
        ({"prices": (PriceSpec("USD", -5),)}, "the price in USD is not above zero"),
        ({"prices": (PriceSpec("USD", 5, tax_bp=10_000),)}, "the tax rate in USD"),
        ({"networks": ()}, "no coverage"),
        ({"networks": (("JP", "44010"), ("JP", "44010"))}, "named twice"),
        ({"networks": (("XX", "44010"),)}, "XX is no country"),
        ({"networks": (("jp", "44010"),)}, "jp is no country"),
        ({"benefits": (BenefitSpec("lounge", WORDS),)}, "benefit 'lounge'"),
        ({"benefits": (BenefitSpec("call_discount", WORDS, None, "world"),)}, "1 to 100 per cent"),
        ({"benefits": (BenefitSpec("call_discount", WORDS, 101, "world"),)}, "1 to 100 per cent"),
        ({"benefits": (BenefitSpec("call_discount", WORDS, 30),)}, "names its destinations"),
        ({"benefits": (BenefitSpec("wifi_hotspots", WORDS, 30),)}, "no percentage"),
        ({"benefits": (BenefitSpec("wifi_hotspots", Text("Wi-Fi", "")),)}, "missing in a language"),
    ],
)
def test_content_that_contradicts_itself_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidPlan) as refusal:
        check_spec(replace(SPEC, **changes))

    assert problem in refusal.value.extra["problems"]
    assert problem in refusal.value.detail


def test_every_problem_is_named_not_only_the_first() -> None:
    with pytest.raises(InvalidPlan) as refusal:
        check_spec(replace(SPEC, prices=(), networks=()))

    assert refusal.value.extra["problems"] == "no price; no coverage"


def test_the_fingerprint_ignores_order_and_sees_every_change() -> None:
    shuffled = replace(SPEC, prices=SPEC.prices[::-1], networks=SPEC.networks[::-1])
    cheaper = replace(SPEC, prices=(PriceSpec("USD", 949), *SPEC.prices[1:]))
    narrower = replace(SPEC, networks=SPEC.networks[:1])
    reworded = replace(SPEC, name=Text("Japan 7 days", "日本七天"))

    assert shuffled.digest() == SPEC.digest()
    assert len({spec.digest() for spec in (SPEC, cheaper, narrower, reworded)}) == 4
