import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection

from everline.accounts import services
from everline.accounts.errors import SignInLinkSpent
from everline.accounts.models import Customer, SignInLink, User
from everline.accounts.types import SignedIn
from everline.core import clock
from everline.core.errors import RateLimited
from everline.notifications.models import Message

Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db


def _mailed_token() -> str:
    return str(Message.objects.get(kind="welcome").private["link"]).strip("/").rsplit("/", maxsplit=1)[-1]


def test_the_mailed_link_verifies_and_names_the_customer(register: Register, now: datetime) -> None:
    customer = register()

    signed_in = services.sign_in_with_link(token=_mailed_token(), client="", now=now)

    assert isinstance(signed_in, SignedIn)
    assert (signed_in.customer, signed_in.method) == (customer, "link")
    assert Customer.objects.get().email_verified_at == now
    assert EmailAddress.objects.get().verified
    assert SignInLink.objects.get().used_at == now


def test_a_link_works_once(register: Register, now: datetime) -> None:
    register()
    token = _mailed_token()
    services.sign_in_with_link(token=token, client="", now=now)

    with pytest.raises(SignInLinkSpent) as spent:
        services.sign_in_with_link(token=token, client="", now=now + timedelta(minutes=1))

    assert spent.value.code == "sign_in_link_spent"
    assert Customer.objects.get().email_verified_at == now


def test_a_link_works_for_a_day_and_not_longer(register: Register, move_clock: Move) -> None:
    register()
    token = _mailed_token()
    expires = SignInLink.objects.get().expires_at

    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=token, client="", now=expires)

    assert Customer.objects.get().email_verified_at is None
    assert services.sign_in_with_link(token=token, client="", now=expires - timedelta(seconds=1))


@pytest.mark.parametrize("token", ["", "no-such-token", "\x00", "\ud800", "x" * 10_000])
def test_an_unknown_link_is_refused_like_a_spent_one(register: Register, now: datetime, token: str) -> None:
    register()

    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=token, client="", now=now)

    assert SignInLink.objects.get().used_at is None


def test_a_link_to_a_former_address_lets_nobody_in(register: Register, now: datetime) -> None:
    customer = register()
    token = _mailed_token()
    User.objects.filter(pk=customer.user_id).update(email="new@example.com")

    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=token, client="", now=now)

    assert Customer.objects.get().email_verified_at is None
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_a_link_of_a_closed_account_is_refused_and_kept(register: Register, now: datetime) -> None:
    customer = register()
    User.objects.filter(pk=customer.user_id).update(is_active=False)

    with pytest.raises(SignInLinkSpent):
        services.sign_in_with_link(token=_mailed_token(), client="", now=now)

    assert SignInLink.objects.get().used_at is None


def test_an_address_verified_before_keeps_its_first_time(register: Register, now: datetime) -> None:
    register()
    first = now - timedelta(days=3)
    Customer.objects.update(email_verified_at=first)

    services.sign_in_with_link(token=_mailed_token(), client="", now=now)

    assert Customer.objects.get().email_verified_at == first


def test_trying_links_is_slowed(register: Register, now: datetime, settings: pytest.FixtureRequest) -> None:
    settings.EVERLINE_MODE = "live"  # type: ignore[attr-defined]
    for n in range(60):
        with pytest.raises(SignInLinkSpent):
            services.sign_in_with_link(token=f"guess-{n}", client="198.51.100.66", now=now)

    with pytest.raises(RateLimited):
        services.sign_in_with_link(token="guess-60", client="198.51.100.66", now=now)


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_one_wins() -> None:
    brand = services.ensure_default_brand()
    services.register_customer(
        brand=brand, email="li@example.com", password="quiet-lantern-42", now=clock.now()
    )
    token = _mailed_token()
    start = threading.Barrier(4)
    outcomes: list[str] = []

    def click() -> None:
        try:
            start.wait()
            services.sign_in_with_link(token=token, client="", now=clock.now())
            outcomes.append("signed in")
        except SignInLinkSpent as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["sign_in_link_spent"] * 3 + ["signed in"]
