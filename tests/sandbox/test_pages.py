import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from everline.core import clock
from everline.sandbox.models import Dispute, Payment, Webhook
from tests.sandbox.world import RETURN_URL, Starter, fetch, in_database, pay, post

pytestmark = in_database


class Page(HTMLParser):
    """The parts of a page that the tests ask about."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.text = answer.content.decode()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str, **attrs: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag and all(a.get(k) == v for k, v in attrs.items())]


def challenged(browser: Client, payment: dict[str, Any], number: str = "4000002500003155") -> str:
    """Pay with a 3-D Secure card; the address of the bank's page."""
    answer = pay(browser, payment, number)
    assert answer.status_code == 303
    assert answer["Location"].startswith(f"/pay/{payment['id']}/3ds/")
    return str(answer["Location"])


def test_the_page_has_one_form_with_the_fields_of_the_contract(browser: Client, start: Starter) -> None:
    page = Page(browser.get(f"/pay/{start()['id']}"))

    assert len(page.all("form")) == 1
    assert page.all("form")[0]["method"] == "post"
    fields = {a["name"] for t, a in page.tags if t in {"input", "button", "select"} and a.get("name")}
    assert fields == {"method", "number", "expiry", "cvc", "action"}
    assert [b["value"] for b in page.all("button", name="action")] == ["pay", "cancel"]
    assert "TEST" in page.text
    assert "$19.99" in page.text
    assert "Europe 30 days" in page.text


def test_a_good_card_pays_and_leads_back(browser: Client, start: Starter, shop_api: Client) -> None:
    payment = start()

    answer = pay(browser, payment)

    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    paid = fetch(shop_api, payment)
    assert (paid["status"], paid["captured"]) == ("captured", 1999)
    assert paid["method"] == {"kind": "card", "brand": "visa", "last4": "4242", "wallet": None}
    assert paid["version"] > payment["version"]
    event = Webhook.objects.get()
    assert (event.type, event.target) == ("payment.captured", "payments")


def test_only_the_contracts_fields_are_needed(browser: Client, start: Starter, shop_api: Client) -> None:
    payment = start()

    answer = browser.post(
        f"/pay/{payment['id']}", {"number": "5555 5555 5555 4444", "expiry": "01/39", "cvc": "999"}
    )

    assert answer.status_code == 303
    assert fetch(shop_api, payment)["method"]["brand"] == "mastercard"


@pytest.mark.parametrize(
    ("number", "code", "hard"),
    [
        ("4000000000000002", "generic_decline", False),
        ("4000000000009995", "insufficient_funds", False),
        ("4000000000009987", "lost_card", True),
        ("4000000000009979", "stolen_card", True),
        ("4000000000000069", "expired_card", True),
        ("4000000000000127", "incorrect_cvc", False),
        ("4000000000000119", "processing_error", False),
        ("4000000000000341", "generic_decline", False),
        ("4539578763621486", "test_mode_live_card", True),
    ],
)
def test_a_declined_card_fails_the_payment_and_leads_back(
    browser: Client, start: Starter, shop_api: Client, number: str, code: str, hard: bool
) -> None:
    payment = start()

    answer = pay(browser, payment, number)

    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    failed = fetch(shop_api, payment)
    assert (failed["status"], failed["captured"]) == ("failed", 0)
    assert (failed["failure"]["code"], failed["failure"]["hard"]) == (code, hard)
    assert failed["method"]["last4"] == number[-4:]
    assert Webhook.objects.get().type == "payment.failed"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"number": "4242424242424241"}, "number"),
        ({"number": ""}, "number"),
        ({"expiry": "01/20"}, "expiry"),
        ({"expiry": "13/40"}, "expiry"),
        ({"cvc": "1"}, "cvc"),
        ({"cvc": ""}, "cvc"),
        ({"method": "cash"}, "method"),
        ({"method": "paypal"}, "method"),
        ({"action": "steal"}, "action"),
    ],
)
def test_a_mistake_is_shown_and_the_payment_stays_open(
    browser: Client, start: Starter, shop_api: Client, form: dict[str, str], field: str
) -> None:
    payment = start()

    answer = pay(browser, payment, **form)

    page = Page(answer)
    assert answer.status_code == 422
    assert page.all("div", role="alert")
    assert page.all("a", href=f"#{field}")
    assert any(a.get("id") == field for _, a in page.tags)
    assert "<title>Error:" in page.text
    assert len(page.all("form")) == 1
    assert fetch(shop_api, payment)["status"] == "requires_action"
    assert not Webhook.objects.exists()


