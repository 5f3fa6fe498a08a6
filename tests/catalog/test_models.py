"""What the database itself refuses, whoever asks: frozen versions and impossible rows."""

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from everline.catalog.models import Benefit, Coverage, Operator, Plan, PlanVersion, Price
from everline.catalog.specs import BenefitSpec
from everline.catalog.types import PeriodKind, Text
from tests.catalog.conftest import NOW, Publish

BENEFITS = (
    BenefitSpec("call_discount", Text("30 % off", "七折"), 30, "world"),
    BenefitSpec("wifi_hotspots", Text("Wi-Fi", "热点")),
)


def execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE catalog_planversion SET name_en = 'Cheaper'",
        "UPDATE catalog_planversion SET data_bytes = 1",
        "DELETE FROM catalog_planversion",
        "UPDATE catalog_price SET amount = 1",
        "UPDATE catalog_price SET tax_bp = 0",
        "DELETE FROM catalog_price WHERE currency = 'EUR'",
        "UPDATE catalog_benefit SET percent = 90 WHERE kind = 'call_discount'",
        "DELETE FROM catalog_benefit",
        "UPDATE catalog_coverage SET operator_id = (SELECT id FROM catalog_operator WHERE plmn = '45005')",
        "DELETE FROM catalog_coverage",
    ],
)
def test_direct_sql_on_a_published_version_is_refused(publish: Publish, sql: str) -> None:
    version = publish(benefits=BENEFITS)

    with pytest.raises(IntegrityError, match="frozen"):
        execute(sql)

    version.refresh_from_db()
    assert version.name_en == "Japan 7 days"
    assert version.data_bytes == 5 * 10**9
    assert Price.objects.get(version=version, currency="USD").amount == 950
    assert Price.objects.filter(version=version).count() == 3
    assert list(Benefit.objects.values_list("percent", flat=True).order_by("position")) == [30, None]
    assert Coverage.objects.filter(version=version, operator__country="JP").count() == 2


@pytest.mark.parametrize(
    "sql",
    [
        """INSERT INTO catalog_price (version_id, currency, amount, tax_included, tax_bp)
           SELECT id, 'JPY', 1, true, 0 FROM catalog_planversion WHERE version = 1""",
        """INSERT INTO catalog_benefit (version_id, position, kind, text_en, text_zh)
           SELECT id, 9, 'wifi_hotspots', 'a', 'b' FROM catalog_planversion WHERE version = 1""",
        """INSERT INTO catalog_coverage (version_id, operator_id)
           SELECT v.id, o.id FROM catalog_planversion v, catalog_operator o
           WHERE v.version = 1 AND o.plmn = '45005'""",
    ],
)
@pytest.mark.parametrize("superseded", [False, True])
def test_nothing_joins_a_version_once_it_is_on_sale(publish: Publish, sql: str, superseded: bool) -> None:
    publish()
    if superseded:
        publish(data_bytes=6 * 10**9)
    before = Price.objects.count(), Benefit.objects.count(), Coverage.objects.count()

    with pytest.raises(IntegrityError, match="nothing is added"):
        execute(sql)

    assert (Price.objects.count(), Benefit.objects.count(), Coverage.objects.count()) == before


def test_the_orm_is_refused_as_well(publish: Publish) -> None:
    version = publish()

    version.name_en = "Another"
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        version.save(update_fields=["name_en"])
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Price.objects.filter(version=version).update(amount=1)

    assert PlanVersion.objects.get().name_en == "Japan 7 days"


def test_withdrawal_and_the_names_of_operators_may_change(publish: Publish) -> None:
    version = publish()

    Plan.objects.filter(pk=version.plan_id).update(withdrawn_at=NOW)
    Operator.objects.filter(plmn="44020").update(name="SoftBank Corp.")

    assert Plan.objects.get().withdrawn_at == NOW
    assert Operator.objects.get(plmn="44020").name == "SoftBank Corp."


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("term_unit", "'week'", "planversion_term_unit"),
        ("term_count", "0", "planversion_term_count"),
        ("refill", "'hourly'", "planversion_refill"),
        ("renewal_policy", "'reset'", "planversion_renewal"),
        ("start_policy", "'later'", "planversion_activation_deadline"),
        ("overage", "'free'", "planversion_overage"),
        ("activation_deadline_days", "180", "planversion_activation_deadline"),
        ("data_bytes", "NULL", "planversion_unlimited_states_fair_use"),
        ("sms_count", "-1", "planversion_allowances"),
    ],
)
def test_a_row_that_cannot_be_is_refused(publish: Publish, column: str, value: str, constraint: str) -> None:
    publish()
    columns = [field.column for field in PlanVersion._meta.concrete_fields if field.column != "id"]
    values = [{column: value, "version": "2"}.get(name, name) for name in columns]

    with pytest.raises(IntegrityError, match=constraint):
        execute(
            f"INSERT INTO catalog_planversion ({', '.join(columns)}) "
            f"SELECT {', '.join(values)} FROM catalog_planversion"
        )

    assert PlanVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("plmn", "country"), [("4401", "JP"), ("4401000", "JP"), ("44x10", "JP"), ("44011", "jp"), ("44011", "J")]
)
def test_an_operator_needs_a_plmn_and_a_country(operators: None, plmn: str, country: str) -> None:
    before = Operator.objects.count()

    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        Operator.objects.create(plmn=plmn, country=country, name="x", radio="4G")

    assert Operator.objects.count() == before


def test_a_version_speaks_both_languages_and_knows_its_kind(publish: Publish) -> None:
    base = publish()
    addon = publish("boost", renewal_policy="start_now")

    assert base.name.in_locale("zh-hans") == "日本 7 天"
    assert base.name.in_locale("en") == "Japan 7 days"
    assert base.summary.in_locale("zh-Hans-CN") == "日本一周。"
    assert base.hotspot.in_locale("fr") == "Hotspot allowed."
    assert (base.kind, addon.kind) == (PeriodKind.BASE, PeriodKind.ADDON)
    assert (base.term.unit, base.term.count) == ("day", 7)
    assert str(base) == "Japan 7 days v1"
