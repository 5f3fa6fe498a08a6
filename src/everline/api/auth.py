"""Who calls: a customer's token or an operator's key in the Authorization header."""

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from everline.accounts.access import customer_by_token, operator_by_key
from everline.accounts.devices import network_address
from everline.accounts.errors import KeyInvalid, LoginRequired
from everline.core import clock

if TYPE_CHECKING:
    from everline.accounts.models import ApiKey, Customer


class CustomerRequest(HttpRequest):
    """A request after `CustomerToken` let it in."""

    if TYPE_CHECKING:
        auth: Customer


class OperatorRequest(HttpRequest):
    """A request after `OperatorKey` let it in."""

    if TYPE_CHECKING:
        auth: ApiKey


class CustomerToken(HttpBearer):
    """`Authorization: Bearer <token>` of `POST /sessions`; one statement."""

    openapi_description = "The token that POST /api/v1/sessions answers with."

    def __call__(self, request: HttpRequest) -> Any:
        """The customer.

        Raises:
            LoginRequired: no token, or one that is unknown, expired or revoked.
        """
        found = super().__call__(request)
        if found is None:
            raise LoginRequired
        return found

    def authenticate(self, request: HttpRequest, token: str) -> "Customer | None":
        """The customer who holds this token."""
        del request
        return customer_by_token(token, clock.now())


class OperatorKey(HttpBearer):
    """`Authorization: Bearer ek_…` with one scope; one statement."""

    openapi_description = "An operator key of `everline apikey create --scope …`."

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Any:
        """The key.

        Raises:
            KeyInvalid: no key, or one that is unknown or revoked.
            ScopeMissing: a good key for other things.
        """
        found = super().__call__(request)
        if found is None:
            raise KeyInvalid
        return found

    def authenticate(self, request: HttpRequest, token: str) -> "ApiKey | None":
        """The key's row, its scope checked."""
        del request
        return operator_by_key(token, self.scope, clock.now())


_customer_token = CustomerToken()


def caller_if_any(request: HttpRequest) -> "Customer | None":
    """The customer where the request names one; a token that is wrong is refused, not ignored.

    Raises:
        LoginRequired: there is an Authorization header, but no valid token in it.
    """
    if "Authorization" not in request.headers:
        return None
    found: Customer = _customer_token(request)
    return found


def bearer_token(request: HttpRequest) -> str:
    """The token as sent; the request has passed `CustomerToken`."""
    return request.headers["Authorization"].partition(" ")[2]


def client_address(request: HttpRequest) -> str:
    """The network address of whoever asks, for rate limits; behind a proxy what that proxy saw."""
    return network_address(request.META)


def own_origin(request: HttpRequest) -> str:
    """Scheme, host and port under which the caller reached us."""
    return f"{request.scheme}://{request.get_host()}"


def qr_signature(line_id: str) -> str:
    """What makes the address of a line's QR code unguessable: pictures are loaded without a token."""
    key = hmac.new(settings.SECRET_KEY.encode(), b"api.qr", hashlib.sha256).digest()
    return hmac.new(key, line_id.encode(), hashlib.sha256).hexdigest()[:40]
