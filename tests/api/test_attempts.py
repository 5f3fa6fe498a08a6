from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from everline.catalog.services import publish_version
from everline.catalog.specs import PriceSpec, VersionSpec
from everline.catalog.terms import Term
from everline.catalog.types import Text
from everline.core import clock
from everline.core.money import Money
from everline.orders.models import Order, TimelineEntry
from everline.payments.errors import OutcomeUnknown, TemporarilyUnavailable
from everline.payments.models import Attempt
from everline.payments.types import PaymentState
from tests.api.test_orders import placed
from tests.api.world import Api, World, faulty_fields, refusal
from tests.payments.fakes import FakeProvider

BACK = "http://testserver/anywhere?x=1#y"
CARD = {"method": "card", "return_url": BACK}


@pytest.fixture
def order(world: World, signed_in: tuple[Api, Any], provider: FakeProvider) -> dict[str, Any]:
    return placed(world, signed_in[0])


def pay(api: Api, order: dict[str, Any], key: str = "pay-1", **changes: Any) -> Any:
    return api.post(f"/orders/{order['id']}/attempts", {**CARD, **changes}, key=key)


def test_a_payment_starts_with_the_page_to_go_to(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in

    answer = pay(api, order)

    assert answer.status_code == 201, answer.content
    attempt = answer.json()
    assert attempt["id"].startswith("att_")
    assert (attempt["status"], attempt["method"]) == ("requires_action", "card")
    assert attempt["amount"] == order["total"]
    assert attempt["next_action"] == {"type": "redirect", "url": "https://pay.example/pay_1"}
    assert attempt["failure"] is None
    shown = api.get(f"/orders/{order['id']}").json()
    assert shown["attempts"] == [attempt]
    assert [step["event"] for step in shown["timeline"]] == ["order.placed", "payment.started"]
    assert shown["amount_due"] == shown["total"], "nothing is paid yet"
    assert Attempt.objects.get().return_url == BACK


def test_starting_a_payment_adds_few_reads(
    signed_in: Any, order: Any, provider: FakeProvider, django_assert_max_num_queries: Any
) -> None:
    api, _ = signed_in

    # Token; key, order, attempt, step, key; then outcome, its trace, the end of the key, and what is shown.
    with django_assert_max_num_queries(16):
        assert pay(api, order).status_code == 201


def test_a_double_click_is_one_payment(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    first = pay(api, order)

    again = pay(api, order)

    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert provider.named("start") == [first.json()["id"]]


def test_the_same_key_for_another_payment_is_refused(
    signed_in: Any, order: Any, provider: FakeProvider
) -> None:
    api, _ = signed_in
    pay(api, order)

    assert refusal(pay(api, order, method="paypal")) == (422, "idempotency_key_reused")
    assert refusal(pay(api, order, return_url=BACK + "2")) == (422, "idempotency_key_reused")
    assert len(provider.named("start")) == 1


def test_a_second_open_payment_is_refused_and_the_first_named(
    signed_in: Any, order: Any, provider: FakeProvider
) -> None:
    api, _ = signed_in
    first = pay(api, order).json()

    second = pay(api, order, key="pay-2")

    assert refusal(second) == (409, "attempt_open")
    assert second.json()["attempt"] == first["id"]
    assert Attempt.objects.count() == 1
    assert [step.event for step in TimelineEntry.objects.order_by("id")] == [
        "order.placed",
        "payment.started",
    ]


def test_an_open_payment_can_be_cancelled_and_another_tried(
    signed_in: Any, order: Any, provider: FakeProvider
) -> None:
    api, _ = signed_in
    first = pay(api, order).json()
    path = f"/orders/{order['id']}/attempts/{first['id']}/cancel"

    cancelled = api.post(path)
    again = api.post(path)
    second = pay(api, order, key="pay-2", method="paypal")

    assert cancelled.status_code == again.status_code == 200
    assert cancelled.json()["status"] == "failed"
    assert cancelled.json()["failure"]["code"] == "cancelled"
    assert cancelled.json()["failure"]["message"]
    assert cancelled.json()["next_action"] is None
    assert again.json() == cancelled.json()
    assert second.status_code == 201
    assert provider.named("cancel") == ["pay_1"], "asked once"


def test_cancelling_what_was_paid_meanwhile_shows_the_truth(
    signed_in: Any, order: Any, provider: FakeProvider
) -> None:
    api, _ = signed_in
    attempt = pay(api, order).json()
    provider.capture("pay_1")

    answer = api.post(f"/orders/{order['id']}/attempts/{attempt['id']}/cancel")

    assert answer.json()["status"] == "captured"
    assert Order.objects.get().status in {"paid", "fulfilling"}


def test_no_answer_is_no_failure(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    provider.after["start"] = [OutcomeUnknown("fake", "timeout")]

    lost = pay(api, order)
    again = pay(api, order)

    assert (lost.status_code, lost.json()["status"], lost.json()["failure"]) == (201, "unknown", None)
    assert (again.status_code, again.json()["status"]) == (201, "requires_action")
    assert again.json()["id"] == lost.json()["id"], "the same key goes on with the same payment"
    assert len(provider.payments) == 1


def test_a_provider_that_is_away_is_said_so(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    provider.failing["start"] = [TemporarilyUnavailable("fake", "429", retry_after=7)]

    away = pay(api, order)
    again = pay(api, order)

    assert refusal(away) == (503, "provider_unavailable")
    assert away["Retry-After"] == "7"
    assert again.status_code == 201
    assert Attempt.objects.count() == 1


def test_a_decline_at_once_says_why(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    provider.start_state = PaymentState.FAILED

    answer = pay(api, order).json()

    assert (answer["status"], answer["next_action"]) == ("failed", None)
    assert answer["failure"]["code"] == "generic_decline"
    assert "card" in answer["failure"]["message"]
    assert api.get(f"/orders/{order['id']}").json()["status"] == "awaiting_payment", "it stays payable"


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"method": "cheque"}, 422, "method_unavailable"),
        ({"method": "wallet"}, 422, "method_unavailable"),
        ({"method": "x" * 1000}, 422, "method_unavailable"),
        ({"method": ""}, 422, "method_unavailable"),
        ({"method": 4242424242424242}, 422, "validation_failed"),
        ({"return_url": "https://evil.example/"}, 422, "return_url_not_allowed"),
        ({"return_url": "https://testserver/"}, 422, "return_url_not_allowed"),
        ({"return_url": "http://testserver:81/"}, 422, "return_url_not_allowed"),
        ({"return_url": "http://testserver@evil.example/"}, 422, "return_url_not_allowed"),
        ({"return_url": "http://testserver\\@evil.example/"}, 422, "return_url_not_allowed"),
        ({"return_url": "javascript:alert(1)"}, 422, "return_url_not_allowed"),
        ({"return_url": "//testserver/"}, 422, "return_url_not_allowed"),
        ({"return_url": "/relative"}, 422, "return_url_not_allowed"),
        ({"return_url": "http://[broken"}, 422, "return_url_not_allowed"),
        ({"return_url": "http://testserver/" + "x" * 3000}, 422, "return_url_not_allowed"),
        ({"return_url": "http://testserver/\r\nX: y"}, 422, "return_url_not_allowed"),
        ({"return_url": ""}, 422, "return_url_not_allowed"),
        ({"return_url": None}, 422, "validation_failed"),
        ({"accept_total": 5}, 422, "validation_failed"),
        ({"accept_total": {"amount": 1.5, "currency": "USD"}}, 422, "validation_failed"),
        ({"accept_total": {"amount": 2**63, "currency": "USD"}}, 422, "validation_failed"),
        ({"accept_total": {"amount": 5, "currency": "XXX"}}, 422, "unknown_currency"),
    ],
)
def test_a_payment_that_cannot_be_right(
    signed_in: Any, order: Any, provider: FakeProvider, wrong: dict[str, Any], status: int, code: str
) -> None:
    api, _ = signed_in

    answer = pay(api, order, **wrong)

    assert refusal(answer) == (status, code)
    assert Attempt.objects.count() == 0
    assert provider.calls == []
    assert TimelineEntry.objects.count() == 1
    if code == "return_url_not_allowed":
        assert list(faulty_fields(answer)) == ["return_url"]
    assert pay(api, order).status_code == 201, "the key is still free"


def test_a_payment_needs_a_key(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in

    answer = api.post(f"/orders/{order['id']}/attempts", CARD)

    assert refusal(answer) == (400, "idempotency_key_required")
    assert Attempt.objects.count() == 0


def test_pages_of_the_brands_list_may_be_returned_to(world: World, signed_in: Any, order: Any) -> None:
    api, _ = signed_in
    world.brand.allowed_return_origins = ["https://app.example"]
    world.brand.save()

    assert pay(api, order, return_url="https://app.example/done").status_code == 201


def test_a_cancelled_order_takes_no_payment(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    api.post(f"/orders/{order['id']}/cancel")

    answer = pay(api, order)

    assert refusal(answer) == (409, "order_not_payable")
    assert answer.json()["current_status"] == "cancelled"
    assert Attempt.objects.count() == 0


def test_an_order_past_its_time_takes_no_payment(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    clock.set_offset(timedelta(hours=25))

    assert refusal(pay(api, order)) == (409, "order_not_payable")
    assert provider.calls == []


def test_too_many_failed_payments_of_one_order(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    provider.start_state = PaymentState.FAILED

    answers = [pay(api, order, key=f"pay-{number}") for number in range(11)]

    assert [answer.status_code for answer in answers] == [201] * 10 + [429]
    assert refusal(answers[-1]) == (429, "too_many_failed_attempts")
    assert int(answers[-1]["Retry-After"]) > 0
    assert len(provider.named("start")) == 10


def reprice(world: World, order: dict[str, Any], amount: int) -> None:
    plan = Order.objects.get(pk=order["id"]).plan_version.plan
    spec = VersionSpec(
        name=Text("Japan", "日本"),
        summary=Text("Japan.", "日本。"),
        hotspot=Text("Yes.", "可以。"),
        term=Term("month", 1),
        data_bytes=1,
        voice_seconds=0,
        sms_count=0,
        supplier_code="JP",
        prices=(PriceSpec("USD", 1), PriceSpec("EUR", 1), PriceSpec("CNY", 1)),
        networks=(("JP", "44010"),),
    )
    prices = (PriceSpec("USD", amount), PriceSpec("EUR", amount), PriceSpec("CNY", amount))
    publish_version(plan=plan, spec=replace(spec, prices=prices), now=clock.now())


def test_a_changed_price_is_paid_with_consent_only(
    world: World, signed_in: Any, order: Any, provider: FakeProvider
) -> None:
    api, _ = signed_in
    reprice(world, order, 2499)
    clock.set_offset(timedelta(minutes=31))

    asked = pay(api, order)
    wrong = pay(api, order, key="pay-2", accept_total={"amount": 2498, "currency": "USD"})
    agreed = pay(api, order, key="pay-3", accept_total=asked.json()["total"])

    assert refusal(asked) == (409, "price_changed")
    assert asked.json()["total"] == {"amount": 2499, "currency": "USD"}
    assert refusal(wrong) == (409, "price_changed")
    assert agreed.status_code == 201
    assert agreed.json()["amount"] == {"amount": 2499, "currency": "USD"}
    assert [each.amount for each in provider.payments.values()] == [Money(2499, "USD")]
    shown = api.get(f"/orders/{order['id']}").json()
    assert shown["total"]["amount"] == 2499
    assert shown["plan_version"] == 2


def test_within_the_quotes_time_a_price_change_does_not_matter(
    world: World, signed_in: Any, order: Any
) -> None:
    api, _ = signed_in
    reprice(world, order, 2499)

    assert pay(api, order).json()["amount"]["amount"] == 1999


def test_attempts_belong_to_their_order(
    world: World, signed_in: Any, order: Any, provider: FakeProvider
) -> None:
    api, _ = signed_in
    other = placed(world, api)
    attempt = pay(api, order).json()

    for path in (
        f"/orders/{other['id']}/attempts/{attempt['id']}/cancel",
        f"/orders/{order['id']}/attempts/att_0000000000000/cancel",
        f"/orders/{order['id']}/attempts/nonsense/cancel",
        f"/orders/{order['id']}/attempts/%00/cancel",
    ):
        assert refusal(api.post(path)) == (404, "not_found")
    assert provider.named("cancel") == []


def test_an_undecided_cancel_changes_nothing(signed_in: Any, order: Any, provider: FakeProvider) -> None:
    api, _ = signed_in
    attempt = pay(api, order).json()
    provider.failing["cancel"] = [OutcomeUnknown("fake", "timeout")]

    refused = api.post(f"/orders/{order['id']}/attempts/{attempt['id']}/cancel")

    assert refusal(refused) == (409, "payment_undecided")
    assert api.get(f"/orders/{order['id']}").json()["attempts"][0]["status"] == "requires_action"
