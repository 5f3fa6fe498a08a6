from typing import Any

import pytest

from everline.catalog.errors import PlanWithdrawn
from everline.catalog.services import withdraw_plan
from everline.core import clock
from everline.core.errors import NotFound
from everline.core.idempotency import InProgress, KeyRequired, KeyReused
from everline.core.money import Money
from everline.core.states import transition
from everline.lines.states import ServiceState
from everline.orders.errors import (
    LineSuspended,
    OrderNotPayable,
    PaymentUndecided,
    PriceChanged,
    ReturnUrlRefused,
    TooManyFailedAttempts,
    TooManyOrders,
)
from everline.orders.models import Order
from everline.orders.services import paying
from everline.orders.services.paying import PaymentRequest, cancel_attempt, check_return_url, start_payment
from everline.orders.services.placing import cancel_order
from everline.payments.errors import (
    AttemptOpen,
    MethodUnavailable,
    OutcomeUnknown,
    ProviderUnavailable,
    TemporarilyUnavailable,
)
from everline.payments.models import Attempt
from everline.payments.types import PaymentState
from everline.usage.errors import LineTerminated, StackLimit
from tests.orders.shop import BACK, Shop, at_once

pytestmark = pytest.mark.django_db


def pay(order: Order, key: str | None = "k", **more: Any) -> Any:
    request = PaymentRequest(order.id, **{"method": "card", "return_url": BACK, **more})
    return start_payment(customer=order.customer, request=request, key=key, now=clock.now())


