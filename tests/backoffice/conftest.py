from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client

from everline.accounts import selectors
from everline.accounts.models import User
from everline.accounts.roles import Role
from everline.accounts.services.staffing import create_staff
from everline.backoffice.middleware import COOKIE
from everline.backoffice.roles import ensure_roles
from everline.core import clock
from tests.backoffice.world import World, build
from tests.orders.conftest import shop as shop  # noqa: PLC0414 - the same shop to look at
from tests.orders.shop import Shop

PASSWORD = "quiet-lantern-42"

MakeStaff = Callable[..., User]
SignIn = Callable[..., Client]


@pytest.fixture
def staff(db: None) -> MakeStaff:
    """Makes members of staff who have a second factor."""
    ensure_roles()

    def make(role: Role = Role.OWNER, email: str = "", *, factor: bool = True) -> User:
        user = create_staff(
            email=email or f"{role}@example.com",
            password=PASSWORD,
            role=role,
            actor="test",
            reason="for a test",
            now=clock.now(),
        )
        if factor:
            Authenticator.objects.create(user=user, type="totp", data={"secret": "not used"})
        return user

    return make


@pytest.fixture
def desk(staff: MakeStaff) -> SignIn:
    """A client signed in as staff of a role, as `let_in` leaves it."""

    def sign_in(role: Role = Role.OWNER, user: User | None = None) -> Client:
        user = user or User.objects.filter(email=f"{role}@example.com").first() or staff(role)
        session = import_module(django_settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session["everline.staff.since"] = clock.now().isoformat()
        session["everline.staff.factor"] = selectors.totp_key(user.pk)
        session.save()
        client = Client(headers={"accept-language": "en"})
        client.cookies[COOKIE] = session.session_key
        return client

    return sign_in


@pytest.fixture
def world(shop: Shop, desk: SignIn, settings: Any) -> World:
    """A shop with at least one row of everything, and texts that try to be markup."""
    del desk, settings
    return build(shop)
