"""Who of the staff is asking: looked up for every request, and for eight hours at most."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from django.contrib.auth import BACKEND_SESSION_KEY, login
from django.http import HttpRequest

from everline.accounts import selectors as accounts
from everline.core import clock

if TYPE_CHECKING:
    from everline.accounts.models import User

#: From one sign-in to the next, by the business clock.
SHIFT: Final = timedelta(hours=8)
#: Between the password and the second factor.
PATIENCE: Final = timedelta(minutes=10)
_SINCE = "everline.staff.since"
#: Which second factor let them in: after a reset, enrolling anew must not open the old session again.
_FACTOR = "everline.staff.factor"
_PENDING = "everline.staff.pending"
_KNOWN = "_everline_staff"


@dataclass(frozen=True, slots=True)
class Pending:
    """Somebody gave the right password and not yet the second factor."""

    user_id: int
    at: datetime
    next: str


def staff_of(request: HttpRequest) -> "User | None":
    """The member of staff who asks: active, on the staff now, with the factor that let them in, in the shift.

    The answer is kept for the request; the next request asks again.
    """
    if not hasattr(request, _KNOWN):
        setattr(request, _KNOWN, _look(request))
    return cast("User | None", getattr(request, _KNOWN))


def _look(request: HttpRequest) -> "User | None":
    user = request.user
    if not user.is_authenticated or not user.is_active or not user.is_staff:
        return None
    since = _moment(request.session.get(_SINCE))
    if since is None or not timedelta(0) <= clock.now() - since < SHIFT:
        return None
    factor = request.session.get(_FACTOR)
    return user if factor is not None and factor == accounts.totp_key(user.pk) else None


def name_of(request: HttpRequest) -> str:
    """How the audit calls whoever asks: by e-mail, which every member of staff has."""
    user = staff_of(request)
    return "" if user is None else str(user)


def let_in(request: HttpRequest, user: "User") -> None:
    """Both factors are given: a new session, under a new key."""
    request.session.flush()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[_SINCE] = clock.now().isoformat()
    request.session[_FACTOR] = accounts.totp_key(user.pk)
    request.session.set_expiry(int(SHIFT.total_seconds()))
    setattr(request, _KNOWN, user)


def keep_pending(request: HttpRequest, user_id: int, onward: str) -> None:
    """Remember who gave the right password, in a session with a new key that opens nothing yet."""
    request.session.flush()
    request.session[_PENDING] = {"user": user_id, "at": clock.now().isoformat(), "next": onward}
    request.session.set_expiry(int(PATIENCE.total_seconds()))


def pending_of(request: HttpRequest) -> Pending | None:
    """Who stands between the two factors; None after ten minutes, and for whoever is signed in."""
    kept = request.session.get(_PENDING)
    if not isinstance(kept, dict) or BACKEND_SESSION_KEY in request.session:
        return None
    at = _moment(kept.get("at"))
    if at is None or not timedelta(0) <= clock.now() - at < PATIENCE:
        return None
    return Pending(int(kept["user"]), at, str(kept.get("next", "")))


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
