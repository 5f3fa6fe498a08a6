"""Sessions of browsers: Django keeps them, our rows say which there are and end them."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from everline.accounts.models import AccessToken, User, WebSession
from everline.accounts.security import SESSION_KEY, TOKEN_PREFIX
from everline.accounts.selectors import user_by_id
from everline.accounts.services.ending import end_all_sessions, end_web_sessions
from everline.accounts.services.newcomers import tell_of_new_device
from everline.accounts.services.notices import tell_owner
from everline.accounts.tokens import hash_token, new_token
from everline.accounts.types import Actor, Device
from everline.core import ids
from everline.core.errors import NotFound
from everline.notifications.types import SecurityEvent

#: A random text by which a browser is known again, for as long as browsers keep cookies.
DEVICE_COOKIE = "everline_device"
DEVICE_COOKIE_AGE = timedelta(days=400)
_DEVICE_TOKEN_LENGTH = 64
#: Finer would cost a write per request.
_COARSE = timedelta(minutes=5)


@transaction.atomic
def open_web_session(
    *, session: SessionBase, user: User, method: str, device: Device, known: str = "", now: datetime
) -> str:
    """Note a browser that was just signed in (after Django's `login`); its owner is told of a new device.

    `known` is the device cookie as received; the answer is the value to set it to.
    """
    token = known if known.isascii() and 0 < len(known) <= _DEVICE_TOKEN_LENGTH else new_token()[0]
    device_hash = hash_token(token)
    tell_of_new_device(user, device, now, device_hash=device_hash)
    if not session.session_key:
        session.create()
    row = WebSession.objects.create(
        user=user,
        session_key=str(session.session_key),
        device=device.label,
        device_hash=device_hash,
        address=device.address,
        country=device.country,
        method=method,
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(seconds=settings.SESSION_COOKIE_AGE),
    )
    session[SESSION_KEY] = {"id": row.id, "seen": now.isoformat(), "proved": now.isoformat()}
    return token


def note_web_session(*, session: SessionBase, now: datetime) -> None:
    """Note that a browser is still in use: no statement, but for a write every five minutes."""
    ours = session.get(SESSION_KEY, {})
    seen = datetime.fromisoformat(ours["seen"]) if "seen" in ours else None
    if seen is None or seen <= now < seen + _COARSE:
        return
    _write(session, seen=now.isoformat())
    ends = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    WebSession.objects.filter(pk=ours["id"], ended_at__isnull=True).update(last_seen_at=now, expires_at=ends)


def mark_authenticated(*, session: SessionBase, now: datetime) -> None:
    """Note that whoever holds this browser proved who they are."""
    _write(session, proved=now.isoformat())


def renew_web_session(*, session: SessionBase, old_key: str, now: datetime) -> None:
    """Let our row follow a session whose key was changed, which happens whenever the password does."""
    del now
    WebSession.objects.filter(session_key=old_key, ended_at__isnull=True).update(
        session_key=str(session.session_key)
    )


def close_web_session(*, session: SessionBase, now: datetime) -> None:
    """Note a sign-out; Django's `logout` then drops the session itself."""
    key = session.session_key
    if key:
        WebSession.objects.filter(session_key=key, ended_at__isnull=True).update(ended_at=now)


@transaction.atomic
def end_session(*, user_id: int, session_id: str, now: datetime) -> None:
    """End one session of a user's list, a browser's or a program's: whoever holds it is signed out.

    Raises:
        NotFound: no such session of this user is open.
    """
    if ids.is_id("ses", session_id):
        mine = WebSession.objects.filter(pk=session_id, user_id=user_id, ended_at__isnull=True)
        if not mine.exists():
            raise NotFound
        end_web_sessions(mine, now)
        return
    token = ids.to_int(TOKEN_PREFIX, ids.require(TOKEN_PREFIX, session_id))
    held = AccessToken.objects.filter(pk=token, customer__user_id=user_id, revoked_at__isnull=True)
    if held.update(revoked_at=now) != 1:
        raise NotFound


@transaction.atomic
def end_other_sessions(*, actor: Actor, now: datetime) -> int:
    """End every session but the one that asks; tells the owner if there were any, and returns how many."""
    ended = end_all_sessions(user_id=actor.user_id, now=now, session_key=actor.session_key, token=actor.token)
    if ended:
        tell_owner(user_by_id(actor.user_id), SecurityEvent.SESSIONS_ENDED, actor.device, now)
    return ended


def _write(session: SessionBase, **values: Any) -> None:
    session[SESSION_KEY] = {**session.get(SESSION_KEY, {}), **values}
