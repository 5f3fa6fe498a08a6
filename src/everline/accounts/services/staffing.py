"""The staff's own accounts. Staff are users without a customer; the role is a group of Django's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from everline.accounts.addresses import normal_email
from everline.accounts.errors import PasswordTooWeak
from everline.accounts.models import User
from everline.accounts.roles import Role
from everline.accounts.services.demo import DEMO_PASSWORD
from everline.core import audit
from everline.core.errors import DomainError, Kind, NotFound


class StaffAddressTaken(DomainError):
    """Somebody signs in with this address already; staff keep apart from customers."""

    code = "staff_address_taken"
    kind = Kind.CONFLICT
    field = "email"
    message = _("Somebody signs in with this address already. Choose another one.")


@dataclass(frozen=True, slots=True)
class StaffSignIn:
    """One member of staff of the demo, as it is printed."""

    login: str
    password: str
    role: Role


DEMO_STAFF: tuple[StaffSignIn, ...] = (
    StaffSignIn("admin@example.com", DEMO_PASSWORD, Role.OWNER),
    StaffSignIn("support@example.com", DEMO_PASSWORD, Role.SUPPORT),
    StaffSignIn("finance@example.com", DEMO_PASSWORD, Role.FINANCE),
    StaffSignIn("viewer@example.com", DEMO_PASSWORD, Role.VIEWER),
)


@transaction.atomic
def create_staff(*, email: str, password: str, role: Role, actor: str, reason: str, now: datetime) -> User:
    """A member of staff who enrols a second factor at the first sign-in.

    Raises:
        EmailInvalid, PasswordTooWeak, StaffAddressTaken, ReasonMissing: nothing was made.
    """
    address = normal_email(email)
    if User.objects.filter(email=address).exists():
        raise StaffAddressTaken
    _check_password(password, address)
    user = _make(address, password, role)
    audit.record(
        actor=actor,
        action="staff.created",
        object_kind="user",
        object_id=user.pk,
        reason=reason,
        after={"email": address, "role": str(role)},
        now=now,
    )
    return user


@transaction.atomic
def reset_staff_factor(*, email: str, actor: str, reason: str, now: datetime) -> User:
    """Forget a colleague's second factor, so that the next sign-in enrols a new one.

    Raises:
        NotFound: nobody of the staff has this address.
        ReasonMissing: nothing was done.
    """
    user = User.objects.select_for_update().filter(email=normal_email(email), is_staff=True).first()
    if user is None:
        raise NotFound
    gone, _rows = Authenticator.objects.filter(user=user).delete()
    audit.record(
        actor=actor,
        action="staff.factor_reset",
        object_kind="user",
        object_id=user.pk,
        reason=reason,
        before={"factors": gone},
        now=now,
    )
    return user


@transaction.atomic
def load_demo_staff(*, now: datetime) -> Sequence[StaffSignIn]:
    """The demo's staff, one for each role, made where they are missing."""
    there = set(
        User.objects.filter(email__in=[person.login for person in DEMO_STAFF]).values_list("email", flat=True)
    )
    for person in DEMO_STAFF:
        if person.login not in there:
            user = _make(person.login, person.password, person.role)
            audit.record(
                actor="demo",
                action="staff.created",
                object_kind="user",
                object_id=user.pk,
                reason="demonstration",
                after={"email": person.login, "role": str(person.role)},
                now=now,
            )
    return DEMO_STAFF


def _make(email: str, password: str, role: Role) -> User:
    user = User.objects.create_user(email, password, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=str(role))[0])
    return user


def _check_password(password: str, email: str) -> None:
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise PasswordTooWeak(" ".join(error.messages), field="password") from error
