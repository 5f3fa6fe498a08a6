"""What nobody needs any more is dropped: old codes and links, sessions that ended long ago."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session as DjangoSession

from everline.accounts.models import AccessToken, OneTimeCode, SignInLink, WebSession
from everline.core import clock

#: Support may still be asked about yesterday's code.
_CODES_KEPT = timedelta(days=2)
#: As long as a browser is known again.
_SESSIONS_KEPT = timedelta(days=400)


def forget_old(now: datetime) -> int:
    """Delete rows whose use is over; returns how many. Django dates its sessions by the machine's time."""
    sessions, _ = DjangoSession.objects.filter(expire_date__lt=clock.real_now()).delete()
    codes, _ = OneTimeCode.objects.filter(expires_at__lt=now - _CODES_KEPT, sent_at__isnull=False).delete()
    links, _ = SignInLink.objects.filter(expires_at__lt=now - _CODES_KEPT).delete()
    browsers, _ = WebSession.objects.filter(expires_at__lt=now - _SESSIONS_KEPT).delete()
    programs, _ = AccessToken.objects.filter(expires_at__lt=now - _SESSIONS_KEPT).delete()
    return sessions + codes + links + browsers + programs
