"""How the sandbox's JSON interfaces read requests and answer them."""

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.dateparse import parse_datetime

from everline.core import sandbox_link

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_MISSING = object()
MAX_BIGINT = 2**63 - 1
MAX_KEY = 255


class WireError(Exception):
    """A refusal with an HTTP status and a stable code."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"{status} {code}: {message}")

    def body(self) -> dict[str, Any]:
        """The shape of a provider's error."""
        return {"error": {"code": self.code, "message": self.message}}

    def problem(self) -> dict[str, Any]:
        """The shape of RFC 9457."""
        title = self.code.replace("_", " ").capitalize()
        return {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "code": self.code,
            "detail": self.message,
        }


def bad(field: str, wants: str) -> WireError:
    """The answer to a field of the wrong shape."""
    return WireError(400, "invalid_request", f"{field}: {wants}")


def missing(what: str) -> WireError:
    """The answer for an object that is not here."""
    return WireError(404, "not_found", f"There is no such {what}.")


class Body:
    """A JSON object read strictly: each reader raises `WireError` 400 naming the field."""

    def __init__(self, data: Any, where: str = "") -> None:
        if not isinstance(data, dict):
            raise bad(where or "body", "must be a JSON object")
        self.data: dict[str, Any] = data
        self._where = f"{where}." if where else ""

    def _get(self, name: str, default: Any) -> Any:
        value = self.data.get(name)
        if value is None:
            if default is _MISSING:
                raise bad(self._where + name, "is required")
            return default
        return value

    def text(self, name: str, *, most: int = 255, default: Any = _MISSING, pattern: str = "") -> Any:
        """A string of at most `most` characters, not empty where it is required."""
        value = self._get(name, default)
        if value is default:
            return value
        if not isinstance(value, str) or len(value) > most or "\x00" in value:
            raise bad(self._where + name, f"must be text of at most {most} characters")
        if not value and default is _MISSING:
            raise bad(self._where + name, "must not be empty")
        if pattern and value and not re.fullmatch(pattern, value, re.ASCII):
            raise bad(self._where + name, f"must match {pattern}")
        return value

    def integer(self, name: str, *, low: int, high: int = MAX_BIGINT, default: Any = _MISSING) -> Any:
        """A JSON integer within bounds; true and 1.0 are none."""
        value = self._get(name, default)
        if value is default:
            return value
        if type(value) is not int or not low <= value <= high:
            raise bad(self._where + name, f"must be an integer from {low} to {high}")
        return value

    def number(self, name: str, *, low: float, high: float, default: Any = _MISSING) -> Any:
        """A JSON number within bounds."""
        value = self._get(name, default)
        if value is default:
            return value
        if type(value) not in {int, float} or not low <= value <= high:
            raise bad(self._where + name, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def choice(self, name: str, allowed: frozenset[str], *, default: Any = _MISSING) -> Any:
        """One of the words."""
        value = self._get(name, default)
        if value is default:
            return value
        if not isinstance(value, str) or value not in allowed:
            raise bad(self._where + name, f"must be one of {', '.join(sorted(allowed))}")
        return value

    def moment(self, name: str, *, default: Any = _MISSING) -> Any:
        """An RFC 3339 time with a zone, as aware UTC."""
        value = self._get(name, default)
        return value if value is default else parse_moment(self._where + name, value)

    def url(self, name: str, *, default: Any = _MISSING) -> Any:
        """An absolute http(s) URL in printable ASCII without credentials."""
        value = self.text(name, most=2048, default=default)
        if value is not default and not _is_web_url(value):
            raise bad(self._where + name, "must be an absolute http or https URL")
        return value

    def items(self, name: str, *, most: int) -> list["Body"]:
        """A list of objects."""
        value = self._get(name, _MISSING)
        if not isinstance(value, list) or len(value) > most:
            raise bad(self._where + name, f"must be a list of at most {most} objects")
        return [Body(item, f"{self._where}{name}[{index}]") for index, item in enumerate(value)]

    def fingerprint(self) -> str:
        """Equal for equal content, whatever the order of members."""
        canonical = json.dumps(self.data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def parse_moment(name: str, value: object) -> datetime:
    """An RFC 3339 time with a zone, as aware UTC; `WireError` 400 otherwise."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise bad(name, "must be an RFC 3339 time with a zone")


def _is_web_url(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or any(char in value for char in ' "<>\\^`{|}'):
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or parts.username is not None or port == 0:
        return False
    return bool(_HOST.fullmatch(f"[{host}]" if ":" in host else host))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL that `Body.url` accepted."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def read_json(request: HttpRequest) -> Body:
    """The request's body as an object; `WireError` 400 where it is none."""
    try:
        return Body(json.loads(request.body, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        raise WireError(400, "invalid_json", "The body must be a JSON object in UTF-8.") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def stamp(moment: datetime | None) -> str | None:
    """A time as every interface of Everline prints it: RFC 3339, UTC, equal instants alike."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def same_secret(given: str, expected: str) -> bool:
    """Compare without telling how far they agree."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def control_token() -> str:
    """The token of this data folder; `WireError` 503 while there is none."""
    try:
        return sandbox_link.token()
    except sandbox_link.SandboxMissing:
        raise WireError(503, "sandbox_without_token", "This sandbox has no control token yet.") from None


def api(method: str) -> Callable[[View[P]], View[P]]:
    """A JSON endpoint for the shop: one method, the shop's API key, errors as `{error: {code, message}}`."""

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                _require_key(request)
                require_method(request, method)
                return view(request, *args, **kwargs)
            except WireError as error:
                return refusal(error)

        return wrapped

    return decorate


def require_method(request: HttpRequest, *methods: str) -> None:
    """`WireError` 405 for any other method."""
    if request.method not in methods:
        raise WireError(405, "method_not_allowed", f"Use {' or '.join(methods)} here.")


def refusal(error: WireError) -> HttpResponse:
    """A provider's error answer."""
    response = JsonResponse(error.body(), status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def _require_key(request: HttpRequest) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    expected = sandbox_link.api_key(control_token())
    if scheme.lower() != "bearer" or not same_secret(given.strip(), expected):
        raise WireError(401, "unauthorized", "Send the API key as a bearer token.")


def idempotency_key(request: HttpRequest) -> str:
    """The request's key; `WireError` 400 where it is missing or longer than 255 characters."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key or len(key) > MAX_KEY or "\x00" in key:
        raise WireError(400, "idempotency_key_required", "Send an Idempotency-Key of at most 255 characters.")
    return key
