"""An order's page: what it says in every state, and its news as they happen."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import translation

from everline.accounts.models import Customer
from everline.core import clock, streams
from everline.core.money import Money
from everline.orders.live import listener
from everline.orders.models import Order
from everline.orders.selectors import OrderView
from everline.orders.services.tracking import Note, write_timeline
from everline.orders.timeline import Step
from everline.portal.tracking import RETURN_IS_FRESH, track
from tests.portal.bank import Bank
from tests.portal.conftest import Page, Shop

Enter = Callable[[Customer], Client]
PAID = [Step.PAYMENT_STARTED, Step.PAYMENT_CAPTURED, Step.FULFILMENT_STARTED]
GOOD_END = [*PAID, Step.PERIOD_OPENED, Step.FULFILLED]


@pytest.fixture(autouse=True)
def _silence_afterwards() -> Iterator[None]:
    yield
    listener.stop()
    assert streams.slots.open == 0, "every stream gave its slot back"


class Tracked:
    """A customer with one order, and a browser that looks at it."""

    def __init__(self, shop: Shop, enter: Enter) -> None:
        self.shop = shop
        self.customer = shop.customer()
        self.line = shop.line(self.customer)
        self.order = shop.order(self.customer, self.line, shop.plan())
        self.client = enter(self.customer)
        self.address = f"/orders/{self.order.id}/"

    def tell(self, *steps: Step) -> None:
        write_timeline([Note(self.order.id, step) for step in steps], now=clock.now())

    def become(self, status: str, **changes: Any) -> None:
        Order.objects.filter(pk=self.order.pk).update(status=status, **changes)

    def page(self, query: str = "") -> Page:
        return Page(self.client.get(self.address + query))

    def stream(self, query: str = "", **headers: str) -> Any:
        return self.client.get(f"{self.address}events/{query}", headers=headers)


@pytest.fixture
def tracked(shop: Shop, enter: Enter, bank: Bank) -> Tracked:
    return Tracked(shop, enter)


def read(response: HttpResponseBase) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


def shut(response: HttpResponseBase) -> None:
    """Close an answer as the server does when its reader has gone; the test keeps its own connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def names(text: str) -> list[str]:
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]


# --- What it says -----------------------------------------------------------------------------------------


def attempt(status: str, **values: Any) -> SimpleNamespace:
    return SimpleNamespace(id="att_1", status=status, failure_code="", **values)


def refund(status: str, amount: int = 1999, *, kept: bool = True) -> SimpleNamespace:
    return SimpleNamespace(status=status, amount=Money(amount, "USD"), attempt=SimpleNamespace(kept=kept))


def view(status: str = "awaiting_payment", *steps: Step, **values: Any) -> OrderView:
    """An order as the rooms hand it out, made of plain values."""
    now = clock.now()
    order = SimpleNamespace(
        status=status,
        created_at=now,
        priced_until=now + timedelta(minutes=30),
        expires_at=now + timedelta(hours=24),
        paid_at=now if status in {"paid", "fulfilling", "fulfilled"} or values.get("paid") else None,
        fulfilled_at=now if status == "fulfilled" else None,
        deliver_by=now + timedelta(minutes=70),
    )
    return cast(
        "OrderView",
        SimpleNamespace(
            order=order,
            attempts=values.get("attempts", ()),
            refunds=values.get("refunds", ()),
            periods=values.get("periods", ()),
            timeline=[SimpleNamespace(event=step, at=now) for step in steps],
        ),
    )


