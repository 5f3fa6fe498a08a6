"""Ending what is open: browsers and programs that are signed in, links that would sign in."""

from datetime import datetime

from django.contrib.sessions.models import Session as DjangoSession
from django.db.models import QuerySet

from everline.accounts.models import AccessToken, SignInLink, WebSession
from everline.accounts.tokens import hash_token


def end_all_sessions(*, user_id: int, now: datetime, session_key: str = "", token: str = "") -> int:
    """End every session and token of a user, but for those named; returns how many there were.

    May run inside a transaction. The sessions themselves go, not only our rows about them.
    """
    sessions = WebSession.objects.filter(user_id=user_id, ended_at__isnull=True)
    tokens = AccessToken.objects.filter(
        customer__user_id=user_id, revoked_at__isnull=True, expires_at__gt=now
    )
    if session_key:
        sessions = sessions.exclude(session_key=session_key)
    if token:
        tokens = tokens.exclude(token_hash=hash_token(token))
    return end_web_sessions(sessions, now) + tokens.update(revoked_at=now)


def end_web_sessions(sessions: QuerySet[WebSession], now: datetime) -> int:
    """End these browsers' sessions in Django's table and in ours; returns how many were still good."""
    rows = list(sessions.values_list("pk", "session_key", "expires_at"))
    DjangoSession.objects.filter(session_key__in=[key for _, key, _ in rows]).delete()
    WebSession.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(ended_at=now)
    return sum(1 for _, _, expires_at in rows if expires_at > now)


def call_back_links(user_id: int, now: datetime) -> None:
    """Make the unspent sign-in links of a user worthless."""
    SignInLink.objects.filter(customer__user_id=user_id, used_at__isnull=True).update(used_at=now)
