"""What is signed in: listed, ended for real, and told of when it is new."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from everline.accounts import selectors, services
from everline.accounts.access import customer_by_token
from everline.accounts.devices import device_label, network_address, read_device
from everline.accounts.models import AccessToken, Customer, WebSession
from everline.accounts.services.web_sessions import DEVICE_COOKIE_AGE
from everline.accounts.types import Device, SecondFactorNeeded
from everline.core import clock
from everline.core.errors import NotFound
from everline.notifications.models import Message
from tests.accounts.conftest import HOME, PASSWORD, actor_for, notices

Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]
pytestmark = pytest.mark.django_db

EMAIL = "li@example.com"
AWAY = Device(address="198.51.100.7", label="Mobile Safari · iOS", country="JP")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Mobile/15E148 Safari/604.1"
)


def _browser(customer: Customer, device: Device = HOME, known: str = "") -> tuple[SessionStore, str]:
    session = SessionStore()
    cookie = services.open_web_session(
        session=session, user=customer.user, method="password", device=device, known=known, now=clock.now()
    )
    session.save()
    return session, cookie


def _program(label: str = "cli/1.0", client: str = "192.0.2.1") -> str:
    return services.open_session(
        login=EMAIL, password=PASSWORD, client=client, label=label, country="DE", now=clock.now()
    ).token


# The list


def test_browsers_and_programs_stand_in_one_list(verified: Customer) -> None:
    browser, _ = _browser(verified)
    _browser(verified, AWAY)
    token = _program()

    seen = selectors.open_sessions(
        user_id=verified.user_id, now=clock.now(), session_key=str(browser.session_key)
    )

    assert [(each.kind, each.device, each.current) for each in seen] == [
        ("web", "Chrome · Windows", True),
        ("api", "cli/1.0", False),
        ("web", "Mobile Safari · iOS", False),
    ]
    assert (seen[0].country, seen[0].address, seen[0].method) == ("DE", "192.0.2.1", "password")
    assert (seen[1].country, seen[1].address, seen[1].method) == ("DE", "192.0.2.1", "password")
    own = selectors.open_sessions(user_id=verified.user_id, now=clock.now(), token=token)
    assert [each.kind for each in own if each.current] == ["api"]
    assert token not in str(own)


def test_the_list_holds_only_what_is_open_and_ones_own(
    register: Register, verified: Customer, move_clock: Move
) -> None:
    bo = register("bo@example.com")
    _browser(bo)
    browser, _ = _browser(verified)
    services.close_web_session(session=browser, now=clock.now())
    _program()

    now = [each.kind for each in selectors.open_sessions(user_id=verified.user_id, now=clock.now())]
    later = selectors.open_sessions(user_id=verified.user_id, now=move_clock(timedelta(days=91)))

    assert now == ["api"]
    assert later == []


def test_a_browser_whose_session_is_gone_is_not_listed(verified: Customer) -> None:
    browser, _ = _browser(verified)
    browser.flush()

    assert selectors.open_sessions(user_id=verified.user_id, now=clock.now()) == []


def test_one_session_is_ended_for_real(verified: Customer) -> None:
    browser, _ = _browser(verified)
    token = _program()
    web, api = sorted(
        selectors.open_sessions(user_id=verified.user_id, now=clock.now()),
        key=lambda each: each.kind == "api",
    )

    services.end_session(user_id=verified.user_id, session_id=web.id, now=clock.now())
    still = customer_by_token(token, clock.now())
    services.end_session(user_id=verified.user_id, session_id=api.id, now=clock.now())

    assert not SessionStore().exists(str(browser.session_key))
    assert still is not None
    assert customer_by_token(token, clock.now()) is None
    assert selectors.open_sessions(user_id=verified.user_id, now=clock.now()) == []
    for gone in (web.id, api.id):
        with pytest.raises(NotFound):
            services.end_session(user_id=verified.user_id, session_id=gone, now=clock.now())


@pytest.mark.parametrize("nonsense", ["", "1", "ses_1", "tok_0000000000000", "ses_0000000000000", "\x00"])
def test_nobody_ends_what_is_not_theirs(register: Register, verified: Customer, nonsense: str) -> None:
    bo = register("bo@example.com")
    browser, _ = _browser(verified)
    _program()

    ids = [each.id for each in selectors.open_sessions(user_id=verified.user_id, now=clock.now())]
    for session_id in (*ids, nonsense):
        with pytest.raises(NotFound):
            services.end_session(user_id=bo.user_id, session_id=session_id, now=clock.now())

    assert SessionStore().exists(str(browser.session_key))
    assert len(selectors.open_sessions(user_id=verified.user_id, now=clock.now())) == 2


def test_all_others_are_ended_and_the_owner_told(verified: Customer) -> None:
    own, _ = _browser(verified)
    other, _ = _browser(verified)
    token = _program()
    actor = actor_for(verified, session_key=own.session_key, authenticated_at=None)

    ended = services.end_other_sessions(actor=actor, now=clock.now())
    again = services.end_other_sessions(actor=actor, now=clock.now())

    assert (ended, again) == (2, 0)
    assert SessionStore().exists(str(own.session_key))
    assert not SessionStore().exists(str(other.session_key))
    assert customer_by_token(token, clock.now()) is None
    assert notices().count("sessions_ended") == 1


# A session through its life


def test_a_session_is_noted_at_most_every_five_minutes(
    verified: Customer, move_clock: Move, django_assert_num_queries: Callable[..., mock.MagicMock]
) -> None:
    session, _ = _browser(verified)
    session["other"] = "kept"
    session.save()
    session = SessionStore(session.session_key)
    _ = session["other"]

    with django_assert_num_queries(0):
        services.note_web_session(session=session, now=move_clock(timedelta(minutes=4, seconds=59)))
    later = move_clock(timedelta(minutes=1))
    with django_assert_num_queries(1):
        services.note_web_session(session=session, now=later)
        services.note_web_session(session=session, now=later)

    assert WebSession.objects.get().last_seen_at == later
    assert session["other"] == "kept"


def test_a_session_that_we_did_not_open_is_left_alone(
    django_assert_num_queries: Callable[..., mock.MagicMock],
) -> None:
    session = SessionStore()

    with django_assert_num_queries(0):
        services.note_web_session(session=session, now=clock.now())
        services.close_web_session(session=session, now=clock.now())

    assert selectors.authenticated_at(session) is None
    assert selectors.pending_sign_in(session, clock.now()) is None


def test_our_row_follows_a_session_whose_key_changes(verified: Customer) -> None:
    session, _ = _browser(verified)
    old = str(session.session_key)
    session.cycle_key()

    services.renew_web_session(session=session, old_key=old, now=clock.now())
    session.save()
    view = selectors.open_sessions(user_id=verified.user_id, now=clock.now())[0]
    services.end_session(user_id=verified.user_id, session_id=view.id, now=clock.now())

    assert session.session_key != old
    assert not SessionStore().exists(str(session.session_key))


def test_a_proof_is_remembered_by_its_session(verified: Customer, move_clock: Move) -> None:
    session, _ = _browser(verified)
    first = selectors.authenticated_at(session)
    later = move_clock(timedelta(minutes=20))

    services.mark_authenticated(session=session, now=later)

    assert first is not None
    assert first < later
    assert selectors.authenticated_at(session) == later


def test_a_waiting_sign_in_is_kept_for_ten_minutes(move_clock: Move) -> None:
    session = SessionStore()
    needed = SecondFactorNeeded(7, "password", passkeys=True, stamp="s" * 32, since=clock.now())
    services.keep_pending(session=session, needed=needed)
    session.save()

    read = SessionStore(session.session_key)

    assert selectors.pending_sign_in(read, clock.now()) == needed
    assert selectors.pending_sign_in(read, clock.now() + timedelta(minutes=10)) is None
    services.drop_pending(session=read)
    assert selectors.pending_sign_in(read, clock.now()) is None


# New devices


def test_the_first_device_is_no_news_and_a_new_one_is(verified: Customer) -> None:
    _browser(verified)
    before = notices()

    _browser(verified, AWAY)

    assert before == []
    assert notices() == ["new_device"]
    told = Message.objects.get(kind="security_notice").context
    assert (told["device"], told["country"]) == ("Mobile Safari · iOS", "日本"), "as the owner reads it"
    assert told["settings_url"].endswith("/settings/security/")


def test_a_browser_is_known_again_by_its_cookie_wherever_it_is(verified: Customer) -> None:
    _, cookie = _browser(verified)

    _, again = _browser(verified, AWAY, known=cookie)

    assert again == cookie
    assert notices() == []
    assert cookie not in str(WebSession.objects.values())
    assert timedelta(days=365) < DEVICE_COOKIE_AGE <= timedelta(days=400)


def test_a_browser_that_forgot_its_cookie_is_known_at_home(verified: Customer) -> None:
    _browser(verified)

    _browser(verified, replace(HOME, country=""))

    assert notices() == []


@pytest.mark.parametrize("forged", ["x" * 65, "é" * 20, ""])
def test_a_strange_cookie_is_replaced(verified: Customer, forged: str) -> None:
    _, cookie = _browser(verified, known=forged)

    assert cookie != forged
    assert len(cookie) >= 43


def test_somebody_elses_cookie_makes_no_device_known(register: Register, verified: Customer) -> None:
    bo = register("bo@example.com")
    _, cookie = _browser(bo)
    _browser(verified)

    _browser(verified, AWAY, known=cookie)

    assert notices() == ["new_device"]


def test_programs_are_devices_too(verified: Customer) -> None:
    _program()
    _program()
    same = notices()

    _program(label="other/2.0")
    _program(client="198.51.100.9")

    assert same == []
    assert notices() == ["new_device", "new_device"]
    assert AccessToken.objects.count() == 4


# Devices by name


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (CHROME, "Chrome · Windows"),
        (IPHONE, "Mobile Safari · iOS"),
        ("everline-cli/1.0", "everline-cli/1.0"),
        ("curl/8.1", "curl"),
        ("", ""),
        ("<script>alert(1)</script>\r\n\x00", "<script>alert(1)</script>"),
        ("x" * 10_000, "x" * 120),
    ],
)
def test_devices_are_called_by_browser_and_system(user_agent: str, label: str) -> None:
    assert device_label(user_agent) == label


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("6.6.6.6, 192.0.2.9:4711", "192.0.2.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("", "10.0.0.1"),
        ("192.0.2.9,", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("_hidden:1", "10.0.0.1"),
        ("x" * 5_000, "10.0.0.1"),
        ("192.0.2.9\x00", "10.0.0.1"),
    ],
)
def test_the_address_is_what_our_proxy_saw(forwarded: str, address: str) -> None:
    meta = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": "10.0.0.1"}

    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        behind_proxy = network_address(meta)
    without_proxy = network_address(meta)

    assert (behind_proxy, without_proxy) == (address, "10.0.0.1")


@pytest.mark.parametrize(
    ("header", "country"),
    [("DE", "DE"), (" jp ", "JP"), ("XX", ""), ("T1", ""), ("D", ""), ("<b", ""), ("DEU", ""), ("", "")],
)
def test_the_country_is_what_our_proxy_says(header: str, country: str) -> None:
    meta: dict[str, Any] = {"HTTP_CF_IPCOUNTRY": header, "REMOTE_ADDR": "10.0.0.1"}
    meta |= {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.9", "HTTP_USER_AGENT": CHROME}

    with override_settings(
        EVERLINE_COUNTRY_HEADER="CF-IPCountry", SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
    ):
        behind_proxy = read_device(meta)
    with override_settings(EVERLINE_COUNTRY_HEADER="CF-IPCountry"):
        without_proxy = read_device(meta)

    assert behind_proxy == Device("192.0.2.9", "Chrome · Windows", country)
    assert without_proxy == Device("10.0.0.1", "Chrome · Windows", "")
    assert read_device({}) == Device()
