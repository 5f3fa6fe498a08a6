"""Customers at the door: with confirmed addresses, codes read from their messages, and app codes."""

from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.http import HttpResponse
from django.test import Client

from everline.accounts import services
from everline.accounts.models import Customer
from everline.core import clock
from everline.notifications.models import Message
from tests.portal.conftest import PASSWORD, Page, Shop

TOTP_STEP = 30
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


def proven(shop: Shop, phone: str | None = None, **settings: str) -> Customer:
    """A customer whose addresses are confirmed."""
    customer = shop.customer(**settings)
    customer.email_verified_at = clock.now()
    if phone:
        customer.user.phone = phone
        customer.user.save(update_fields=["phone"])
        customer.phone_verified_at = clock.now()
    customer.save()
    return customer


def browser(**headers: str) -> Client:
    """A browser that reads English."""
    return Client(headers={"Accept-Language": "en", **{k.replace("_", "-"): v for k, v in headers.items()}})


def sign_in(customer: Customer, client: Client | None = None) -> Client:
    """A browser in which the customer signed in by password just now."""
    client = client or browser()
    answer = client.post("/sign-in/", {"login": str(customer.user), "password": PASSWORD})
    assert answer.status_code == 303, Page(answer).text
    return client


def read_code(to: str) -> str:
    """The newest code that was sent to an address."""
    services.send_codes(clock.now())
    sent = Message.objects.filter(to=to, private__has_key="code").order_by("-pk").first()
    assert sent is not None, f"nothing was sent to {to}"
    return str(sent.private["code"])


def messages_to(to: str) -> list[str]:
    """The kinds of all messages to an address, oldest first."""
    services.send_codes(clock.now())
    return list(Message.objects.filter(to=to).order_by("pk").values_list("kind", flat=True))


def app_code(secret: str, step: int = 0) -> str:
    """What an authenticator app shows now, or some steps from now."""
    moment = clock.real_now() + timedelta(seconds=step * TOTP_STEP)
    return format_hotp_value(hotp_value(secret.replace(" ", ""), int(moment.timestamp()) // TOTP_STEP))


def switch_on(client: Client) -> tuple[str, list[str]]:
    """Set the second step up through the pages: the secret, and the recovery codes.

    The code that did it counts as unused: tests then need no half minute to pass.
    """
    page = Page(client.get("/settings/second-factor/"))
    secret = client.session["portal.totp"]["secret"]
    answer = client.post(
        "/settings/second-factor/", {**page.form("/settings/second-factor/"), "code": app_code(secret)}
    )
    assert answer.status_code == 200, Page(answer).text
    row = Authenticator.objects.get(user_id=client.session["_auth_user_id"], type="totp")
    row.data["last_step"] = 0
    row.save()
    return secret, codes_on(answer)


def codes_on(answer: HttpResponse) -> list[str]:
    """The recovery codes that a page shows."""
    html = answer.content.decode()
    return [part.split("</code>")[0] for part in html.split("<code>")[1:]]


def json_post(client: Client, path: str, body: Any) -> HttpResponse:
    """A script's request."""
    return client.post(path, body, content_type="application/json")
