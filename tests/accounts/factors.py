"""What a customer holds in their hand: an authenticator app, and a device with passkeys, in software."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from everline.accounts import services, totp
from everline.accounts.models import Customer
from everline.accounts.types import Actor, Device
from everline.core import clock

Flag = AuthenticatorData.FLAG
VERIFIED = Flag.UP | Flag.UV


def totp_now(secret: str, step: int = 0) -> str:
    """The code that the app shows now, or so many half minutes away."""
    return totp.code_at(secret, totp.step_of(clock.real_now()) + step)


def enrol(customer: Customer, secret: str) -> list[str]:
    """Turn the app on; the answer is the recovery codes.

    The code that did it counts as unused: tests then need no half minute to pass.
    """
    now = clock.now()
    actor = Actor(user_id=customer.user_id, authenticated_at=now, device=Device())
    codes = services.confirm_totp(actor=actor, secret=secret, code=totp_now(secret), now=now)
    row = Authenticator.objects.get(user_id=customer.user_id, type="totp")
    row.data["last_step"] = 0
    row.save()
    return codes


def wrong_totp(secret: str) -> str:
    """Six digits that the app shows neither now nor near."""
    near = {totp_now(secret, step) for step in range(-3, 4)}
    return next(code for code in (f"{n:06}" for n in range(10)) if code not in near)


@dataclass
class Passkey:
    """A device that makes one passkey and signs with it."""

    origin: str = "http://localhost:8000"
    counter: int = 0
    handle: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def create(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The answer to `navigator.credentials.create`; `changes` are what an attacker alters."""
        asked = options["publicKey"]
        self.handle = changes.get("handle", asked["user"]["id"])
        data = AttestedCredentialData.create(
            Aaguid.NONE, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        flags = changes.get("flags", VERIFIED) | Flag.AT
        rp_hash = hashlib.sha256(changes.get("rp_id", asked["rp"]["id"]).encode()).digest()
        auth_data = AuthenticatorData.create(rp_hash, flags, self.counter, data)
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(self._client_data("webauthn.create", asked, changes)),
                "attestationObject": websafe_encode(AttestationObject.create("none", auth_data, {})),
            },
            "clientExtensionResults": {"credProps": {"rk": True}},
        }

    def get(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The answer to `navigator.credentials.get`."""
        asked = options["publicKey"]
        rp_hash = hashlib.sha256(changes.get("rp_id", asked["rpId"]).encode()).digest()
        auth_data = AuthenticatorData.create(rp_hash, changes.get("flags", VERIFIED), self.counter)
        client_data = self._client_data("webauthn.get", asked, changes)
        signed = bytes(auth_data) + hashlib.sha256(client_data).digest()
        key = changes.get("key", self.key)
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(client_data),
                "authenticatorData": websafe_encode(auth_data),
                "signature": websafe_encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))),
                "userHandle": changes.get("handle", self.handle),
            },
            "clientExtensionResults": {},
        }

    def _client_data(self, kind: str, asked: dict[str, Any], changes: dict[str, Any]) -> bytes:
        made = CollectedClientData.create(
            type=changes.get("type", kind),
            challenge=changes.get("challenge", asked["challenge"]),
            origin=changes.get("origin", self.origin),
        )
        return bytes(made)


def as_json(options: dict[str, Any]) -> dict[str, Any]:
    """What a browser gets of the options: only what survives JSON."""
    return dict(json.loads(json.dumps(options)))