def test_a_wrong_field_is_tied_to_its_message(browser: Client, start: Starter) -> None:
    page = Page(pay(browser, start(), number="1"))

    field = page.all("input", id="number")[0]
    assert field["aria-invalid"] == "true"
    assert "number-error" in str(field["aria-describedby"])
    assert page.all("p", id="number-error")


def test_a_card_number_is_never_given_back_nor_kept(browser: Client, start: Starter) -> None:
    payment = start()

    page = pay(browser, payment, "4242424242424242", cvc="x")
    pay(browser, payment, "4242424242424242")

    assert b"42424242" not in page.content.replace(b"4242 4242 4242 4242", b"")
    row = Payment.objects.get(pk=payment["id"])
    kept = repr({field.name: getattr(row, field.name) for field in row._meta.fields})
    assert "42424242" not in kept
    assert re.search(r"\b123\b", kept) is None


def test_cancel_on_the_page_fails_the_payment_and_leads_back(
    browser: Client, start: Starter, shop_api: Client
) -> None:
    payment = start()

    answer = browser.post(f"/pay/{payment['id']}", {"action": "cancel"})

    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment)["failure"]["code"] == "cancelled"


@pytest.mark.parametrize("method", ["apple_pay", "google_pay", "alipay", "wechat_pay"])
def test_a_wallet_agrees_at_once(browser: Client, start: Starter, shop_api: Client, method: str) -> None:
    payment = start(method=method)
    page = Page(browser.get(f"/pay/{payment['id']}"))

    answer = browser.post(f"/pay/{payment['id']}", {"method": method, "number": "", "expiry": "", "cvc": ""})

    assert [a["value"] for a in page.all("input", type="radio") if "checked" in a] == [method]
    assert "simulated" in page.text
    assert answer.status_code == 303
    paid = fetch(shop_api, payment)
    assert (paid["status"], paid["method"]["kind"]) == ("captured", method)
    assert paid["method"]["wallet"] == (method if method in {"apple_pay", "google_pay"} else None)


def test_paypal_has_one_form_to_approve_or_cancel(browser: Client, start: Starter, shop_api: Client) -> None:
    approved, cancelled = start(method="paypal"), start(method="paypal")
    page = Page(browser.get(f"/pay/{approved['id']}"))

    answers = [
        browser.post(f"/pay/{approved['id']}", {"action": "approve"}),
        browser.post(f"/pay/{cancelled['id']}", {"action": "cancel"}),
    ]

    assert len(page.all("form")) == 1
    assert [b["value"] for b in page.all("button", name="action")] == ["approve", "cancel"]
    assert [(a.status_code, a["Location"]) for a in answers] == [(303, RETURN_URL)] * 2
    assert fetch(shop_api, approved)["method"] == {
        "kind": "paypal",
        "brand": None,
        "last4": None,
        "wallet": None,
    }
    assert fetch(shop_api, cancelled)["failure"]["code"] == "cancelled"


def test_approve_means_nothing_on_the_card_page(browser: Client, start: Starter, shop_api: Client) -> None:
    payment = start()

    assert browser.post(f"/pay/{payment['id']}", {"action": "approve"}).status_code == 422
    assert fetch(shop_api, payment)["status"] == "requires_action"


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184", "4000000000003220"])
def test_a_3ds_card_pays_when_approved(
    browser: Client, start: Starter, shop_api: Client, number: str
) -> None:
    payment = start()
    bank = challenged(browser, payment, number)
    page = Page(browser.get(bank))
    before = fetch(shop_api, payment)

    answer = browser.post(bank, {"action": "approve"})

    assert len(page.all("form")) == 1
    assert [b["value"] for b in page.all("button", name="action")] == ["approve", "fail", "abandon"]
    assert before["status"] == "requires_action"
    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment)["status"] == "captured"


