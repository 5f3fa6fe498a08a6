"""How accounts are guarded and what is signed in, as their owners are shown it; `selectors` offers it."""

from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session as DjangoSession
from django.db.models import Exists, OuterRef

from everline.accounts.devices import device_label
from everline.accounts.models import AccessToken, User, WebSession
from everline.accounts.tokens import hash_token
from everline.accounts.types import PasskeyView, SecondFactorNeeded, SecurityView, SessionView
from everline.core import ids

#: Our part of a browser's session.
SESSION_KEY = "everline.identity"
#: How long somebody may look for their authenticator app.
SECOND_FACTOR_PATIENCE = timedelta(minutes=10)
TOKEN_PREFIX = "tok"  # noqa: S105 - the kind of an id


def security_of(user_id: int) -> SecurityView:
    """Password, second factor and passkeys of a user, in two statements."""
    user = User.objects.select_related("customer").get(pk=user_id)
    customer = getattr(user, "customer", None)
    rows = list(Authenticator.objects.filter(user_id=user_id).order_by("id"))
    totp = next((row for row in rows if row.type == Authenticator.Type.TOTP), None)
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    return SecurityView(
        has_password=user.has_usable_password(),
        verified=bool(customer and (customer.email_verified_at or customer.phone_verified_at)),
        totp=totp is not None,
        totp_since=totp.created_at if totp else None,
        recovery_codes_left=len(RecoveryCodes(codes).get_unused_codes()) if codes else 0,
        passkeys=tuple(passkey_view(row) for row in rows if row.type == Authenticator.Type.WEBAUTHN),
    )


def has_totp(user_id: int) -> bool:
    """Whether an authenticator app is the second factor of this user."""
    return bool(Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.TOTP).exists())


def totp_key(user_id: int) -> int | None:
    """Which authenticator app is the second factor; enrolled anew it has another key. None without one."""
    row = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.TOTP).only("pk").first()
    return None if row is None else int(row.pk)


def passkey_view(row: Any) -> PasskeyView:
    """One passkey as its owner sees it."""
    return PasskeyView(row.pk, str(row.data.get("name", "")), row.created_at, row.last_used_at)


def open_sessions(
    *, user_id: int, now: datetime, session_key: str = "", token: str = ""
) -> list[SessionView]:
    """Browsers and programs that are signed in, this one (`session_key`, `token`) first, then the newest.

    A browser whose session is gone from Django's table is not, whatever our row says.
    """
    real = DjangoSession.objects.filter(session_key=OuterRef("session_key"))
    web = WebSession.objects.filter(Exists(real), user_id=user_id, ended_at__isnull=True, expires_at__gt=now)
    api = AccessToken.objects.filter(customer__user_id=user_id, revoked_at__isnull=True, expires_at__gt=now)
    own_token = hash_token(token) if token else ""
    views = [_web_view(row, current=row.session_key == session_key) for row in web]
    views += [_api_view(row, current=row.token_hash == own_token) for row in api]
    return sorted(views, key=lambda each: (each.current, each.last_seen_at), reverse=True)


def pending_sign_in(session: SessionBase, now: datetime) -> SecondFactorNeeded | None:
    """The sign-in of this browser that waits for its second factor, unless it waits too long."""
    kept = session.get(SESSION_KEY, {}).get("pending")
    if not kept:
        return None
    pending = SecondFactorNeeded(**{**kept, "since": datetime.fromisoformat(kept["since"])})
    return pending if abs(now - pending.since) < SECOND_FACTOR_PATIENCE else None


def authenticated_at(session: SessionBase) -> datetime | None:
    """When whoever holds this session last proved who they are."""
    proved = session.get(SESSION_KEY, {}).get("proved")
    return datetime.fromisoformat(proved) if proved else None


def _web_view(row: WebSession, *, current: bool) -> SessionView:
    return SessionView(
        id=row.id,
        kind="web",
        device=row.device,
        country=row.country,
        address=row.address,
        method=row.method,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        current=current,
    )


def _api_view(row: AccessToken, *, current: bool) -> SessionView:
    return SessionView(
        id=ids.from_int(TOKEN_PREFIX, row.pk),
        kind="api",
        device=device_label(row.client),
        country=row.country,
        address=row.address,
        method=row.method,
        created_at=row.created_at,
        last_seen_at=row.last_used_at,
        expires_at=row.expires_at,
        current=current,
    )
