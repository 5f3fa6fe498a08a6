"""Passkeys on the wire (W3C WebAuthn level 2), by python-fido2; no database here.

The relying party is the host that the browser sees, the origin must be exactly the one of the request, and
the device always verifies its user (PIN, finger, face): what it has and who holds it, two factors in one.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from everline.accounts.errors import PasskeyRefused
from everline.accounts.types import Challenge

LIFETIME = timedelta(minutes=10)
#: What the library raises on answers that are no answers.
_MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A good answer to a sign-in challenge: which credential signed, and its count of signatures."""

    credential_id: bytes
    counter: int


def begin_registration(
    *, origin: str, name: str, handle: str, label: str, known: Sequence[dict[str, Any]], now: datetime
) -> Challenge:
    """Ask a browser for a new passkey of the user `handle`; those in `known` are not offered again."""
    options, state = _server(origin, name).register_begin(
        user=PublicKeyCredentialUserEntity(id=handle.encode(), name=label, display_name=label),
        credentials=[_credential(each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        extensions={"credProps": True},
    )
    return _challenge("create", handle, options, state, now)


def complete_registration(
    *, origin: str, handle: str, state: dict[str, str], response: dict[str, Any], now: datetime
) -> bytes:
    """The id of the new credential, if this answers that challenge.

    Raises:
        PasskeyRefused: it does not, or the challenge is old or another user's.
    """
    _check(state, "create", handle, now)
    try:
        found = _server(origin).register_complete(_wire(state), response)
        assert found.credential_data is not None, "fido2 has looked"
        return bytes(found.credential_data.credential_id)
    except _MALFORMED:
        raise PasskeyRefused from None


def begin_authentication(
    *, origin: str, handle: str = "", known: Sequence[dict[str, Any]] = (), now: datetime
) -> Challenge:
    """Ask a browser for a signature: of any passkey of this host, or of one of the `known` ones."""
    options, state = _server(origin).authenticate_begin(
        credentials=[_credential(each) for each in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _challenge("get", handle, options, state, now)


def user_handle(response: dict[str, Any]) -> str:
    """Whose passkey the browser says has answered; proved only by the signature.

    Raises:
        PasskeyRefused: it does not say.
    """
    try:
        handle = AuthenticationResponse.from_dict(response).response.user_handle
        return bytes(handle or b"").decode("ascii")
    except _MALFORMED:
        raise PasskeyRefused from None


def complete_authentication(
    *,
    origin: str,
    handle: str = "",
    state: dict[str, str],
    known: Sequence[dict[str, Any]],
    response: dict[str, Any],
    now: datetime,
) -> Assertion:
    """Which of the `known` credentials signed that challenge.

    Raises:
        PasskeyRefused: none of them did, its device did not verify its user, or the challenge is old.
    """
    _check(state, "get", handle, now)
    try:
        answer = AuthenticationResponse.from_dict(response)
        credentials = [_credential(each) for each in known]
        signed = _server(origin).authenticate_complete(_wire(state), credentials, answer)
        return Assertion(bytes(signed.credential_id), int(answer.response.authenticator_data.counter))
    except _MALFORMED:
        raise PasskeyRefused from None


def credential_id(credential: dict[str, Any]) -> bytes:
    """The id of a stored credential."""
    return bytes(_credential(credential).credential_id)


def _server(origin: str, name: str = "") -> Any:
    host = urlsplit(origin).hostname or ""
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=host, name=name or host), verify_origin=lambda seen: seen == origin
    )


def _credential(credential: dict[str, Any]) -> AttestedCredentialData:
    stored = RegistrationResponse.from_dict(credential).response.attestation_object.auth_data.credential_data
    assert stored is not None, "only complete registrations are stored"
    return stored


def _challenge(asked: str, handle: str, options: Any, state: dict[str, Any], now: datetime) -> Challenge:
    kept = {"asked": asked, "handle": handle, "challenge": str(state["challenge"]), "at": now.isoformat()}
    return Challenge(options=dict(options), state=kept)


def _check(state: dict[str, str], asked: str, handle: str, now: datetime) -> None:
    try:
        made = datetime.fromisoformat(state["at"])
        fits = (state["asked"], state["handle"]) == (asked, handle) and abs(now - made) < LIFETIME
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise PasskeyRefused


def _wire(state: dict[str, str]) -> dict[str, Any]:
    return {
        "challenge": state["challenge"],
        "user_verification": UserVerificationRequirement.REQUIRED,
    }
