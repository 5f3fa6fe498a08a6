from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from everline.accounts import selectors
from everline.accounts.services import register_customer, update_profile
from everline.api.answers import reply
from everline.api.auth import CustomerRequest, CustomerToken, client_address
from everline.api.documents import example, refusals
from everline.api.inputs import Body, Patch
from everline.api.shapes.customers import Customer, customer_shape
from everline.core import clock

router = Router()

_Locale = Annotated[str | None, Field(description="`zh-hans` (default) or `en`.", examples=["en"])]
_Timezone = Annotated[
    str | None, Field(description="A name of the IANA database.", examples=["Asia/Shanghai"])
]
_Currency = Annotated[
    str | None, Field(description="ISO 4217; the brand's where left out.", examples=["USD"])
]


class NewCustomer(Body):
    """Somebody who registers: an e-mail address, a mobile number in E.164, or both."""

    email: Annotated[str | None, Field(examples=["li@example.com"])] = None
    phone: Annotated[str | None, Field(examples=["+8613800138000"])] = None
    password: Annotated[str, Field(description="8 to 256 visible characters, hard to guess.")]
    locale: _Locale = None
    timezone: _Timezone = None
    currency: _Currency = None


class ProfileChange(Patch):
    """New settings; what is left out or null stays. E-mail and phone are changed in the portal."""

    locale: _Locale = None
    timezone: _Timezone = None
    currency: _Currency = None
    notifications: Annotated[
        dict[str, list[str]] | None,
        Field(description="Topic to channels, e.g. `expiry_reminders` to `email`, `sms`, `push`."),
    ] = None


@router.post(
    "/customers",
    response={201: Customer},
    operation_id="registerCustomer",
    openapi_extra=refusals(
        429,
        body=True,
        public=True,
        extra=example({"email": "li@example.com", "password": "quiet-lantern-42"}),
    ),
)
def register(request: HttpRequest, body: NewCustomer) -> HttpResponse:
    """Open an account.

    The customer may sign in at once. A taken address gets the same answer, and its owner a mail.
    """
    profile = register_customer(
        brand=selectors.brand_for_host(request.get_host()),
        email=body.email,
        phone=body.phone,
        password=body.password,
        locale=body.locale,
        timezone=body.timezone,
        currency=body.currency,
        client=client_address(request),
        now=clock.now(),
    )
    return reply(customer_shape(profile), status=201)


@router.get(
    "/me",
    auth=CustomerToken(),
    response={200: Customer},
    operation_id="readProfile",
    openapi_extra=refusals(),
)
def read_profile(request: CustomerRequest) -> HttpResponse:
    """The customer who asks."""
    return reply(customer_shape(selectors.profile_of(request.auth)))


@router.patch(
    "/me",
    auth=CustomerToken(),
    response={200: Customer},
    operation_id="changeProfile",
    openapi_extra=refusals(body=True, extra=example({"locale": "en", "timezone": "Europe/Berlin"})),
)
def change_profile(request: CustomerRequest, body: ProfileChange) -> HttpResponse:
    """Change language, time zone, currency or notifications."""
    customer = update_profile(
        customer=request.auth,
        locale=body.locale,
        timezone=body.timezone,
        currency=body.currency,
        notifications=body.notifications,
    )
    return reply(customer_shape(selectors.profile_of(customer)))