@pytest.mark.parametrize(
    ("given", "key", "tone", "says"),
    [
        (view(), "unpaid", "info", "The price is promised until"),
        (view(attempts=[attempt("requires_action")]), "open", "warn", "cancel it to choose another"),
        (view(attempts=[attempt("unknown")]), "checking", "info", "do not pay again"),
        (view(attempts=[attempt("processing")]), "checking", "info", "do not pay again"),
        (view(attempts=[attempt("failed")]), "failed", "bad", "Your order waits until"),
        (view("paid", *PAID), "setting_up", "info", "being set up"),
        (view("fulfilling", *PAID), "setting_up", "info", "being set up"),
        (view("fulfilling", *PAID, Step.FULFILMENT_DELAYED), "delayed", "warn", "all your money goes back"),
        (view("fulfilled", *GOOD_END), "done", "good", "starts with the first use"),
        (view("fulfilled", *GOOD_END, Step.CONFIRMED), "done", "good", "confirmation was sent"),
        (view("needs_attention"), "attention", "warn", "Please do not pay again"),
        (view("needs_attention", refunds=[refund("pending")]), "refunding", "warn", "$19.99, is on its way"),
        (view("needs_attention", refunds=[refund("failed")]), "attention", "warn", "Our team takes care"),
        (view("refunded", refunds=[refund("succeeded")]), "refunded", "good", "depending on your bank"),
        (
            view("partially_refunded", refunds=[refund("succeeded", 500)]),
            "partly_refunded",
            "good",
            "rest of your plan goes on",
        ),
        (view("expired"), "expired", "info", "nothing was charged"),
        (view("cancelled"), "cancelled", "info", "nothing was charged"),
        (view("expired", attempts=[attempt("surplus")]), "expired", "info", "goes back to you in full"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_every_state_says_what_happens_next(given: OrderView, key: str, tone: str, says: str) -> None:
    with translation.override("en"):
        found = track(given, zone="UTC", now=clock.now())

    assert (found.situation.key, found.situation.tone) == (key, tone)
    assert says in f"{found.situation.title} {found.situation.text}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (view(), "done current todo todo"),
        (view("paid", *PAID), "done done current todo"),
        (view("fulfilled", *GOOD_END), "done done done current"),
        (view("fulfilled", *GOOD_END, Step.CONFIRMED), "done done done done"),
        (view("expired"), "done stopped todo todo"),
        (view("cancelled"), "done stopped todo todo"),
        (view("needs_attention", *PAID, paid=True), "done done stopped todo"),
        (view("refunded", *PAID, paid=True), "done done stopped todo"),
    ],
)
def test_the_stages_drawn(given: OrderView, expected: str) -> None:
    found = track(given, zone="UTC", now=clock.now())

    assert " ".join(stage.state for stage in found.stages) == expected


def test_an_order_that_ran_out_is_over_before_the_sweep_says_so() -> None:
    given = view()

    found = track(given, zone="UTC", now=given.order.expires_at)

    assert found.situation.key == "expired"
    assert not found.payable


def test_back_from_the_payment_page_nothing_is_offered_but_to_wait() -> None:
    given = view(attempts=[attempt("requires_action")])
    now = clock.now()

    just_back = track(given, zone="UTC", now=now, returned="att_1", at=now)
    later = track(given, zone="UTC", now=now + RETURN_IS_FRESH, returned="att_1", at=now)
    another = track(given, zone="UTC", now=now, returned="att_2", at=now)
    from_tomorrow = track(given, zone="UTC", now=now, returned="att_1", at=now + timedelta(days=1))

    assert (just_back.situation.key, just_back.waiting) == ("checking", True)
    assert 0 < just_back.again <= RETURN_IS_FRESH.total_seconds() + 1, "the page turns by time alone"
    assert {later.situation.key, another.situation.key, from_tomorrow.situation.key} == {"open"}
    assert not later.waiting


def test_only_what_moves_is_followed_without_scripts() -> None:
    waits, works = view(), view("fulfilling", *PAID)
    over = view("fulfilled", *GOOD_END, Step.CONFIRMED)
    found = [track(each, zone="UTC", now=clock.now()) for each in (waits, works, over)]

    assert [(each.moving, each.live) for each in found] == [(False, True), (True, True), (False, False)]


def test_money_that_was_never_kept_is_not_called_returned_plan_money() -> None:
    given = view("refunded", refunds=[refund("succeeded", 700, kept=False), refund("succeeded", 1999)])

    found = track(given, zone="UTC", now=clock.now())

    assert "$19.99" in found.situation.title or "19.99" in found.situation.title
    assert "26.99" not in found.situation.title


# --- The page ---------------------------------------------------------------------------------------------


def test_a_page_that_moves_works_without_scripts_too(tracked: Tracked) -> None:
    tracked.become("fulfilling", paid_at=clock.now())

    page = tracked.page()

    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.html
    assert f'data-events="/orders/{tracked.order.id}/events/"' in page.html
    assert 'data-situation="setting_up"' in page.html
    assert page.forbidden == []


def test_a_page_that_only_waits_is_not_reloaded_under_the_readers_hands(tracked: Tracked) -> None:
    page = tracked.page()

    assert "http-equiv" not in page.html
    assert "data-live=" in page.html


def test_a_page_that_is_over_follows_nothing(tracked: Tracked) -> None:
    tracked.become("cancelled")
    tracked.tell(Step.CANCELLED)

    page = tracked.page()

    assert "data-live=" not in page.html
    assert "http-equiv" not in page.html
    assert "nothing was charged" in page.text


def test_a_script_gets_the_moving_part_alone(tracked: Tracked) -> None:
    whole = tracked.client.get(tracked.address)
    part = tracked.client.get(tracked.address, headers={"X-Part": "tracking"})
    nonsense = tracked.client.get(tracked.address, headers={"X-Part": "everything"})

    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert part.content.decode().lstrip().startswith('<div id="tracking"')
    assert "X-Part" in part["Vary"]
    assert part["Cache-Control"] == "private, no-store"
    assert "<html" in nonsense.content.decode()


@pytest.mark.parametrize(
    "query", ["?returned=att_x&at=9e9", "?at=-1", "?returned=%00&at=999999999999", "?at=１"]
)
def test_nonsense_in_the_address_is_as_if_it_were_not_there(tracked: Tracked, query: str) -> None:
    assert "Not paid yet" in tracked.page(query).text


def test_the_tab_says_where_the_order_stands(tracked: Tracked) -> None:
    tracked.become("fulfilling", paid_at=clock.now())

    page = tracked.page()

    assert page.title.startswith(f"Payment received · Order {tracked.order.number}")
    assert 'data-title="Payment received' in page.html


# --- Its news ---------------------------------------------------------------------------------------------


def test_a_stream_tells_the_steps_in_the_customers_language(tracked: Tracked) -> None:
    tracked.tell(Step.CANCELLED)
    tracked.become("cancelled")

    response = tracked.stream(**{"Accept-Language": "zh-hans"})

    assert response["Content-Type"] == "text/event-stream"
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-store", "no")
    text = read(response)
    assert text.startswith("retry: 2000\n\n")
    assert names(text) == ["order.placed", "order.cancelled"]
    assert "data: Order placed" in text


def test_a_stream_goes_on_where_the_page_stands(tracked: Tracked) -> None:
    tracked.tell(*PAID)
    seen = tracked.page().html.split('data-after="')[1].split('"')[0]
    tracked.tell(Step.CANCELLED)
    tracked.become("cancelled")

    by_address = read(tracked.stream(f"?after={seen}"))
    by_header = read(tracked.stream("?after=0", **{"Last-Event-ID": seen}))

    assert names(by_address) == names(by_header) == ["order.cancelled"]


def test_whoever_saw_the_end_is_told_not_to_come_back(tracked: Tracked) -> None:
    tracked.become("expired")
    seen = tracked.page().html.split('data-after="')[1].split('"')[0]

    answer = tracked.stream(f"?after={seen}")

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("query", ["?after=nonsense", "?after=-1", "?after=" + "9" * 40, "?after=１"])
def test_an_event_that_is_none_means_from_the_start(tracked: Tracked, query: str) -> None:
    tracked.become("cancelled")

    assert names(read(tracked.stream(query))) == ["order.placed"]


def test_above_the_cap_the_page_looks_now_and_then(tracked: Tracked, settings: Any) -> None:
    settings.EVERLINE_MAX_STREAMS = 1
    tracked.become("cancelled")

    held = tracked.stream()
    refused = tracked.stream()
    shut(held)
    free = tracked.stream()

    assert refused.status_code == 503
    assert int(refused["Retry-After"]) > 0
    assert names(read(free)) == ["order.placed"]


def test_orders_of_others_and_strangers_get_nothing(tracked: Tracked, enter: Enter) -> None:
    stranger = enter(tracked.shop.customer())

    for path in ("", "events/"):
        assert stranger.get(tracked.address + path).status_code == 404
    assert stranger.post(f"{tracked.address}cancel/").status_code == 404
    signed_out = Client().get(f"{tracked.address}events/")
    assert signed_out.status_code == 303
    assert signed_out["Location"].startswith("/sign-in/")
    assert tracked.client.post(f"{tracked.address}events/").status_code == 405
    tracked.order.refresh_from_db()
    assert tracked.order.status == "awaiting_payment"


@pytest.mark.parametrize("order", ["nonsense", "ord_0000000000000", "cus_0000000000000", "%00"])
def test_orders_that_do_not_exist(tracked: Tracked, order: str) -> None:
    for path in ("", "events/"):
        assert tracked.client.get(f"/orders/{order}/{path}").status_code == 404
