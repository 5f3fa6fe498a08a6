"""Unusual addresses, and people who do everything twice at the same moment."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from everline.accounts import access, services
from everline.accounts.addresses import normal_email, normal_phone, parse_login
from everline.accounts.errors import EmailInvalid, InvalidCredentials, PhoneInvalid, SignInLinkSpent
from everline.accounts.models import AccessToken, Customer, SignInLink, User
from everline.accounts.types import CustomerProfile, Session, SignedIn
from everline.core import clock
from everline.notifications.models import Message
from tests.accounts.conftest import PASSWORD
from tests.core.racing import at_once, failures

if TYPE_CHECKING:
    from collections.abc import Callable

STABLE = settings(derandomize=True, database=None, deadline=None)


# Addresses


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("li+a+b=c@example.com", "li+a+b=c@example.com"),
        ("LI@EXAMPLE.COM", "li@example.com"),
        ("li@ｅxample.com", "li@example.com"),
        ("li@例え。テスト", "li@xn--r8jz45g.xn--zckzah"),
        ("li@BÜCHER.example", "li@xn--bcher-kva.example"),
        ("li@аррӏе.com", "li@xn--80ak6aa92e.com"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ],
)
def test_an_unusual_address_has_one_spelling(typed: str, stored: str) -> None:
    assert normal_email(typed) == stored
    assert normal_email(stored) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "li@faß.de",  # faß.de and fass.de have different owners
        "li@βόλος.com",
        "li@ex\u200dample.com",
        "=?utf-8?q?=0aBcc=3Ax=40evil.com?=@example.com",
        "li@example.com\u2028Bcc: x@evil.com",
        "li@example.com%0abcc:x@evil.com\r\n",
        "аdmin@example.com",  # a Cyrillic a
        "li\u200b@example.com",
        "li@example.com.",
        "li@-example.com",
        "li@" + "a." * 130 + "com",
        "x" * 500 + "@example.com",
        "@" * 100,
        "li@\u202eexample.com",
    ],
)
def test_what_could_mean_somebody_else_is_refused(typed: str) -> None:
    with pytest.raises(EmailInvalid):
        normal_email(typed)
    assert parse_login(typed) is None


@STABLE
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_an_address_in_one_spelling_or_refused(local: str, domain: str) -> None:
    for text in (local, f"{local}@{domain}", f"{local}@{domain}.com", f"+{local}"):
        login = parse_login(text)
        if login is None:
            continue
        assert login.value.isascii()
        assert login.value.isprintable()
        assert parse_login(login.value) == login
        if login.kind == "email":
            assert login.value == login.value.lower()
            assert login.value.count("@") == 1


@STABLE
@given(
    st.integers(10**5, 10**16), st.sampled_from(["+", "+ ", "＋", " +"]), st.sampled_from(["", " ", "-", "."])
)
def test_a_number_is_one_however_it_is_grouped(number: int, sign: str, gap: str) -> None:
    digits = str(number)
    grouped = sign + gap.join([digits[:2], digits[2:5], digits[5:]])
    try:
        plain = normal_phone(f"+{digits}")
    except PhoneInvalid:
        return

    if sign != "+ " or gap != "":
        try:
            assert normal_phone(grouped) == plain
        except PhoneInvalid:
            assert not grouped.strip().startswith("+1")
    assert normal_phone(plain) == plain


# The same thing twice at the same moment


def _register(email: str | None, now: datetime, phone: str | None = None) -> CustomerProfile:
    brand = services.ensure_default_brand()
    return services.register_customer(brand=brand, email=email, phone=phone, password=PASSWORD, now=now)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture(autouse=True)
    def _brand(self) -> None:
        services.ensure_default_brand()

    def test_one_address_in_many_spellings_makes_one_customer(self) -> None:
        now = clock.now()
        spellings = ["li@example.com", "LI@example.com", " li@EXAMPLE.com", "li@ｅxample.com"] * 2

        results = at_once(*[lambda text=text: _register(text, now) for text in spellings])

        assert failures(results) == []
        assert User.objects.count() == Customer.objects.count() == EmailAddress.objects.count() == 1
        assert {each.email for each in results} == {"li@example.com"}
        kinds = sorted(Message.objects.values_list("kind", flat=True))
        assert kinds == ["address_taken", "welcome"]

    def test_crossed_addresses_neither_deadlock_nor_make_half_a_customer(self) -> None:
        now = clock.now()
        pairs = [("a@example.com", "+447700900001"), ("b@example.com", "+447700900002")]
        crossed = [(pairs[0][0], pairs[1][1]), (pairs[1][0], pairs[0][1])]

        results = at_once(
            *[lambda e=e, p=p: _register(e, now, p) for e, p in [*pairs, *crossed, *pairs, *crossed]]
        )

        assert failures(results) == []
        assert 1 <= Customer.objects.count() <= 2
        assert User.objects.count() == Customer.objects.count()
        assert Message.objects.filter(kind="welcome").count() == Customer.objects.count()

    def test_one_link_used_by_many_at_once_signs_in_one(self) -> None:
        now = clock.now()
        _register("li@example.com", now)
        link = Message.objects.get(kind="welcome").private["link"]
        token = link.rstrip("/").rpartition("/")[2]

        results = at_once(*[lambda: services.sign_in_with_link(token=token, client="", now=now)] * 6)

        assert [type(each) for each in failures(results)] == [SignInLinkSpent] * 5
        [signed_in] = [each for each in results if isinstance(each, SignedIn)]
        assert Customer.objects.get(pk=signed_in.customer.pk).email_verified_at == now
        assert SignInLink.objects.get().used_at == now
        assert EmailAddress.objects.filter(verified=True, primary=True).count() == 1

    def test_a_token_revoked_while_it_is_used_is_nobodys_from_then_on(self) -> None:
        now = clock.now()
        _register("li@example.com", now)
        session = services.open_session(login="li@example.com", password=PASSWORD, client="", now=now)
        later = now + timedelta(days=2)

        results = at_once(
            *[lambda: access.customer_by_token(session.token, later)] * 6,
            *[lambda: services.close_session(token=session.token, now=later)] * 3,
        )

        assert failures(results) == []
        assert sum(each is True for each in results[6:]) == 1
        assert {each.pk for each in results[:6] if each is not None} <= {session.customer.pk}
        assert access.customer_by_token(session.token, later) is None
        assert AccessToken.objects.get().revoked_at == later

    def test_signing_in_at_once_opens_sessions_of_their_own(self) -> None:
        now = clock.now()
        _register("li@example.com", now)

        def sign_in() -> Session:
            return services.open_session(login="li@example.com", password=PASSWORD, client="::1", now=now)

        results = at_once(*[sign_in] * 5)

        assert failures(results) == []
        assert len({each.token for each in results}) == AccessToken.objects.count() == 5
        services.close_session(token=results[0].token, now=now)
        assert all(access.customer_by_token(each.token, now) for each in results[1:])

    def test_an_account_closed_during_sign_ins_lets_nobody_in_afterwards(self) -> None:
        now = clock.now()
        _register("li@example.com", now)

        def close() -> int:
            with transaction.atomic():
                return User.objects.update(is_active=False)

        def sign_in() -> Session:
            return services.open_session(login="li@example.com", password=PASSWORD, client="::1", now=now)

        calls: list[Callable[[], object]] = [sign_in, sign_in, close, sign_in]
        results = at_once(*calls)

        assert {type(each) for each in failures(results)} <= {InvalidCredentials}
        tokens = [each.token for each in results if isinstance(each, Session)]
        assert all(access.customer_by_token(token, now) is None for token in tokens)