class TestStarting:
    def test_the_intent_is_there_before_the_provider_hears_of_it(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order, seen = shop.order(), []
        plain = shop.provider.start

        def start(spec: Any) -> Any:
            seen.append((Attempt.objects.get().status, spec.key, spec.payable, spec.amount))
            return plain(spec)

        monkeypatch.setattr(shop.provider, "start", start)
        attempt = shop.start(order)

        assert seen == [("created", attempt.id, order.id, order.total)]
        assert (attempt.status, attempt.redirect_url) == ("requires_action", "https://pay.example/pay_1")
        assert (attempt.description, attempt.expires_at) == (order.number, order.expires_at)
        assert shop.timeline(order) == ["order.placed", "payment.started"]

    def test_a_decline_at_once_is_told_and_leaves_the_order_payable(self, shop: Shop) -> None:
        order = shop.order()
        shop.provider.start_state = PaymentState.FAILED

        attempt = shop.start(order)
        shop.dispatch()

        assert (attempt.status, attempt.failure_code) == ("failed", "generic_decline")
        assert shop.timeline(order)[-1] == "payment.failed"
        assert shop.mails(order) == ["payment_failed"]
        shop.provider.start_state = PaymentState.REQUIRES_ACTION
        assert shop.start(order).status == "requires_action"

    def test_money_that_comes_at_once_is_settled_like_any_other(self, shop: Shop) -> None:
        order = shop.order()
        shop.provider.start_state = PaymentState.CAPTURED

        assert shop.start(order).status == "processing"
        assert shop.settle() == 1

        assert shop.status(order) == "fulfilling"

    def test_a_new_method_can_be_tried_after_a_failure(self, shop: Shop) -> None:
        order = shop.order()
        shop.fail(shop.start(order))
        shop.settle()

        second = shop.start(order, method="paypal")

        assert second.method == "paypal"
        assert shop.attempts(order) == [("failed", "generic_decline"), ("requires_action", "")]


class TestKey:
    def test_scenario_9_a_repeat_finds_the_attempt_as_it_is(self, shop: Shop) -> None:
        order = shop.order()
        first, again = pay(order), pay(order)

        assert (first.replayed, again.replayed) == (False, True)
        assert first.object_id == again.object_id
        shop.capture(Attempt.objects.get())
        shop.settle()
        shop.wait(hours=3)
        assert pay(order).object_id == first.object_id
        assert len(shop.provider.named("start")) == 1
        assert shop.timeline(order).count("payment.started") == 1

    @pytest.mark.parametrize(
        "other", [{"method": "paypal"}, {"return_url": f"{BACK}?x"}, {"accept_total": Money(1, "USD")}]
    )
    def test_scenario_9_the_same_key_with_another_body_is_refused(
        self, shop: Shop, other: dict[str, Any]
    ) -> None:
        order = shop.order()
        pay(order)

        with shop.refused(KeyReused):
            pay(order, **other)

    def test_a_key_is_required(self, shop: Shop) -> None:
        order = shop.order()

        with shop.refused(KeyRequired):
            pay(order, key=None)

    def test_scenario_10_after_a_crash_before_the_call_the_key_continues(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = shop.order()

        def crash(**_asked: object) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(paying.payments, "start_known_attempt", crash)
            with pytest.raises(SystemExit):
                pay(order)
        assert [each.status for each in Attempt.objects.all()] == ["created"]

        with pytest.raises(InProgress):
            pay(order)
        shop.wait(seconds=61)
        continued = pay(order)

        assert not continued.replayed
        assert Attempt.objects.get().status == "requires_action"
        assert shop.provider.named("start") == [continued.object_id]

    def test_scenario_6_an_unknown_outcome_is_retried_at_once_by_the_same_key(self, shop: Shop) -> None:
        order = shop.order()
        shop.provider.after["start"] = [OutcomeUnknown("fake")]

        first = pay(order)
        assert Attempt.objects.get().status == "unknown"
        assert shop.timeline(order)[-1] == "payment.checking"
        with pytest.raises(AttemptOpen):
            pay(order, key="other")
        again = pay(order)

        assert again.object_id == first.object_id
        assert Attempt.objects.get().status == "requires_action"
        assert len(shop.provider.payments) == 1
        assert shop.mails(order) == []

    def test_scenario_6_what_stays_unknown_is_told_once(self, shop: Shop) -> None:
        order = shop.order()
        shop.provider.failing["start"] = [OutcomeUnknown("fake") for _ in range(3)]

        for _ in range(3):
            pay(order)

        assert shop.timeline(order) == ["order.placed", "payment.started", "payment.checking"]
        assert shop.attempts(order) == [("unknown", "")]

    def test_a_provider_that_is_away_leaves_the_key_open(self, shop: Shop) -> None:
        order = shop.order()
        shop.provider.failing["start"] = [TemporarilyUnavailable("fake", retry_after=7)]

        with pytest.raises(ProviderUnavailable) as caught:
            pay(order)
        assert caught.value.extra["retry_after"] == 7
        assert shop.attempts(order) == [("created", "")]

        assert pay(order).object_id == caught.value.extra["attempt"]
        assert shop.attempts(order) == [("requires_action", "")]


class TestRefusals:
    @pytest.mark.parametrize("end", ["paid", "cancelled", "too old"])
    def test_an_order_that_takes_no_money(self, shop: Shop, end: str) -> None:
        order = shop.order()
        if end == "paid":
            shop.pay(order)
            shop.settle()
        elif end == "cancelled":
            cancel_order(customer=order.customer, order_id=order.id, now=clock.now())
        else:
            shop.wait(hours=24)

        with shop.refused(OrderNotPayable) as caught:
            pay(order)
        assert caught.value.extra == {"status": shop.status(order)}

    def test_another_customer_s_order_is_not_found(self, shop: Shop) -> None:
        order, stranger = shop.order(), shop.customer()

        for wrong in (order.id, "ord_0000000000000", "quo_1", ""):
            with shop.refused(NotFound):
                request = PaymentRequest(wrong, "card", BACK)
                start_payment(customer=stranger, request=request, key="k", now=clock.now())

    def test_scenario_8_a_second_open_attempt(self, shop: Shop) -> None:
        order = shop.order()
        open_one = shop.start(order)

        with shop.refused(AttemptOpen) as caught:
            pay(order)
        assert caught.value.extra == {"attempt": open_one.id}

    @pytest.mark.parametrize("method", ["bitcoin", "", "wallet", "CARD"])
    def test_a_method_nobody_takes(self, shop: Shop, method: str) -> None:
        order = shop.order()

        with shop.refused(MethodUnavailable):
            pay(order, method=method)

    def test_a_line_that_has_ended_since_the_quote(self, shop: Shop) -> None:
        line = shop.line()
        order = shop.order(line)
        transition(line, to=ServiceState.TERMINATED)

        with shop.refused(LineTerminated):
            pay(order)

    def test_a_line_that_was_suspended_since_the_quote(self, shop: Shop) -> None:
        line = shop.line()
        order = shop.order(line)
        transition(line, to=ServiceState.SUSPENDED)

        with shop.refused(LineSuspended):
            pay(order)

    def test_a_stack_that_another_order_has_filled_since_the_quote(self, shop: Shop) -> None:
        line, version = shop.line(), shop.plan("year", max_stacked_days=400)
        order, other = shop.order(line, version), shop.order(line, version)
        shop.pay(other)
        shop.settle()
        shop.fulfil()

        with shop.refused(StackLimit):
            pay(order)

    def test_ten_failed_attempts_an_hour(self, shop: Shop) -> None:
        order = shop.order()
        for _ in range(10):
            shop.fail(shop.start(order))
            shop.settle()

        with shop.refused(TooManyFailedAttempts) as caught:
            pay(order)
        assert 0 < caught.value.extra["retry_after"] <= 3600
        assert shop.start(shop.order(order.line))  # another order is another matter
        shop.wait(hours=1, seconds=1)
        assert pay(order)

    def test_attempts_that_the_customer_ended_count_as_well(self, shop: Shop) -> None:
        order = shop.order()
        for code in ["cancelled", "expired"] * 5:
            shop.fail(shop.start(order), code)
            shop.settle()

        with shop.refused(TooManyFailedAttempts):
            pay(order)

    def test_sixty_paid_orders_an_hour(self, shop: Shop, settings: Any) -> None:
        settings.EVERLINE_PAID_ORDERS_PER_HOUR = 2
        line, version = shop.line(), shop.plan("day")
        for _ in range(2):
            shop.paid(line, version)
        order = shop.order(line, version)

        with shop.refused(TooManyOrders):
            pay(order)
        assert shop.start(shop.order(version=version))  # another customer
        shop.wait(hours=1, seconds=1)
        assert pay(order)


class TestPrice:
    def test_scenario_13_within_thirty_minutes_the_old_price_stands(self, shop: Shop) -> None:
        old = shop.plan(amount=1000, slug="p")
        order = shop.order(version=old)
        shop.plan(amount=1500, slug="p")
        shop.wait(minutes=29)

        assert shop.start(order).amount == Money(1000, "USD")

    def test_scenario_13_later_a_new_price_needs_consent(self, shop: Shop) -> None:
        order = shop.order(version=shop.plan(amount=1000, slug="p"), quantity=2)
        new = shop.plan(amount=1500, slug="p")
        shop.wait(minutes=31)

        with shop.refused(PriceChanged) as caught:
            pay(order)
        assert caught.value.extra == {"total": {"amount": 3000, "currency": "USD"}}
        for wrong in (Money(2999, "USD"), Money(2000, "USD"), Money(3000, "EUR")):
            with shop.refused(PriceChanged):
                pay(order, accept_total=wrong)

        pay(order, accept_total=Money(3000, "USD"))

        order.refresh_from_db()
        assert (order.total, order.tax, order.plan_version) == (Money(3000, "USD"), Money(273, "USD"), new)
        assert Attempt.objects.get().amount == Money(3000, "USD")
        assert shop.timeline(order) == ["order.placed", "price.accepted", "payment.started"]

    def test_the_same_price_needs_no_consent(self, shop: Shop) -> None:
        old = shop.plan(amount=1000, slug="p")
        order = shop.order(version=old)
        shop.plan(amount=1000, slug="p", data_bytes=1)
        shop.wait(hours=5)

        shop.start(order)

        order.refresh_from_db()
        assert order.plan_version == old

    def test_consent_to_a_price_that_did_not_change_changes_nothing(self, shop: Shop) -> None:
        order = shop.order(version=shop.plan(amount=1000))

        pay(order, accept_total=Money(1, "USD"))

        assert Attempt.objects.get().amount == Money(1000, "USD")

    def test_scenario_14_a_withdrawn_plan_is_sold_until_its_quote_ends(self, shop: Shop) -> None:
        version = shop.plan()
        early, late = shop.order(version=version), shop.order(version=version)
        withdraw_plan(plan=version.plan, now=clock.now())

        assert shop.start(early)
        shop.wait(minutes=30)
        with shop.refused(PlanWithdrawn):
            pay(late)

    def test_a_new_version_is_held_against_the_line_as_well(self, shop: Shop) -> None:
        order = shop.order(version=shop.plan("month", amount=1000, slug="p"))
        shop.plan("month", 24, amount=9000, slug="p", max_stacked_days=100)
        shop.wait(minutes=31)

        with shop.refused(StackLimit):
            pay(order, accept_total=Money(9000, "USD"))


ALLOWED = frozenset({"https://app.example", "https://shop.example:8443/"})


@pytest.mark.usefixtures("shop")
class TestReturnUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:8000/orders/1/",
            "HTTP://LOCALHOST:8000/orders",
            "http://localhost:8000",
            "http://localhost:8000?next=https://evil.example",
            "http://localhost:8000/#https://evil.example",
            "https://app.example/deep/link?a=b",
            "https://shop.example:8443/back",
        ],
    )
    def test_our_own_and_allowed_pages_are_good(self, url: str) -> None:
        check_return_url(url, ALLOWED)

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/",
            "http://localhost:8000.evil.example/",
            "http://localhost:8000@evil.example/",
            "http://evil.example@localhost:8000/",
            "http://localhost:8000\\@evil.example/",
            "http://localhost:8000\t.evil.example/",
            "http://localhost:8000\n/",
            "http:///localhost:8000/",
            "http:/localhost:8000/",
            "//localhost:8000/",
            "/orders/1/",
            "\\\\evil.example",
            "javascript:alert(1)//http://localhost:8000/",
            "data:text/html,http://localhost:8000",
            "ftp://localhost:8000/",
            "http://localhost/",
            "https://localhost:8000/",
            "http://localhost:80000/",
            "http://[::1",
            "http://app.example/",
            "https://app.example:444/",
            "https://app.exämple/",
            "https://app.example.",
            " https://app.example/",
            "https://app.example/ x",
            "",
            f"https://app.example/{'x' * 2000}",
        ],
    )
    def test_open_redirects_are_refused(self, url: str) -> None:
        with pytest.raises(ReturnUrlRefused) as caught:
            check_return_url(url, ALLOWED)
        assert caught.value.field == "return_url"

    def test_nothing_is_written_when_one_is_refused(self, shop: Shop) -> None:
        order = shop.order()

        with shop.refused(ReturnUrlRefused):
            pay(order, return_url="https://evil.example/")

    def test_a_brand_s_own_list_counts(self, shop: Shop) -> None:
        order = shop.order()
        order.customer.brand.allowed_return_origins = ["https://leb.example"]

        assert pay(order, return_url="https://leb.example/done")


