import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group

from everline.accounts.errors import EmailInvalid, PasswordTooWeak
from everline.accounts.models import Customer, User
from everline.accounts.roles import Role
from everline.accounts.selectors import staff_members
from everline.accounts.services.staffing import (
    DEMO_STAFF,
    StaffAddressTaken,
    create_staff,
    load_demo_staff,
    reset_staff_factor,
)
from everline.core import clock
from everline.core.audit import ReasonMissing
from everline.core.errors import NotFound
from everline.core.models import AuditEntry

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-lantern-42"


def make(email: str = "sue@example.com", password: str = PASSWORD, reason: str = "new colleague") -> User:
    return create_staff(
        email=email, password=password, role=Role.SUPPORT, actor="boss", reason=reason, now=clock.now()
    )


def test_a_member_of_staff_has_a_role_and_no_customer() -> None:
    user = make(" Sue@Example.com ")

    assert (user.email, user.is_staff, user.is_superuser) == ("sue@example.com", True, False)
    assert [group.name for group in user.groups.all()] == ["support"]
    assert not Customer.objects.filter(user=user).exists()
    assert not Authenticator.objects.filter(user=user).exists()
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.after["role"]) == ("boss", "staff.created", "support")
    assert PASSWORD not in str(entry.after)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"email": "nowhere"}, EmailInvalid),
        ({"password": "short"}, PasswordTooWeak),
        ({"password": "sue@example.com"}, PasswordTooWeak),
        ({"reason": " "}, ReasonMissing),
    ],
)
def test_what_is_wrong_makes_nobody(wrong: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        make(**wrong)

    assert not User.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_address_in_use_is_refused() -> None:
    make()

    with pytest.raises(StaffAddressTaken):
        make("SUE@example.com")

    assert User.objects.count() == 1


def test_a_lost_factor_is_forgotten_and_that_is_kept() -> None:
    user = make()
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    Authenticator.objects.create(user=user, type="recovery_codes", data={})

    reset_staff_factor(email="sue@example.com", actor="boss", reason="lost her phone", now=clock.now())

    assert not Authenticator.objects.filter(user=user).exists()
    assert AuditEntry.objects.latest("id").action == "staff.factor_reset"


def test_only_the_staff_can_be_reset() -> None:
    User.objects.create_user("li@example.com", PASSWORD)

    for email in ("li@example.com", "nobody@example.com"):
        with pytest.raises(NotFound):
            reset_staff_factor(email=email, actor="boss", reason="asked for", now=clock.now())


def test_the_demo_has_one_of_each_role_however_often_it_is_loaded() -> None:
    for _ in range(2):
        assert load_demo_staff(now=clock.now()) == DEMO_STAFF

    assert sorted(Group.objects.values_list("name", flat=True)) == sorted(str(role) for role in Role)
    assert User.objects.filter(is_staff=True).count() == len(Role)
    assert AuditEntry.objects.count() == len(Role)
    assert [(person.roles, person.factor) for person in staff_members()] == [
        (("owner",), False),
        (("finance",), False),
        (("support",), False),
        (("viewer",), False),
    ]
