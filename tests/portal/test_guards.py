"""Every address of the portal, found in its routes: a new one cannot be forgotten.

Forms of other sites do nothing, visitors are led to the sign-in, and other people's things are not there.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, reverse

from everline.accounts.models import Customer, WebSession
from everline.lines.models import Line
from everline.orders.models import Order
from everline.payments.models import Attempt
from everline.portal.urls import urlpatterns
from tests.portal.bank import Bank
from tests.portal.conftest import PASSWORD, Page, Shop
from tests.portal.people import browser, proven, sign_in

ROUTES = {str(pattern.name): pattern for pattern in urlpatterns}
#: What anybody may see; all else is a customer's own.
PUBLIC = {
    "landing",
    "language",
    "robots",
    "sitemap",
    "destinations",
    "suggest",
    "plans",
    "compare",
    "place",
    "checkout",
    "quotes",
    "theme",
    "register",
    "registered",
    "welcome",
    "sign-in",
    "second",
    "code",
    "code-enter",
    "code-again",
    "passkey",
    "passkey-options",
    "sign-out",
    "recover",
    "recover-enter",
    "recover-again",
    "gallery",
    "error-page",
    "mails",
    "mail",
    "mail-document",
    "brand-css",
    "brand-logo",
}
#: Parts of addresses that name a customer's thing, and those that name nobody's.
OWN_PARTS = frozenset({"line_id", "order_id", "quote_id", "attempt_id", "session_id", "passkey_id"})
FREE_PARTS = {
    "place": "japan",
    "token": "no-such-token",
    "brand_id": "leb",
    "look": "0",
    "locale": "en",
    "code": 404,
    "kind": "email",
}
NOBODYS = {
    "line_id": "ln_0000000000000",
    "order_id": "ord_0000000000000",
    "quote_id": "quo_0000000000000",
    "attempt_id": "att_0000000000000",
    "session_id": 10**9,
    "passkey_id": 10**9,
}


def parts(pattern: URLPattern) -> set[str]:
    """The named parts of a route."""
    return set(pattern.pattern.converters) | set(getattr(pattern.pattern.regex, "groupindex", {}))


OWN = sorted(name for name, pattern in ROUTES.items() if parts(pattern) & OWN_PARTS)


@dataclass
class Scene:
    """A customer with one of everything, and a stranger who just signed in."""

    owner: Customer
    door: Client
    stranger: Client
    things: dict[str, Any]
    bank: Bank

    def at(self, name: str, **others: Any) -> str:
        """A route's address, filled with the owner's things."""
        known = {**FREE_PARTS, **self.things, **others}
        if name.startswith("mail"):
            known["kind"] = "welcome"
        return reverse(f"portal:{name}", kwargs={part: known[part] for part in parts(ROUTES[name])})


@pytest.fixture
def scene(shop: Shop, bank: Bank) -> Scene:
    owner = proven(shop)
    line, version = shop.line(owner), shop.plan()
    shop.serve(line, version)
    order = shop.order(owner, line, version)
    door = sign_in(owner)
    pay = f"/orders/{order.id}/pay/"
    door.post(pay, {**Page(door.get(pay)).form(""), "method": "card"})
    made = door.post("/quotes/", {"plan": version.plan_id, "line": line.id, "quantity": "1"})
    passkey = Authenticator.objects.create(
        user=owner.user, type="webauthn", data={"name": "Phone", "credential": {}}
    )
    things = {
        "line_id": line.id,
        "order_id": order.id,
        "quote_id": made["Location"].split("/")[-2],
        "attempt_id": Attempt.objects.get(payable=order.id).id,
        "session_id": WebSession.objects.get(user=owner.user).pk,
        "passkey_id": passkey.pk,
    }
    bank.started.clear()
    return Scene(owner, door, sign_in(proven(shop)), things, bank)


def test_every_part_of_an_address_is_somebodys_or_nobodys() -> None:
    found = set().union(*(parts(pattern) for pattern in urlpatterns))

    assert found == OWN_PARTS | set(FREE_PARTS)
    assert set(ROUTES) >= PUBLIC
    assert not PUBLIC & set(OWN)


def test_no_form_of_another_site_is_taken(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = scene.door.cookies
    before = snapshot(scene)
    form = {"label": "x", "method": "card", "email": "x@example.com"}

    answers = {name: strict.post(scene.at(name), form).status_code for name in ROUTES}

    assert answers == dict.fromkeys(ROUTES, 403)
    assert snapshot(scene) == before
    assert scene.door.get("/account/").status_code == 200, "still signed in"


def test_visitors_are_led_to_the_sign_in(scene: Scene) -> None:
    before = snapshot(scene)

    for name in set(ROUTES) - PUBLIC:
        path = scene.at(name)
        looked, sent = browser().get(path), browser().post(path, {"label": "x"})
        statuses = {looked.status_code, sent.status_code}
        assert statuses in ({303}, {303, 405}), name
        for answer in (looked, sent):
            if answer.status_code == 303:
                assert answer["Location"].split("?")[0] == "/sign-in/", name
            assert scene.things["line_id"] not in answer.content.decode(), name
    assert snapshot(scene) == before


def test_other_peoples_things_are_not_there_and_look_like_nothing_at_all(scene: Scene) -> None:
    before = snapshot(scene)
    form = {"label": "mine", "method": "card", "name": "mine", "token": "t"}

    for name in OWN:
        theirs, nothing = scene.at(name), scene.at(name, **NOBODYS)
        pairs = [
            (scene.stranger.get(theirs), scene.stranger.get(nothing)),
            (scene.stranger.post(theirs, form), scene.stranger.post(nothing, form)),
        ]
        statuses = {found.status_code for found, _ in pairs}
        assert statuses in ({404}, {404, 405}), name
        for found, missing in pairs:
            assert found.status_code == missing.status_code, name
            assert _plain(found, theirs) == _plain(missing, nothing), name
    assert snapshot(scene) == before
    assert scene.bank.started == []


def test_things_named_beside_the_address_are_not_there_either(scene: Scene) -> None:
    line, plan = scene.things["line_id"], Order.objects.get().plan_version.plan_id
    before = snapshot(scene)

    answers = [
        scene.stranger.get(f"/quotes/new/?plan={plan}&line={line}"),
        scene.stranger.post("/quotes/", {"plan": plan, "line": line, "quantity": "1"}),
        scene.stranger.get(f"/plans/{plan}/?line={line}"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert snapshot(scene) == before


@pytest.mark.parametrize("path", ["/language/", "/theme/", "/sign-in/", "/settings/confirm/"])
def test_no_form_leads_to_another_site(scene: Scene, path: str) -> None:
    form = {"language": "en", "theme": "dark", "way": "password", "password": PASSWORD}

    for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"):
        client = browser() if path == "/sign-in/" else scene.door
        answer = client.post(path, {**form, "next": wanted, "login": str(scene.owner.email)})

        assert answer.status_code == 303, wanted
        assert answer["Location"].split("?")[0] in {"/", "/account/", "/settings/security/"}, wanted


def snapshot(scene: Scene) -> Any:
    """What a stranger's request might have changed of the owner's."""
    order = Order.objects.get(pk=scene.things["order_id"])
    return (
        order.status,
        Order.objects.count(),
        Line.objects.get(pk=scene.things["line_id"]).label,
        Attempt.objects.get(pk=scene.things["attempt_id"]).status,
        WebSession.objects.get(pk=scene.things["session_id"]).ended_at,
        Authenticator.objects.get(pk=scene.things["passkey_id"]).data,
        str(Customer.objects.get(pk=scene.owner.pk).email),
    )


def _plain(answer: Any, path: str) -> str:
    """A page without its address and its one-time secrets."""
    html = answer.content.decode().replace(path, "")
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|/theme/|/language/', "", html)
