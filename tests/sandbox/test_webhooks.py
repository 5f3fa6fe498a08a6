from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from everline.core import clock, sandbox_link
from everline.sandbox import engine
from everline.sandbox.models import Webhook
from tests.sandbox.shop import Received, Shop
from tests.sandbox.world import TOKEN, Starter, in_database, pay, plan, post

pytestmark = in_database


def captured(start: Starter, browser: Client) -> dict[str, Any]:
    payment = start()
    assert pay(browser, payment).status_code == 303
    return payment


def genuine(request: Received) -> bool:
    secret = sandbox_link.webhook_secret(TOKEN)
    now = clock.real_now().timestamp()
    return sandbox_link.verify(secret, request.headers["Sandbox-Signature"], request.body, real_time=now)


def deliver(*, after: timedelta = timedelta(0)) -> list[str]:
    """What the engine does, `after` the time that has passed on the business clock."""
    return engine.run_due(clock.now() + after)


def test_a_webhook_is_signed_and_names_the_payment(shop: Shop, start: Starter, browser: Client) -> None:
    payment = captured(start, browser)

    done = deliver()

    request = shop.webhooks[0]
    assert request.path == "/webhooks/payments/sandbox"
    assert request.headers["Content-Type"] == "application/json"
    assert genuine(request)
    event = request.json
    assert event["id"].startswith("evt_")
    assert event["type"] == "payment.captured"
    assert event["created"].endswith("Z")
    assert event["data"] == {
        "payment": payment["id"],
        "reference": payment["reference"],
        "refund": None,
        "refund_reference": None,
    }
    assert done == [f"webhook payment.captured {event['id']}"]
    assert Webhook.objects.get().status == "delivered"


def test_a_delivered_webhook_is_not_sent_again(shop: Shop, start: Starter, browser: Client) -> None:
    captured(start, browser)
    deliver()

    assert deliver(after=timedelta(days=4)) == []
    assert len(shop.webhooks) == 1


def test_signatures_use_real_time_even_when_the_clock_has_moved(
    shop: Shop, start: Starter, browser: Client
) -> None:
    clock.set_offset(timedelta(days=400))
    captured(start, browser)

    deliver()

    assert genuine(shop.webhooks[0])


def test_a_refused_webhook_is_retried_with_growing_waits(shop: Shop, start: Starter, browser: Client) -> None:
    captured(start, browser)
    shop.answers.extend([500, 404, 400, 301, 500, 500, 500])
    waits = []

    deliver()
    while (due := Webhook.objects.get().due_at) is not None:
        waits.append(round((due - clock.now()).total_seconds()))
        clock.set_offset(due - clock.real_now() - timedelta(milliseconds=500))
        assert deliver() == []
        clock.set_offset(due - clock.real_now() + timedelta(milliseconds=1))
        deliver()

    assert waits == [1, 5, 30, 120, 600, 3600, 3600]
    assert len(shop.webhooks) == 8
    assert len({request.body for request in shop.webhooks}) == 1
    assert (Webhook.objects.get().status, Webhook.objects.get().tries) == ("delivered", 8)


def test_a_shop_that_is_down_gets_it_later(
    settings: Any, start: Starter, browser: Client, shop: Shop
) -> None:
    settings.EVERLINE_SHOP_URL = "http://127.0.0.1:9"
    captured(start, browser)
    deliver()
    row = Webhook.objects.get()
    assert (row.status, row.tries, row.answer) == ("pending", 1, None)
    assert row.error

    settings.EVERLINE_SHOP_URL = shop.url
    assert deliver() == []
    deliver(after=timedelta(seconds=2))

    assert Webhook.objects.get().status == "delivered"


def test_after_three_days_it_is_given_up(shop: Shop, start: Starter, browser: Client) -> None:
    captured(start, browser)
    shop.answers.extend([500, 500])
    deliver()

    clock.set_offset(timedelta(days=3, seconds=5))
    deliver()

    assert Webhook.objects.get().status == "given_up"
    assert deliver() == []


def test_a_clock_jump_makes_retries_due(shop: Shop, start: Starter, browser: Client) -> None:
    captured(start, browser)
    shop.answers.extend([500] * 3)
    for seconds in (0, 2, 10):
        clock.set_offset(timedelta(seconds=seconds))
        deliver()
    assert deliver() == []

    clock.set_offset(timedelta(hours=1))
    deliver()

    assert Webhook.objects.get().status == "delivered"


def test_events_of_one_payment_arrive_in_their_order(
    shop: Shop, start: Starter, browser: Client, shop_api: Client
) -> None:
    payments = [captured(start, browser) for _ in range(6)]
    for number, payment in enumerate(payments):
        body = {"reference": f"ref_{number}", "amount": 1, "reason": ""}
        post(shop_api, f"/provider/v1/payments/{payment['id']}/refunds", body, key=f"ref_{number}")

    deliver()

    for payment in payments:
        mine = [r.json["type"] for r in shop.webhooks if r.json["data"]["payment"] == payment["id"]]
        assert mine == ["payment.captured", "refund.succeeded"]


