from datetime import timedelta

import pytest
from django.db import connection, transaction

from everline.core import clock, ids
from everline.core.audit import ReasonMissing
from everline.core.errors import NotFound
from everline.core.models import AuditEntry, Transition
from everline.orders.errors import (
    CaseStillNeeded,
    NothingToCopy,
    NothingToRetry,
    OrderNotCancellable,
    PaymentUndecided,
    TooManyCopies,
)
from everline.orders.models import Case, Order
from everline.orders.services import staff
from everline.payments.errors import OutcomeUnknown
from everline.suppliers.errors import TemporarilyUnavailable
from everline.suppliers.models import SupplierOrder
from tests.orders.shop import Shop

pytestmark = pytest.mark.django_db


def said(actor: str = "sue@example.com", reason: str = "the customer asked") -> dict[str, object]:
    return {"actor": actor, "reason": reason, "now": clock.now()}


def test_cancelling_ends_the_open_payment_first(shop: Shop) -> None:
    order = shop.order()
    shop.start(order)

    staff.cancel_unpaid_order(order_id=order.id, **said())  # type: ignore[arg-type]

    assert shop.status(order) == "cancelled"
    assert [status for status, _code in shop.attempts(order)] == ["failed"]
    move = Transition.objects.get(label="orders.order", object_id=ids.to_int("ord", order.id))
    assert (move.actor, move.reason) == ("sue@example.com", "staff")
    assert AuditEntry.objects.get().reason == "the customer asked"
    shop.check()


