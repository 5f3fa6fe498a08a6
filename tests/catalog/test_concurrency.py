"""Two publishers at once: real threads, real transactions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection

from everline.catalog.models import Plan, PlanVersion, Price
from everline.catalog.selectors import current_version
from everline.catalog.services import create_plan, load_demo_catalogue, publish_version, save_operators
from everline.catalog.types import OperatorView
from tests.catalog.conftest import NOW, SPEC

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_publishers_make_two_versions_one_after_the_other() -> None:
    save_operators(
        operators=[
            ("JP", OperatorView("44010", "docomo", "4G")),
            ("JP", OperatorView("44020", "SoftBank", "4G")),
        ]
    )
    plan_id = create_plan(slug="japan-7d", now=NOW).id

    def publish(gigabytes: int) -> int:
        try:
            plan = Plan.objects.get(pk=plan_id)
            spec = replace(SPEC, data_bytes=gigabytes * 10**9)
            return publish_version(plan=plan, spec=spec, now=NOW).version
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(publish, [5, 6, 7, 8]))

    assert sorted(numbers) == [1, 2, 3, 4]
    assert current_version(plan_id, NOW).version == 4
    assert Price.objects.count() == 12


def test_two_loaders_of_the_demo_catalogue_load_it_once() -> None:
    def load(_: int) -> int:
        try:
            return load_demo_catalogue(now=NOW).published
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        published = sorted(pool.map(load, range(2)))

    assert published == [0, Plan.objects.count()]
    assert set(PlanVersion.objects.values_list("version", flat=True)) == {1}


def test_a_committed_version_cannot_be_extended_later() -> None:
    load_demo_catalogue(now=NOW)
    version = PlanVersion.objects.get(plan__slug="japan-7d")

    with pytest.raises(IntegrityError, match="nothing is added"):
        Price.objects.create(version=version, currency="JPY", amount=1)

    assert set(version.prices.values_list("currency", flat=True)) == {"USD", "EUR", "CNY"}
