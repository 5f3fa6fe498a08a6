from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from everline.accounts.selectors import profile_of
from everline.accounts.services import close_session, open_session
from everline.api.answers import no_content, reply
from everline.api.auth import CustomerRequest, CustomerToken, bearer_token, client_address
from everline.api.documents import example, refusals
from everline.api.inputs import Body
from everline.api.shapes.customers import Session, session_shape
from everline.core import clock

router = Router()


class SignIn(Body):
    """E-mail address or mobile number in E.164, with the password."""

    login: Annotated[str, Field(examples=["demo@example.com", "+447700900123"])]
    password: str


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
    """Sign in: a token for the Authorization header, good for 90 days."""
    session = open_session(
        login=body.login,
        password=body.password,
        client=client_address(request),
        label=request.headers.get("User-Agent", ""),
        now=clock.now(),
    )
    return reply(session_shape(session, profile_of(session.customer)), status=201)


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
