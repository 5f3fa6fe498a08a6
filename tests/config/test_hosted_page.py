import httpx
import pytest

from everline.config.demo.hosted_page import only_form, pay_by_card
from everline.config.outcome import CommandError

PAGE = """
<html><body><form method="post" action="/pay/1?x=1">
  <input type="hidden" name="token" value="t&amp;1">
  <input type="radio" name="method" value="card"> <input type="radio" name="method" value="paypal" checked>
  <input name="number"><input name="expiry"><input name="cvc">
  <button name="action" value="pay">Pay</button><button name="action" value="cancel">Back</button>
</form></body></html>
"""


def test_the_form_is_read_as_a_browser_would_send_it() -> None:
    form = only_form(PAGE)

    assert form.action == "/pay/1?x=1"
    assert form.method == "post"
    assert form.fields == {"token", "method", "number", "expiry", "cvc", "action"}
    assert form.values["token"] == "t&1"
    assert form.values["method"] == "paypal"
    assert "action" not in form.values


@pytest.mark.parametrize("html", ["<p>nothing</p>", PAGE + PAGE])
def test_none_or_many_forms_are_refused(html: str) -> None:
    with pytest.raises(CommandError, match="forms instead of one"):
        only_form(html)


def test_paying_sends_the_card_and_returns_where_the_page_leads() -> None:
    seen: list[httpx.Request] = []

    def page(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.method == "GET":
            return httpx.Response(200, text=PAGE)
        return httpx.Response(303, headers={"Location": "http://shop.test/back"})

    with httpx.Client(transport=httpx.MockTransport(page)) as client:
        back = pay_by_card(client, "http://pay.test/pay/1")

    assert back == "http://shop.test/back"
    body = dict(httpx.QueryParams(seen[1].content.decode()))
    assert str(seen[1].url) == "http://pay.test/pay/1?x=1"
    assert body["number"] == "4242424242424242"
    assert (body["method"], body["action"], body["token"]) == ("card", "pay", "t&1")


def test_a_page_that_does_not_lead_back_is_an_error() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=PAGE))

    with httpx.Client(transport=transport) as client, pytest.raises(CommandError, match="instead of 303"):
        pay_by_card(client, "http://pay.test/pay/1")