def test_duplicate_sends_the_same_event_twice(
    shop: Shop, control: Client, start: Starter, browser: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "duplicate"})
    captured(start, browser)

    deliver()

    assert len(shop.webhooks) == 2
    assert shop.webhooks[0].body == shop.webhooks[1].body
    assert all(genuine(request) for request in shop.webhooks)


def test_lose_never_sends_it(shop: Shop, control: Client, start: Starter, browser: Client) -> None:
    plan(control, {"at": "webhook", "fault": "lose"})
    captured(start, browser)
    other = captured(start, browser)

    deliver(after=timedelta(days=30))

    assert [request.json["data"]["payment"] for request in shop.webhooks] == [other["id"]]
    assert Webhook.objects.order_by("id")[0].status == "lost"


@pytest.mark.parametrize(("entry", "wait"), [({"seconds": 600}, 600), ({}, 60)])
def test_delay_sends_it_later_by_the_business_clock(
    shop: Shop, control: Client, start: Starter, browser: Client, entry: dict[str, Any], wait: int
) -> None:
    plan(control, {"at": "webhook", "fault": "delay", **entry})
    captured(start, browser)

    assert deliver(after=timedelta(seconds=wait - 5)) == []
    deliver(after=timedelta(seconds=wait + 1))

    assert len(shop.webhooks) == 1


def test_reorder_sends_it_after_the_next_event(
    shop: Shop, control: Client, start: Starter, browser: Client, shop_api: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "reorder"})
    payment = captured(start, browser)
    assert deliver() == []
    body = {"reference": "ref_1", "amount": 1, "reason": ""}
    post(shop_api, f"/provider/v1/payments/{payment['id']}/refunds", body, key="ref_1")

    deliver()
    deliver()

    assert [r.json["type"] for r in shop.webhooks] == ["refund.succeeded", "payment.captured"]


def test_a_reordered_event_that_nothing_overtakes_comes_after_all(
    shop: Shop, control: Client, start: Starter, browser: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "reorder"})
    captured(start, browser)

    deliver(after=timedelta(seconds=6))

    assert len(shop.webhooks) == 1


def test_reordering_holds_within_one_batch_too(
    shop: Shop, control: Client, start: Starter, browser: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "reorder"})
    first, second = captured(start, browser), captured(start, browser)

    deliver(after=timedelta(seconds=6))

    assert [r.json["data"]["payment"] for r in shop.webhooks] == [second["id"], first["id"]]


def test_bad_signature_is_mended_at_the_retry(
    shop: Shop, control: Client, start: Starter, browser: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "bad_signature"})
    captured(start, browser)
    shop.answers.append(400)

    deliver()
    deliver(after=timedelta(seconds=2))

    assert [genuine(request) for request in shop.webhooks] == [False, True]


@pytest.mark.parametrize("fault", ["drop_before", "http_500", "http_429"])
def test_a_general_fault_costs_a_webhook_its_first_try(
    shop: Shop, control: Client, start: Starter, browser: Client, fault: str
) -> None:
    plan(control, {"at": "webhook", "fault": fault})
    captured(start, browser)

    deliver()
    assert shop.webhooks == []
    deliver(after=timedelta(seconds=2))

    assert len(shop.webhooks) == 1


def test_drop_after_sends_it_and_forgets_the_answer(
    shop: Shop, control: Client, start: Starter, browser: Client
) -> None:
    plan(control, {"at": "webhook", "fault": "drop_after"})
    captured(start, browser)

    deliver()
    assert len(shop.webhooks) == 1
    deliver(after=timedelta(seconds=2))

    assert len(shop.webhooks) == 2


def test_control_lists_what_was_sent_newest_first(
    shop: Shop, control: Client, start: Starter, browser: Client
) -> None:
    captured(start, browser)
    deliver()
    plan(control, {"at": "webhook", "fault": "lose"})
    captured(start, browser)

    rows = control.get("/control/webhooks").json()["data"]

    assert [(row["status"], row["attempts"], row["response_status"]) for row in rows] == [
        ("lost", 0, None),
        ("delivered", 1, 200),
    ]
    assert rows[1]["body"] == shop.webhooks[0].json
    assert rows[0]["fault"] == "lose"


@pytest.mark.parametrize("by", ["id", "event"])
def test_redeliver_sends_the_same_event_again(
    shop: Shop, control: Client, start: Starter, browser: Client, by: str
) -> None:
    plan(control, {"at": "webhook", "fault": "lose"})
    captured(start, browser)
    row = control.get("/control/webhooks").json()["data"][0]

    answer = post(control, f"/control/webhooks/{row[by]}/redeliver", {})
    deliver()

    assert answer.status_code == 201
    assert shop.webhooks[0].json == row["body"]


@pytest.mark.parametrize("ident", ["0", "9" * 30, "evt_none", "²"])
def test_redeliver_of_nothing_is_404(control: Client, ident: str) -> None:
    assert post(control, f"/control/webhooks/{ident}/redeliver", {}).status_code == 404
