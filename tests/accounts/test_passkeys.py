"""Passkeys, with a device in software: added, used to sign in, forged, replayed, removed."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticatorData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everline.accounts import selectors, services, webauthn
from everline.accounts.errors import AddressUnverified, PasskeyRefused, ReauthenticationRequired
from everline.accounts.models import Customer, User
from everline.accounts.types import PasskeyView, SecondFactorNeeded, SignedIn
from everline.core import clock
from everline.core.errors import NotFound, RateLimited
from tests.accounts.conftest import PASSWORD, actor_for, notices
from tests.accounts.factors import Passkey, as_json, totp_now

Register = Callable[..., Customer]
Move = Callable[[timedelta], datetime]

pytestmark = pytest.mark.django_db

ORIGIN = "http://localhost:8000"
Flag = AuthenticatorData.FLAG


def _add(customer: Customer, device: Passkey, name: str = "Laptop", **changes: Any) -> PasskeyView:
    now = clock.now()
    asked = services.begin_passkey_registration(actor=actor_for(customer), origin=ORIGIN, now=now)
    answer = as_json(device.create(as_json(asked.options), **changes))
    return services.complete_passkey_registration(
        actor=actor_for(customer),
        state=asked.state,
        origin=ORIGIN,
        response=answer,
        name=name,
        now=clock.now(),
    )


def _sign_in(device: Passkey, **changes: Any) -> SignedIn:
    asked = services.begin_passkey_sign_in(origin=ORIGIN, now=clock.now())
    answer = as_json(device.get(as_json(asked.options), **changes))
    return _answer(asked.state, answer)


def _answer(state: dict[str, str], answer: dict[str, Any], origin: str = ORIGIN) -> SignedIn:
    return services.complete_passkey_sign_in(
        state=state, origin=origin, response=answer, client="192.0.2.1", now=clock.now()
    )


# Adding


def test_a_passkey_is_asked_for_as_one_that_stays_on_the_device_and_verifies(verified: Customer) -> None:
    asked = services.begin_passkey_registration(actor=actor_for(verified), origin=ORIGIN, now=clock.now())

    options = as_json(asked.options)["publicKey"]
    assert options["rp"] == {"id": "localhost", "name": "leb card"}
    assert options["user"]["name"] == "li@example.com"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert len(options["challenge"]) >= 43
    assert json.loads(json.dumps(asked.state)) == asked.state


def test_a_passkey_is_kept_and_its_owner_told(verified: Customer) -> None:
    view = _add(verified, Passkey(), name="  My\nphone ")

    assert view.name == "My phone"
    assert selectors.security_of(verified.user_id).passkeys == (view,)
    assert notices() == ["passkey_added"]


def test_a_passkey_without_a_name_is_called_like_its_device(verified: Customer) -> None:
    assert _add(verified, Passkey(), name="\x00 ").name == "Chrome · Windows"


def test_a_device_is_not_asked_twice(verified: Customer) -> None:
    device = Passkey()
    _add(verified, device)

    asked = services.begin_passkey_registration(actor=actor_for(verified), origin=ORIGIN, now=clock.now())

    known = as_json(asked.options)["publicKey"]["excludeCredentials"]
    assert [each["id"] for each in known] == [websafe_encode(device.id)]
    with pytest.raises(PasskeyRefused):
        _add(verified, device)


@pytest.mark.parametrize(
    "forged",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"origin": "http://localhost.evil.example:8000"},
        {"rp_id": "evil.example"},
        {"challenge": b"x" * 32},
        {"type": "webauthn.get"},
        {"flags": Flag.UP},
        {"flags": Flag.UV},
    ],
)
def test_a_forged_registration_keeps_nothing(verified: Customer, forged: dict[str, Any]) -> None:
    with pytest.raises(PasskeyRefused):
        _add(verified, Passkey(), **forged)

    assert not Authenticator.objects.exists()
    assert notices() == []


def test_a_challenge_is_good_for_ten_minutes_for_its_user_and_its_purpose(
    register: Register, verified: Customer, move_clock: Move
) -> None:
    bo = register("bo@example.com")
    Customer.objects.filter(pk=bo.pk).update(email_verified_at=clock.now())
    asked = services.begin_passkey_registration(actor=actor_for(verified), origin=ORIGIN, now=clock.now())
    other = services.begin_passkey_sign_in(origin=ORIGIN, now=clock.now())
    answer = as_json(Passkey().create(as_json(asked.options)))

    def complete(customer: Customer, state: dict[str, str]) -> None:
        services.complete_passkey_registration(
            actor=actor_for(customer), state=state, origin=ORIGIN, response=answer, name="", now=clock.now()
        )

    for customer, state in (
        (bo, asked.state),
        (verified, other.state),
        (verified, {}),
        (verified, {**asked.state, "at": "yesterday"}),
    ):
        with pytest.raises(PasskeyRefused):
            complete(customer, state)
    move_clock(timedelta(minutes=10))
    with pytest.raises(PasskeyRefused):
        complete(verified, asked.state)
    assert not Authenticator.objects.exists()


def test_adding_needs_a_recent_proof_and_a_proved_address(register: Register, verified: Customer) -> None:
    stranger = register("bo@example.com")
    stale = replace(actor_for(verified), authenticated_at=None)

    with pytest.raises(ReauthenticationRequired):
        services.begin_passkey_registration(actor=stale, origin=ORIGIN, now=clock.now())
    with pytest.raises(ReauthenticationRequired):
        services.complete_passkey_registration(
            actor=stale, state={}, origin=ORIGIN, response={}, name="", now=clock.now()
        )
    with pytest.raises(AddressUnverified):
        services.begin_passkey_registration(actor=actor_for(stranger), origin=ORIGIN, now=clock.now())


def test_twenty_passkeys_are_enough(verified: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everline.accounts.services.passkeys.MOST_PASSKEYS", 2)
    for _ in range(2):
        _add(verified, Passkey())

    with pytest.raises(PasskeyRefused):
        _add(verified, Passkey())


# Signing in


def test_a_passkey_signs_in_without_anything_else(verified: Customer) -> None:
    device = Passkey()
    _add(verified, device)

    done = _sign_in(device)

    assert (done.customer, done.method) == (verified, "passkey")
    assert selectors.security_of(verified.user_id).passkeys[0].last_used_at is not None


def test_a_passkey_counts_as_both_factors(verified: Customer) -> None:
    device = Passkey()
    _add(verified, device)
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    services.confirm_totp(actor=actor_for(verified), secret=secret, code=totp_now(secret), now=clock.now())

    by_password = services.sign_in_with_password(
        login="li@example.com", password=PASSWORD, client="", now=clock.now()
    )

    assert isinstance(by_password, SecondFactorNeeded)
    assert by_password.passkeys
    assert _sign_in(device).customer == verified


@pytest.mark.parametrize(
    "forged",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"challenge": b"x" * 32},
        {"type": "webauthn.create"},
        {"flags": Flag.UP},
        {"flags": Flag.UV},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"handle": websafe_encode(b"999999999")},
        {"handle": websafe_encode(b"1 OR 1=1")},
        {"handle": websafe_encode("٣".encode())},
        {"handle": websafe_encode(b"9" * 40)},
        {"handle": ""},
    ],
)
def test_a_forged_answer_lets_nobody_in(verified: Customer, forged: dict[str, Any]) -> None:
    device = Passkey()
    _add(verified, device)

    with pytest.raises(PasskeyRefused):
        _sign_in(device, **forged)

    assert selectors.security_of(verified.user_id).passkeys[0].last_used_at is None


def test_somebody_elses_passkey_opens_nobody_elses_account(register: Register, verified: Customer) -> None:
    bo = register("bo@example.com")
    Customer.objects.filter(pk=bo.pk).update(email_verified_at=clock.now())
    bo.refresh_from_db()
    mine, theirs = Passkey(), Passkey()
    _add(verified, mine)
    _add(bo, theirs)

    with pytest.raises(PasskeyRefused):
        _sign_in(theirs, handle=mine.handle)
    assert _sign_in(theirs).customer == bo


def test_an_answer_is_good_for_its_own_challenge(verified: Customer) -> None:
    device = Passkey()
    _add(verified, device)
    asked = services.begin_passkey_sign_in(origin=ORIGIN, now=clock.now())
    answer = as_json(device.get(as_json(asked.options)))
    later = services.begin_passkey_sign_in(origin=ORIGIN, now=clock.now())

    with pytest.raises(PasskeyRefused):
        _answer(later.state, answer)
    with pytest.raises(PasskeyRefused):
        _answer(asked.state, answer, origin="http://nomad.localhost:8000")
    assert _answer(asked.state, answer).customer == verified


def test_a_copied_key_is_noticed_by_its_count(verified: Customer) -> None:
    device = Passkey()
    _add(verified, device)
    device.counter = 7
    _sign_in(device)

    with pytest.raises(PasskeyRefused):
        _sign_in(device)
    device.counter = 8
    assert _sign_in(device)


def test_staff_and_closed_accounts_have_no_way_in_here(verified: Customer) -> None:
    device = Passkey()
    _add(verified, device)

    User.objects.update(is_active=False)
    with pytest.raises(PasskeyRefused):
        _sign_in(device)
    User.objects.update(is_active=True, is_staff=True)
    with pytest.raises(PasskeyRefused):
        _sign_in(device)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=8,
    ),
    st.sampled_from(
        ["", "response", "rawId", "clientDataJSON", "authenticatorData", "signature", "userHandle"]
    ),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_no_answer_is_refused_and_breaks_nothing(nonsense: Any, at: str) -> None:
    asked = webauthn.begin_authentication(origin=ORIGIN, now=clock.now())
    device = Passkey()
    device.handle = websafe_encode(b"1")
    answer = as_json(device.get(as_json(asked.options)))
    if at in answer["response"]:
        answer["response"][at] = nonsense
    elif at:
        answer[at] = nonsense
    else:
        answer = nonsense

    with pytest.raises(PasskeyRefused):
        webauthn.complete_authentication(
            origin=ORIGIN, state=asked.state, known=[], response=answer, now=clock.now()
        )
    with pytest.raises(PasskeyRefused):
        webauthn.complete_registration(
            origin=ORIGIN,
            handle="1",
            state={**asked.state, "asked": "create", "handle": "1"},
            response=answer,
            now=clock.now(),
        )


def test_answers_are_slowed(settings: Any) -> None:
    settings.EVERLINE_MODE = "live"
    for _ in range(60):
        with pytest.raises(PasskeyRefused):
            _answer({}, {})

    with pytest.raises(RateLimited):
        _answer({}, {})


# Proving oneself again


def test_a_passkey_proves_who_is_there(register: Register, verified: Customer) -> None:
    device, other = Passkey(), Passkey()
    _add(verified, device)
    other.handle = device.handle
    asked = services.begin_passkey_proof(user_id=verified.user_id, origin=ORIGIN, now=clock.now())

    def prove(key: Passkey, user_id: int) -> None:
        services.complete_passkey_proof(
            user_id=user_id,
            state=asked.state,
            origin=ORIGIN,
            response=as_json(key.get(as_json(asked.options))),
            client="",
            now=clock.now(),
        )

    bo = register("bo@example.com")
    with pytest.raises(PasskeyRefused):
        prove(other, verified.user_id)
    with pytest.raises(PasskeyRefused):
        prove(device, bo.user_id)
    prove(device, verified.user_id)
    with pytest.raises(PasskeyRefused):
        _answer(asked.state, as_json(device.get(as_json(asked.options))))


# Renaming and removing


def test_a_passkey_is_renamed_and_removed_by_its_owner(register: Register, verified: Customer) -> None:
    device = Passkey()
    view = _add(verified, device)
    bo = register("bo@example.com")

    for foreign in (
        lambda: services.rename_passkey(actor=actor_for(bo), passkey_id=view.id, name="x", now=clock.now()),
        lambda: services.remove_passkey(actor=actor_for(bo), passkey_id=view.id, now=clock.now()),
    ):
        with pytest.raises(NotFound):
            foreign()
    services.rename_passkey(actor=actor_for(verified), passkey_id=view.id, name="Work", now=clock.now())
    renamed = selectors.security_of(verified.user_id).passkeys[0].name
    stale = replace(actor_for(verified), authenticated_at=None)
    with pytest.raises(ReauthenticationRequired):
        services.remove_passkey(actor=stale, passkey_id=view.id, now=clock.now())
    services.remove_passkey(actor=actor_for(verified), passkey_id=view.id, now=clock.now())

    assert renamed == "Work"
    assert notices() == ["passkey_added", "passkey_removed"]
    with pytest.raises(PasskeyRefused):
        _sign_in(device)
