import pytest

from everline.accounts.models import Customer
from everline.catalog.models import PlanVersion
from everline.config.demo import data
from everline.core import clock
from everline.lines.checks import iccid_warnings
from everline.lines.models import Line


@pytest.mark.django_db
def test_the_demo_data_loads_once_and_again_without_change() -> None:
    first = data.load(now=clock.now())
    versions, lines = PlanVersion.objects.count(), Line.objects.count()

    second = data.load(now=clock.now())

    assert first.plans >= 60
    assert [person.login for person in second.sign_ins] == [person.login for person in first.sign_ins]
    assert PlanVersion.objects.count() == versions
    assert Line.objects.count() == lines == sum(len(labels) for labels in data.LABELS)
    assert Customer.objects.count() == len(data.LABELS)


@pytest.mark.django_db
def test_demo_lines_look_like_the_suppliers_and_have_no_service_yet() -> None:
    data.load(now=clock.now())

    for line in Line.objects.all():
        assert iccid_warnings(line.iccid) == []
        assert line.valid_until is None
        assert line.label
