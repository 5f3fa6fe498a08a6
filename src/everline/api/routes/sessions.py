from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from everline.accounts.devices import read_device
from everline.accounts.selectors import profile_of
from everline.accounts.services import (
    close_session,
    open_session,
    request_recovery_code,
    request_sign_in_code,
    reset_password,
)
from everline.api.answers import no_content, reply
from everline.api.auth import CustomerRequest, CustomerToken, bearer_token, client_address
from everline.api.documents import example, refusals
from everline.api.inputs import Body
from everline.api.shapes.customers import Accepted, Session, accepted_shape, session_shape
from everline.core import clock

router = Router()

_Login = Annotated[str, Field(examples=["demo@example.com", "+447700900123"])]
_Code = Annotated[str, Field(description="Six digits, good for ten minutes.", examples=["204816"])]


class SignIn(Body):
    """E-mail address or mobile number in E.164, with the password or a one-time code."""

    login: _Login
    password: str | None = None
    code: Annotated[
        str | None,
        Field(description="Of `POST /sessions/code`, instead of the password.", examples=["204816"]),
    ] = None
    otp: Annotated[
        str | None,
        Field(
            description="A code of the authenticator app, or a recovery code, where the account wants one: "
            "the answer without it is 401 `second_factor_required`.",
            examples=["591027"],
        ),
    ] = None


class Address(Body):
    """Where a code shall go: an e-mail address or a mobile number in E.164."""

    login: _Login


class NewPassword(Body):
    """A new password, with the code that came."""

    login: _Login
    code: _Code
    new_password: Annotated[str, Field(description="8 to 256 visible characters, hard to guess.")]


@router.post(
    "/sessions",
    response={201: Session},
    operation_id="openSession",
    openapi_extra=refusals(
        401,
        429,
        body=True,
        public=True,
        extra=example({"login": "demo@example.com", "password": "everline-demo"}),
    ),
)
def sign_in(request: HttpRequest, body: SignIn) -> HttpResponse:
    """Sign in: a token for the Authorization header, good for 90 days.

    Whatever is wrong with login, password or code, the answer is 401 `invalid_credentials`.
    """
    device = read_device(request.META)
    session = open_session(
        login=body.login,
        password=body.password,
        code=body.code,
        otp=body.otp,
        client=client_address(request),
        label=request.headers.get("User-Agent", ""),
        country=device.country,
        now=clock.now(),
    )
    return reply(session_shape(session, profile_of(session.customer)), status=201)


@router.post(
    "/sessions/code",
    response={202: Accepted},
    operation_id="requestSignInCode",
    openapi_extra=refusals(429, body=True, public=True, extra=example({"login": "+447700900123"})),
)
def send_code(request: HttpRequest, body: Address) -> HttpResponse:
    """Send a one-time code to sign in with, by e-mail or SMS.

    The answer is the same, whoever has the address.
    """
    request_sign_in_code(login=body.login, client=client_address(request), now=clock.now())
    return reply(accepted_shape(), status=202)


@router.post(
    "/password/recover",
    response={202: Accepted},
    operation_id="recoverPassword",
    openapi_extra=refusals(429, body=True, public=True, extra=example({"login": "demo@example.com"})),
)
def recover(request: HttpRequest, body: Address) -> HttpResponse:
    """Send a code for a new password, by e-mail or SMS. The answer is always the same.

    Recovery needs a verified address: an e-mail address that is not gets a new welcome link instead.
    """
    request_recovery_code(login=body.login, client=client_address(request), now=clock.now())
    return reply(accepted_shape(), status=202)


@router.post(
    "/password/reset",
    response={204: None},
    operation_id="resetPassword",
    openapi_extra=refusals(
        429,
        body=True,
        public=True,
        extra=example({"login": "demo@example.com", "code": "204816", "new_password": "quiet-lantern-42"}),
    ),
)
def reset(request: HttpRequest, body: NewPassword) -> HttpResponse:
    """Set a new password with the code that came. Every session of the customer ends.

    Whatever is wrong with login or code, the answer is 422 `code_invalid`. A second factor stays on.
    """
    reset_password(
        login=body.login,
        code=body.code,
        new_password=body.new_password,
        device=read_device(request.META),
        now=clock.now(),
    )
    return no_content()


@router.delete(
    "/sessions/current",
    auth=CustomerToken(),
    response={204: None},
    operation_id="closeSession",
    openapi_extra=refusals(),
)
def sign_out(request: CustomerRequest) -> HttpResponse:
    """Make the token of this request worthless."""
    close_session(token=bearer_token(request), now=clock.now())
    return no_content()
