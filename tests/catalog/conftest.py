"""What the catalogue's tests start from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from everline.catalog.models import Plan, PlanVersion
from everline.catalog.services import create_plan, publish_version, save_operators
from everline.catalog.specs import PriceSpec, VersionSpec
from everline.catalog.terms import Term
from everline.catalog.types import OperatorView, Text

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)

SPEC = VersionSpec(
    name=Text("Japan 7 days", "日本 7 天"),
    summary=Text("A week in Japan.", "日本一周。"),
    hotspot=Text("Hotspot allowed.", "可开热点。"),
    term=Term("day", 7),
    data_bytes=5 * 10**9,
    voice_seconds=0,
    sms_count=0,
    supplier_code="JP-7",
    prices=(PriceSpec("USD", 950), PriceSpec("EUR", 890, tax_bp=2100), PriceSpec("CNY", 5500, tax_bp=600)),
    networks=(("JP", "44010"), ("JP", "44020")),
)

Publish = Callable[..., PlanVersion]


@pytest.fixture
def operators(db: None) -> None:
    save_operators(
        operators=[
            ("JP", OperatorView("44010", "NTT docomo", "4G/5G")),
            ("JP", OperatorView("44020", "SoftBank", "4G/5G")),
            ("KR", OperatorView("45005", "SK Telecom", "4G/5G")),
        ]
    )


@pytest.fixture
def publish(operators: None) -> Publish:
    """Publish a version under a slug (made when new); keywords change the example's content."""

    def run(slug: str = "japan-7d", now: datetime = NOW, **changes: Any) -> PlanVersion:
        plan = Plan.objects.filter(slug=slug).first() or create_plan(slug=slug, now=now)
        return publish_version(plan=plan, spec=replace(SPEC, **changes), now=now)

    return run
