"""Every page, for visitors, for its owner and for strangers: answers, languages, headers."""

from collections.abc import Callable

import pytest
from django.test import Client

from everline.accounts.models import Customer
from tests.portal.bank import Bank
from tests.portal.conftest import Page, Shop

PUBLIC = [
    "/",
    "/?term=day",
    "/plans/",
    "/plans/?term=year&country=JP&volume=3",
    "/register/",
    "/register/done/",
    "/sign-in/",
]
OWN = [
    "/account/",
    "/settings/",
    "/orders/",
    "/lines/new/",
    "/lines/{line}/",
    "/lines/{line}/renew/",
    "/quotes/{quote}/",
    "/orders/{order}/",
    "/orders/{order}/pay/",
]
OBJECTS = [path for path in OWN if "{" in path] + [
    "/orders/{order}/return/",
    "/orders/{order}/return/{attempt}/",
]
FORMS = [
    "/orders/{order}/cancel/",
    "/orders/{order}/attempts/{attempt}/cancel/",
    "/orders/{order}/pay/",
    "/quotes/{quote}/",
]


class Scene:
    """A customer with a line in service, an offer and an unpaid order; and somebody else."""

    def __init__(self, shop: Shop) -> None:
        self.owner = shop.customer()
        self.stranger = shop.customer()
        line = shop.line(self.owner)
        version = shop.plan()
        shop.serve(line, version, 2)
        order = shop.order(self.owner, line, version)
        client = Client()
        client.force_login(self.owner.user, backend="everline.accounts.backends.CustomerBackend")
        made = client.post("/quotes/", {"plan": version.plan_id, "line": line.id, "quantity": "1"})
        self.ids = {
            "line": line.id,
            "order": order.id,
            "quote": made["Location"].split("/")[-2],
            "attempt": "att_0000000000000",
        }

    def at(self, path: str) -> str:
        return path.format(**self.ids)


@pytest.fixture
def scene(shop: Shop, bank: Bank) -> Scene:
    return Scene(shop)


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize(("asked", "language"), [("en", "en"), ("zh-CN", "zh-Hans"), ("fr", "zh-Hans")])
def test_public_pages_speak_the_visitors_language(scene: Scene, path: str, asked: str, language: str) -> None:
    response = Client(headers={"Accept-Language": asked}).get(path)

    page = Page(response)
    assert response.status_code == 200
    assert page.language == language
    assert response["Content-Language"].lower() == language.lower()
    assert page.title
    assert "<h1>" in page.html


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize(("locale", "language"), [("en", "en"), ("zh-hans", "zh-Hans")])
def test_own_pages_speak_the_customers_language(
    scene: Scene, enter: Callable[[Customer], Client], path: str, locale: str, language: str
) -> None:
    scene.owner.locale = locale
    scene.owner.save()

    response = enter(scene.owner).get(
        scene.at(path), headers={"Accept-Language": "zh" if locale == "en" else "en"}
    )

    page = Page(response)
    assert response.status_code == 200
    assert page.language == language
    assert response["Cache-Control"] == "private, no-store"
    assert page.html.count("<h1>") == 1


@pytest.mark.parametrize("path", [*PUBLIC, *OWN])
def test_no_page_needs_more_than_a_strict_policy_allows(
    scene: Scene, enter: Callable[[Customer], Client], path: str
) -> None:
    response = enter(scene.owner).get(scene.at(path))

    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert Page(response).forbidden == []
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    expected = "'self' https://pay.example" if path.endswith("/pay/") else "'self'"
    assert policy["form-action"] == expected


@pytest.mark.parametrize("path", [*OWN, *FORMS])
def test_visitors_sign_in_first_and_come_back(scene: Scene, path: str) -> None:
    response = Client().get(scene.at(path))

    allowed = {302, 303} if path in OWN or path.endswith(("/pay/", "{quote}/")) else {303, 405}
    assert response.status_code in allowed
    if response.status_code == 303:
        assert response["Location"].startswith("/sign-in/?next=%2F")


@pytest.mark.parametrize("path", OBJECTS)
def test_other_peoples_objects_are_not_there(
    scene: Scene, enter: Callable[[Customer], Client], path: str
) -> None:
    response = enter(scene.stranger).get(scene.at(path))

    assert response.status_code == 404
    assert Page(response).language == "en"


@pytest.mark.parametrize("path", FORMS)
def test_nobody_acts_on_other_peoples_objects(
    scene: Scene, enter: Callable[[Customer], Client], bank: Bank, path: str
) -> None:
    response = enter(scene.stranger).post(scene.at(path), {"token": "t", "method": "card"})

    assert response.status_code == 404
    assert bank.started == []


@pytest.mark.parametrize(
    "path",
    ["/lines/ln_nothing/", "/orders/x/", "/quotes/quo_%00/", "/orders/ord_0000000000000/pay/", "/nothing/"],
)
def test_what_does_not_exist_is_a_page_that_says_so(
    scene: Scene, enter: Callable[[Customer], Client], path: str
) -> None:
    response = enter(scene.owner).get(path, headers={"Accept-Language": "en"})

    assert response.status_code == 404
    assert "could not find" in Page(response).text


def test_the_language_switch_is_remembered(shop: Shop) -> None:
    client = Client(headers={"Accept-Language": "en"})

    answer = client.post("/language/", {"language": "zh-hans", "next": "/plans/"})

    assert (answer.status_code, answer["Location"]) == (303, "/plans/")
    assert Page(client.get("/plans/")).language == "zh-Hans"


def test_the_language_switch_of_a_customer_stays_with_the_customer(
    shop: Shop, enter: Callable[[Customer], Client]
) -> None:
    customer = shop.customer(locale="en")

    enter(customer).post("/language/", {"language": "zh-hans", "next": "/account/"})

    customer.refresh_from_db()
    assert customer.locale == "zh-hans"
    assert Page(enter(customer).get("/account/")).language == "zh-Hans"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_the_language_switch_leads_nowhere_else(shop: Shop, wanted: str) -> None:
    answer = Client().post("/language/", {"language": "xx", "next": wanted})

    assert answer["Location"] == "/"
    assert not answer.cookies


def test_looking_at_the_language_switch_chooses_nothing(shop: Shop) -> None:
    answer = Client().get("/language/?language=en&next=/plans/")

    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert not answer.cookies


def test_a_form_without_its_secret_does_nothing(shop: Shop) -> None:
    customer = shop.customer()
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "zh-CN"})

    answer = client.post("/sign-in/", {"login": customer.email, "password": "quiet-lantern-42"})

    assert answer.status_code == 403
    assert "未执行任何操作" in Page(answer).text
    assert "sessionid" not in client.cookies


def test_a_failure_of_ours_is_a_page_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("everline.portal.views.visitors.stock_for", lambda *_, **__: fail())

    answer = Client(raise_request_exception=False, headers={"Accept-Language": "en"}).get("/")

    assert answer.status_code == 500
    page = Page(answer)
    assert "Something went wrong on our side" in page.text
    assert "boom" not in page.html
    assert page.forbidden == []