@pytest.mark.parametrize(
    ("number", "action", "code"),
    [
        ("4000002500003155", "fail", "authentication_failed"),
        ("4000008400001629", "approve", "generic_decline"),
        ("4000008260003178", "approve", "insufficient_funds"),
        ("4000008400001629", "fail", "authentication_failed"),
    ],
)
def test_a_3ds_payment_fails(
    browser: Client, start: Starter, shop_api: Client, number: str, action: str, code: str
) -> None:
    payment = start()

    answer = browser.post(challenged(browser, payment, number), {"action": action})

    assert (answer.status_code, answer["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment)["failure"]["code"] == code
    assert Webhook.objects.get().type == "payment.failed"


def test_abandon_leaves_the_payment_open(browser: Client, start: Starter, shop_api: Client) -> None:
    payment = start()
    bank = challenged(browser, payment)

    answer = browser.post(bank, {"action": "abandon"})

    assert answer.status_code == 200
    assert Page(answer).all("a", href=f"/pay/{payment['id']}")
    assert fetch(shop_api, payment)["status"] == "requires_action"
    assert not Webhook.objects.exists()
    assert pay(browser, payment).status_code == 303
    assert fetch(shop_api, payment)["status"] == "captured"


@pytest.mark.parametrize("action", ["", "pay", "x" * 500])
def test_the_bank_wants_a_clear_answer(
    browser: Client, start: Starter, shop_api: Client, action: str
) -> None:
    payment = start()

    answer = browser.post(challenged(browser, payment), {"action": action})

    assert answer.status_code == 422
    assert Page(answer).all("div", role="alert")
    assert fetch(shop_api, payment)["status"] == "requires_action"


def test_a_replaced_challenge_decides_nothing(browser: Client, start: Starter, shop_api: Client) -> None:
    payment = start()
    old = challenged(browser, payment, "4000002500003155")
    new = challenged(browser, payment, "4000008260003178")

    answer = browser.post(old, {"action": "approve"})

    assert answer.status_code == 409
    assert Page(answer).all("a", href=f"/pay/{payment['id']}")
    assert fetch(shop_api, payment)["status"] == "requires_action"
    assert browser.post(new, {"action": "approve"}).status_code == 303
    assert fetch(shop_api, payment)["failure"]["code"] == "insufficient_funds"


@pytest.mark.parametrize("number", ["4242424242424242", "4000000000000002"])
def test_submitting_twice_counts_once_and_leads_back(
    browser: Client, start: Starter, shop_api: Client, number: str
) -> None:
    payment = start()
    pay(browser, payment, number)
    first = fetch(shop_api, payment)

    again = pay(browser, payment, "4242424242424242")

    assert (again.status_code, again["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment) == first
    assert Webhook.objects.count() == 1


def test_answering_the_bank_twice_counts_once(browser: Client, start: Starter, shop_api: Client) -> None:
    payment = start()
    bank = challenged(browser, payment)
    browser.post(bank, {"action": "approve"})

    again = browser.post(bank, {"action": "fail"})

    assert (again.status_code, again["Location"]) == (303, RETURN_URL)
    assert fetch(shop_api, payment)["status"] == "captured"
    assert Page(browser.get(bank)).all("a", href=RETURN_URL)


def test_reloading_after_payment_says_so_and_shows_the_way_back(browser: Client, start: Starter) -> None:
    payment = start()
    pay(browser, payment)

    answer = browser.get(f"/pay/{payment['id']}")

    page = Page(answer)
    assert answer.status_code == 200
    assert "Already paid" in page.text
    assert page.all("a", href=RETURN_URL)
    assert not page.all("form")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_payment_cancelled_by_the_shop_cannot_be_paid(
    browser: Client, start: Starter, shop_api: Client, method: str
) -> None:
    payment = start()
    post(shop_api, f"/provider/v1/payments/{payment['id']}/cancel", {}, key="k")

    answer = pay(browser, payment) if method == "post" else browser.get(f"/pay/{payment['id']}")

    page = Page(answer)
    assert answer.status_code == 410
    assert "cancelled" in page.text
    assert page.all("a", href=RETURN_URL)
    assert not page.all("form")
    assert fetch(shop_api, payment)["captured"] == 0


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_expired_payment_cannot_be_paid(
    browser: Client, start: Starter, shop_api: Client, method: str
) -> None:
    payment = start()
    clock.set_offset(timedelta(hours=2))

    answer = pay(browser, payment) if method == "post" else browser.get(f"/pay/{payment['id']}")

    assert answer.status_code == 410
    assert "time to pay is over" in answer.content.decode()
    assert fetch(shop_api, payment)["captured"] == 0


def test_a_payment_that_expires_at_the_bank_is_not_captured(
    browser: Client, start: Starter, shop_api: Client
) -> None:
    payment = start()
    bank = challenged(browser, payment)
    clock.set_offset(timedelta(hours=2))

    answer = browser.post(bank, {"action": "approve"})

    assert answer.status_code == 410
    assert fetch(shop_api, payment)["captured"] == 0


@pytest.mark.parametrize("path", ["/pay/pay_0000000000000", "/pay/x", "/pay/x/3ds/y", "/nothing", "/pay/%00"])
def test_an_unknown_address_is_a_friendly_404(browser: Client, path: str) -> None:
    answer = browser.get(path)

    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_pages_take_get_and_post_only(browser: Client, start: Starter, method: str) -> None:
    assert getattr(browser, method)(f"/pay/{start()['id']}").status_code == 405


def test_pages_are_strict_about_what_may_load_and_where_forms_lead(browser: Client, start: Starter) -> None:
    payment = start()
    for path in (f"/pay/{payment['id']}", challenged(browser, payment)):
        answer = browser.get(path)

        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["form-action"] == "'self' http://shop.example:8000"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "no-store"
        assert not answer.cookies
        page = Page(answer)
        assert not page.all("script")
        assert not [a for _, a in page.tags if "style" in a or any(name.startswith("on") for name in a)]


def test_pages_are_made_for_everyone(browser: Client, start: Starter) -> None:
    page = Page(browser.get(f"/pay/{start()['id']}"))

    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == 1
    assert len(page.all("h1")) == 1
    labels = {a.get("for") for a in page.all("label")}
    assert {"number", "expiry", "cvc"} <= labels
    assert [a["autocomplete"] for a in page.all("input", type="text")] == ["cc-number", "cc-exp", "cc-csc"]
    assert len(page.all("fieldset")) == len(page.all("legend")) == 2
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("locale", "accept", "lang"),
    [
        ("zh-hans", "en", "zh-Hans"),
        ("zh_CN", "en", "zh-Hans"),
        ("en", "zh-CN", "en"),
        ("xx", "zh-CN,zh;q=0.9", "zh-Hans"),
        ("xx", "fr", "en"),
    ],
)
def test_the_language_is_the_payments_else_the_browsers(
    start: Starter, locale: str, accept: str, lang: str
) -> None:
    payment = start(locale=locale)

    answer = Client(headers={"Accept-Language": accept}).get(f"/pay/{payment['id']}")

    assert Page(answer).all("html")[0]["lang"] == lang
    assert answer["Content-Language"] == lang


@pytest.mark.parametrize(
    ("currency", "amount", "shown"), [("JPY", 1999, "1,999"), ("KWD", 1999, "1.999"), ("EUR", 5, "0.05")]
)
def test_the_amount_has_the_currencys_digits(
    browser: Client, start: Starter, currency: str, amount: int, shown: str
) -> None:
    page = Page(browser.get(f"/pay/{start(currency=currency, amount=amount)['id']}"))

    assert shown in page.text


def test_what_the_shop_sends_is_escaped(browser: Client, start: Starter) -> None:
    payment = start(description="<script>alert(1)</script>", order='"><b>')

    page = Page(browser.get(f"/pay/{payment['id']}"))

    assert not page.all("script")
    assert not page.all("b")


@pytest.mark.parametrize(
    ("number", "reason"),
    [("4000000000000259", "fraudulent"), ("4000000000002685", "product_not_received")],
)
def test_a_dispute_card_pays_and_is_disputed(
    browser: Client, start: Starter, shop_api: Client, number: str, reason: str
) -> None:
    payment = start()

    pay(browser, payment, number)

    assert fetch(shop_api, payment)["status"] == "captured"
    dispute = Dispute.objects.get()
    assert (dispute.payment_id, dispute.reason, dispute.amount, dispute.status) == (
        payment["id"],
        reason,
        1999,
        "open",
    )


def test_the_front_page_lists_the_cards_in_both_languages() -> None:
    english = Client(headers={"Accept-Language": "en"}).get("/")
    chinese = Client(headers={"Accept-Language": "zh-CN"}).get("/")

    assert b"4000 0000 0000 9995" in english.content
    assert Page(english).all("html")[0]["lang"] == "en"
    assert Page(chinese).all("html")[0]["lang"] == "zh-Hans"
    assert Page(english).all("th", scope="col")


def test_the_style_sheet_is_served_for_good(browser: Client, start: Starter) -> None:
    page = Page(browser.get(f"/pay/{start()['id']}"))
    address = page.all("link", rel="stylesheet")[0]["href"]

    answer = browser.get(str(address))

    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    assert b"@import" not in answer.content
    assert b"http" not in answer.content


def test_the_tab_has_a_picture(browser: Client, start: Starter) -> None:
    page = Page(browser.get(f"/pay/{start()['id']}"))

    answer = browser.get(str(page.all("link", rel="icon")[0]["href"]))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/svg+xml"
    assert b"script" not in answer.content


def test_healthz(browser: Client) -> None:
    assert browser.get("/healthz").json() == {"status": "ok"}