class TestCancellingAnAttempt:
    def test_ends_it_and_leaves_the_order_payable(self, shop: Shop) -> None:
        order = shop.order()
        attempt = shop.start(order)

        ended = cancel_attempt(
            customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now()
        )

        assert (ended.status, ended.failure_code) == ("failed", "cancelled")
        assert shop.mails(order) == []
        assert shop.start(order).status == "requires_action"

    def test_money_that_was_faster_is_taken(self, shop: Shop) -> None:
        order = shop.order()
        attempt = shop.start(order)
        shop.provider.capture("pay_1")

        ended = cancel_attempt(
            customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now()
        )

        assert ended.status == "captured"
        assert shop.status(order) == "fulfilling"

    def test_without_an_answer_it_stays_open(self, shop: Shop) -> None:
        order = shop.order()
        attempt = shop.start(order)
        shop.provider.failing["cancel"] = [OutcomeUnknown("fake")]

        with pytest.raises(PaymentUndecided):
            cancel_attempt(customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now())

        assert shop.attempts(order) == [("requires_action", "")]

    def test_what_has_ended_stays_as_it_is(self, shop: Shop) -> None:
        order = shop.order()
        attempt = shop.pay(order)
        shop.settle()
        calls = len(shop.provider.calls)

        ended = cancel_attempt(
            customer=order.customer, order_id=order.id, attempt_id=attempt.id, now=clock.now()
        )

        assert ended.status == "captured"
        assert len(shop.provider.calls) == calls

    def test_only_one_s_own_is_found(self, shop: Shop) -> None:
        order, other = shop.order(), shop.order()
        attempt = shop.start(order)

        for customer, order_id in (
            (other.customer, order.id),
            (other.customer, other.id),
            (order.customer, "x"),
        ):
            with shop.refused(NotFound):
                cancel_attempt(customer=customer, order_id=order_id, attempt_id=attempt.id, now=clock.now())


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_scenario_8_two_tabs_open_one_attempt(self, shop: Shop) -> None:
        order = shop.order()

        results = at_once(*[lambda key=key: shop.start(order, key=key) for key in "abcd"])  # type: ignore[misc]

        made = [each for each in results if isinstance(each, Attempt)]
        assert len(made) == 1
        assert sum(isinstance(each, AttemptOpen) for each in results) == 3
        assert len(shop.provider.payments) == 1
        assert shop.timeline(order) == ["order.placed", "payment.started"]

    def test_scenario_9_a_double_click_makes_one_attempt(self, shop: Shop) -> None:
        order = shop.order()

        results = at_once(*[lambda: shop.start(order, key="k")] * 4)

        ids = {each.id for each in results if isinstance(each, Attempt)}
        assert len(ids) == 1
        assert all(isinstance(each, Attempt | InProgress) for each in results)
        assert (Attempt.objects.count(), len(shop.provider.payments)) == (1, 1)

    def test_paying_and_cancelling_at_once_lose_no_money(self, shop: Shop) -> None:
        order = shop.order()
        shop.start(order)

        def pays() -> int:
            shop.capture(Attempt.objects.get())
            return shop.settle()

        def cancels() -> Order:
            return cancel_order(customer=order.customer, order_id=order.id, now=clock.now())

        at_once(pays, cancels)
        shop.settle()
        shop.refund()
        shop.fulfil()

        # Whoever was first: service for the money, no money, or (captured after the end) the money back.
        [(attempt, _code)] = shop.attempts(order)
        ends = {("fulfilled", "captured"), ("cancelled", "failed"), ("cancelled", "refunded")}
        assert (str(shop.status(order)), attempt) in ends
        shop.check()