def test_money_that_was_taken_meanwhile_keeps_the_order(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.provider.capture(str(attempt.psp_ref))

    with pytest.raises(OrderNotCancellable):
        staff.cancel_unpaid_order(order_id=order.id, **said())  # type: ignore[arg-type]

    assert shop.status(order) in {"paid", "fulfilling"}
    assert not AuditEntry.objects.exists()


def test_an_undecided_payment_keeps_the_order_waiting(shop: Shop) -> None:
    order = shop.order()
    shop.start(order)
    shop.provider.failing["cancel"] = [OutcomeUnknown("fake", "timeout")] * 3
    shop.provider.failing["fetch"] = [OutcomeUnknown("fake", "timeout")] * 3

    with pytest.raises(PaymentUndecided):
        staff.cancel_unpaid_order(order_id=order.id, **said())  # type: ignore[arg-type]

    assert shop.status(order) == "awaiting_payment"
    assert not AuditEntry.objects.exists()


def test_without_a_reason_the_provider_is_not_even_asked(shop: Shop) -> None:
    order = shop.order()
    shop.start(order)
    calls = len(shop.provider.calls)

    with pytest.raises(ReasonMissing):
        staff.cancel_unpaid_order(order_id=order.id, **said(reason="  "))  # type: ignore[arg-type]

    assert len(shop.provider.calls) == calls
    assert shop.status(order) == "awaiting_payment"


def test_asking_again_settles_what_was_lost(shop: Shop) -> None:
    order = shop.order()
    attempt = shop.start(order)
    shop.provider.capture(str(attempt.psp_ref))

    staff.ask_about_attempt(attempt_id=attempt.id, **said())  # type: ignore[arg-type]
    staff.ask_about_attempt(attempt_id=attempt.id, **said())  # type: ignore[arg-type]
    shop.settle()
    shop.settle()

    assert shop.status(order) == "fulfilling"
    assert [status for status, _code in shop.attempts(order)] == ["captured"]
    assert AuditEntry.objects.count() == 2
    shop.check()


def test_retrying_makes_a_waiting_purchase_due_now(shop: Shop) -> None:
    shop.supplier.failing["topup"] = [TemporarilyUnavailable("fake", "busy")]
    order = shop.paid()
    shop.fulfil()
    waiting = SupplierOrder.objects.get(order=order.id)
    assert waiting.next_try_at > clock.now()

    count = staff.retry_fulfilment(order_id=order.id, **said())  # type: ignore[arg-type]
    shop.fulfil()

    assert count == 1
    assert shop.status(order) == "fulfilled"
    with pytest.raises(NothingToRetry):
        staff.retry_fulfilment(order_id=order.id, **said())  # type: ignore[arg-type]
    assert AuditEntry.objects.count() == 1
    shop.check()


def test_an_order_without_a_confirmation_has_nothing_to_copy(shop: Shop) -> None:
    unpaid = shop.order()

    with pytest.raises(NothingToCopy):
        staff.resend_confirmation(order_id=unpaid.id, **said())  # type: ignore[arg-type]

    assert not AuditEntry.objects.exists()
    assert shop.mails(unpaid) == []


def test_copies_go_to_the_present_address(shop: Shop) -> None:
    order = shop.renew()
    user = order.customer.user
    user.email = "new.address@example.com"
    user.save()

    for _ in range(2):
        staff.resend_confirmation(order_id=order.id, **said())  # type: ignore[arg-type]

    assert shop.mails(order) == ["order_confirmation"] * 3
    with connection.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM notifications_message WHERE "to" = %s', [user.email])
        assert cursor.fetchone() == (2,)
    shop.check()


def test_copies_are_limited_per_order_and_for_a_while(shop: Shop) -> None:
    order, other = shop.renew(), shop.renew()
    for _ in range(staff.COPIES):
        staff.resend_confirmation(order_id=order.id, **said())  # type: ignore[arg-type]

    for _ in range(2):
        with pytest.raises(TooManyCopies) as refused:
            staff.resend_confirmation(order_id=order.id, **said())  # type: ignore[arg-type]
    staff.resend_confirmation(order_id=other.id, **said())  # type: ignore[arg-type]
    copies = len(shop.mails(order))
    clock.set_offset(clock.offset() + staff.COPIES_PER + timedelta(seconds=2))
    staff.resend_confirmation(order_id=order.id, **said())  # type: ignore[arg-type]

    assert 0 < refused.value.extra["retry_after"] <= 601
    assert str(refused.value.extra["retry_after"]) in refused.value.detail
    assert copies == 1 + staff.COPIES
    assert len(shop.mails(order)) == copies + 1
    assert AuditEntry.objects.count() == staff.COPIES + 2


def test_the_last_case_of_an_unsettled_order_stays(shop: Shop) -> None:
    order = shop.order()
    Order.objects.filter(pk=order.pk).update(status="needs_attention")
    first = Case.objects.create(order=order, reason="undelivered", opened_at=clock.now())
    second = Case.objects.create(order=order, reason="refund_failed", opened_at=clock.now())

    staff.close_case(case_id=first.pk, **said())  # type: ignore[arg-type]
    with pytest.raises(CaseStillNeeded):
        staff.close_case(case_id=second.pk, **said())  # type: ignore[arg-type]

    assert shop.cases(order) == [("undelivered", False), ("refund_failed", True)]


def test_closed_and_unknown_cases_are_not_found(shop: Shop) -> None:
    order = shop.renew()
    case = Case.objects.create(order=order, reason="undelivered", opened_at=clock.now())
    staff.close_case(case_id=case.pk, **said())  # type: ignore[arg-type]

    for key in (case.pk, 999_999):
        with pytest.raises(NotFound):
            staff.close_case(case_id=key, **said())  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            staff.assign_case(case_id=key, owner="a", next_step="b", **said())  # type: ignore[arg-type]


def test_deed_and_audit_stand_or_fall_together(shop: Shop) -> None:
    order = shop.renew()
    case = Case.objects.create(order=order, reason="undelivered", opened_at=clock.now())

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        staff.close_case(case_id=case.pk, **said())  # type: ignore[arg-type]
        raise ZeroDivisionError

    case.refresh_from_db()
    assert case.closed_at is None
    assert not AuditEntry.objects.exists()
