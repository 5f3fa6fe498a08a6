"""What staff can do: with a permission and a reason, through a service, and written down."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse

from everline.accounts.models import AccessToken, ApiKey, User
from everline.accounts.roles import Role
from everline.backoffice.actions import ACTIONS
from everline.backoffice.roles import ACTIONS as RIGHTS
from everline.core.models import AuditEntry, InboxHint
from everline.notifications.models import Delivery, Message
from everline.orders.models import Case, Order
from everline.support.models import CustomerNote
from tests.backoffice.conftest import SignIn
from tests.backoffice.world import EVIL, World

pytestmark = pytest.mark.django_db
REASON = "The customer asked for it"


def blocked(world: World) -> str:
    User.objects.filter(pk=world.customer.user_id).update(is_active=False)
    return world.customer.id


#: What each action needs beside the reason, and to which object it is done.
DEEDS: dict[str, tuple[Callable[[World], str], dict[str, str]]] = {
    "cancel-order": (lambda world: world.unpaid.id, {}),
    "check-attempt": (lambda world: world.attempt.id, {}),
    "retry-fulfilment": (lambda world: world.shop.paid(world.shop.line(world.customer)).id, {}),
    "resend-confirmation": (lambda world: world.order.id, {}),
    "replay-inbox": (lambda world: str(world.hint.pk), {}),
    "retry-delivery": (lambda world: world.lost.id, {}),
    "assign-case": (
        lambda world: str(world.case.pk),
        {"owner": "support@example.com", "next_step": "Call the bank"},
    ),
    "close-case": (lambda world: str(world.case.pk), {}),
    "end-sessions": (lambda world: world.customer.id, {}),
    "block-customer": (lambda world: world.customer.id, {}),
    "unblock-customer": (blocked, {}),
    "note": (lambda world: world.customer.id, {"text": EVIL}),
    "issue-api-key": (lambda _: "new", {"name": "feed", "scopes": "usage-records:write", "brand": "leb"}),
    "revoke-api-key": (lambda world: world.key.id, {}),
    "reset-factor": (lambda _: "owner@example.com", {}),
}
#: It cannot be done to this world: the order's money is not settled.
REFUSED = {"close-case"}


def url_of(name: str, key: str) -> str:
    return reverse("desk:act", args=[name, key])


def do(client: Client, name: str, key: str, /, **data: str) -> Any:
    return client.post(url_of(name, key), {"reason": REASON, **DEEDS[name][1], **data})


def test_every_action_is_tried_here() -> None:
    assert set(DEEDS) == set(ACTIONS)
    assert {action.permission for action in ACTIONS.values()} <= set(RIGHTS[Role.OWNER])


@pytest.mark.parametrize("name", sorted(set(DEEDS) - REFUSED))
def test_an_action_is_done_for_a_reason_and_written_down(world: World, desk: SignIn, name: str) -> None:
    client = desk(Role.OWNER)
    key = DEEDS[name][0](world)
    page = client.get(url_of(name, key))
    before = AuditEntry.objects.count()

    unsaid = do(client, name, key, reason=" ")
    nothing = AuditEntry.objects.count()
    answer = do(client, name, key)

    assert page.status_code == 200
    assert unsaid.status_code == 400
    assert nothing == before
    assert answer.status_code in {200, 302}, answer.content.decode()[:2000]
    entry = AuditEntry.objects.latest("id")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.actor, entry.reason) == ("owner@example.com", REASON)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SUPPORT, Role.FINANCE])
def test_what_a_role_may_not_do_is_refused_as_a_page_and_as_a_deed(
    world: World, desk: SignIn, role: Role
) -> None:
    client = desk(role)
    forbidden = {name for name, action in ACTIONS.items() if action.permission not in RIGHTS[role]}
    before = AuditEntry.objects.count()

    for name in forbidden:
        key = "1" if name in {"retry-fulfilment", "unblock-customer"} else DEEDS[name][0](world)
        assert client.get(url_of(name, key)).status_code == 403, name
        assert do(client, name, key).status_code == 403, name

    assert len(forbidden) == {Role.VIEWER: 15, Role.SUPPORT: 3, Role.FINANCE: 10}[role]
    assert AuditEntry.objects.count() == before
    assert world.shop.status(world.unpaid) == "awaiting_payment"


def test_viewers_see_no_buttons(world: World, desk: SignIn) -> None:
    order = reverse("admin:orders_order_change", args=[quote(world.unpaid.id)])

    assert b"/act/" not in desk(Role.VIEWER).get(order).content
    assert b"/act/cancel-order/" in desk(Role.SUPPORT).get(order).content


def test_things_that_are_not_there_are_not_found(world: World, desk: SignIn) -> None:
    client = desk()

    assert client.get("/backoffice/act/no-such-deed/1/").status_code == 404
    for name in ("cancel-order", "check-attempt", "note", "replay-inbox", "close-case", "retry-delivery"):
        for key in ("ord_0000000000000", "999999", "9" * 30, "x"):
            assert do(client, name, key).status_code == 404, (name, key)


@pytest.mark.parametrize("name", sorted(set(ACTIONS) - {"issue-api-key"}))
def test_there_is_no_form_about_nothing(world: World, desk: SignIn, name: str) -> None:
    client = desk()

    for key in ("ord_0000000000000", "999999", "9" * 30, "x", "%00"):
        assert client.get(f"/backoffice/act/{name}/{key}/").status_code == 404, key


def test_a_cancelled_order_takes_no_payment(world: World, desk: SignIn) -> None:
    do(desk(Role.SUPPORT), "cancel-order", world.unpaid.id)

    assert world.shop.status(world.unpaid) == "cancelled"
    assert world.shop.timeline(world.unpaid)[-1] == "order.cancelled"


def test_a_paid_order_is_not_cancelled(world: World, desk: SignIn) -> None:
    answer = do(desk(Role.SUPPORT), "cancel-order", world.order.id)

    assert answer.status_code == 400
    assert "This one is paid or has ended." in answer.content.decode()
    assert "ask us" not in answer.content.decode()
    assert world.shop.status(world.order) == "fulfilled"
    assert not AuditEntry.objects.filter(action="order.cancelled", actor="support@example.com", reason=REASON)


def test_asking_the_provider_leaves_a_hint_and_calls_nobody(world: World, desk: SignIn) -> None:
    calls = len(world.shop.provider.calls)

    do(desk(Role.FINANCE), "check-attempt", world.attempt.id)

    hint = InboxHint.objects.latest("id")
    assert hint.event_id.startswith(f"staff:{world.attempt.id}:")
    assert len(world.shop.provider.calls) == calls
    assert world.shop.settle() >= 1


def test_a_copy_of_a_confirmation_leaves_the_order_with_one(world: World, desk: SignIn) -> None:
    before = world.shop.timeline(world.order)

    do(desk(Role.SUPPORT), "resend-confirmation", world.order.id)

    first, copy = Message.objects.filter(reference=world.order.id, kind="order_confirmation").order_by("pk")
    assert first.dedupe_key == f"order_confirmation:{world.order.id}"
    assert copy.dedupe_key.startswith(f"{first.dedupe_key}:copy:")
    assert copy.context == first.context
    assert world.shop.timeline(world.order) == before


def test_a_given_up_message_gets_a_new_chance(world: World, desk: SignIn) -> None:
    do(desk(Role.SUPPORT), "retry-delivery", world.lost.id)

    delivery = Delivery.objects.get(message=world.lost)
    assert (delivery.status, delivery.tries, delivery.ended_at) == ("queued", 0, None)
    again = do(desk(Role.SUPPORT), "retry-delivery", world.lost.id)
    assert again.status_code == 400


def test_a_case_has_an_owner_and_stays_while_the_order_waits(world: World, desk: SignIn) -> None:
    client = desk(Role.SUPPORT)

    do(client, "assign-case", str(world.case.pk))
    answer = do(client, "close-case", str(world.case.pk))

    case = Case.objects.get(pk=world.case.pk)
    assert (case.owner, case.next_step) == ("support@example.com", "Call the bank")
    assert answer.status_code == 400
    assert case.closed_at is None
    assert not AuditEntry.objects.filter(action="case.closed").exists()
    page = client.get(reverse("admin:orders_order_change", args=[quote(case.order_id)]))
    assert "Call the bank" in page.content.decode()


def test_a_case_of_a_settled_order_is_closed(world: World, desk: SignIn) -> None:
    case = Case.objects.create(order=world.order, reason="refund_failed", opened_at=world.order.created_at)

    do(desk(Role.SUPPORT), "close-case", str(case.pk))

    case.refresh_from_db()
    assert case.closed_at is not None


def test_signing_out_ends_programs_and_browsers(world: World, desk: SignIn) -> None:
    do(desk(Role.SUPPORT), "end-sessions", world.customer.id)

    assert not AccessToken.objects.filter(customer=world.customer, revoked_at=None).exists()
    assert not world.customer.user.web_sessions.filter(ended_at=None).exists()
    world.customer.user.refresh_from_db()
    assert world.customer.user.is_active


def test_a_blocked_customer_is_out_and_can_come_back(world: World, desk: SignIn) -> None:
    client = desk(Role.SUPPORT)

    do(client, "block-customer", world.customer.id)
    twice = do(client, "block-customer", world.customer.id)
    world.customer.user.refresh_from_db()
    closed = world.customer.user.is_active
    do(client, "unblock-customer", world.customer.id)
    world.customer.user.refresh_from_db()

    assert not closed
    assert twice.status_code == 400
    assert world.customer.user.is_active
    assert Order.objects.get(pk=world.order.id).status == "fulfilled"


def test_a_note_is_kept_as_it_was_written_and_shown_as_text(world: World, desk: SignIn) -> None:
    client = desk(Role.SUPPORT)

    do(client, "note", world.customer.id)
    empty = do(client, "note", world.customer.id, text="  ")

    assert CustomerNote.objects.filter(author="support@example.com", text=EVIL).count() == 2
    assert empty.status_code == 400
    page = client.get(reverse("admin:accounts_customer_change", args=[quote(world.customer.id)]))
    assert EVIL not in page.content.decode()


def test_the_secret_of_a_key_is_shown_once(world: World, desk: SignIn) -> None:
    client = desk(Role.OWNER)

    answer = do(client, "issue-api-key", "new")

    key = ApiKey.objects.get(name="feed")
    secret = answer.context["secret"]
    assert secret.startswith(key.prefix)
    assert secret in answer.content.decode()
    page = client.get(reverse("admin:accounts_apikey_change", args=[quote(key.id)]))
    assert secret not in page.content.decode()
    assert secret not in str(AuditEntry.objects.latest("id").after)
    assert do(client, "issue-api-key", "new", scopes="everything").status_code == 400


def test_a_revoked_key_is_worthless_and_revoked_once(world: World, desk: SignIn) -> None:
    client = desk(Role.OWNER)
    do(client, "revoke-api-key", world.key.id)
    world.key.refresh_from_db()
    written, since = AuditEntry.objects.count(), world.key.revoked_at

    again = do(client, "revoke-api-key", world.key.id)

    world.key.refresh_from_db()
    assert since is not None
    assert world.key.revoked_at == since
    assert again.status_code == 400
    assert AuditEntry.objects.count() == written


@pytest.mark.parametrize("name", ["assign-case", "note", "issue-api-key"])
def test_what_an_action_asks_for_is_not_left_out(world: World, desk: SignIn, name: str) -> None:
    client = desk(Role.OWNER)
    key = DEEDS[name][0](world)
    before = AuditEntry.objects.count()

    for each in ACTIONS[name].inputs:
        answer = do(client, name, key, **{each.name: " \x00 "})
        assert answer.status_code == 400, each.name
        assert REASON in answer.content.decode(), "what was typed is still there"

    assert AuditEntry.objects.count() == before
    assert not ApiKey.objects.filter(name__in=["", "feed"]).exists()


@pytest.mark.parametrize("name", ["assign-case", "note", "issue-api-key"])
def test_what_is_too_long_is_cut_and_what_no_column_holds_left_out(
    world: World, desk: SignIn, name: str
) -> None:
    free = {each.name: f"\x00{'长' * 5000}" for each in ACTIONS[name].inputs if each.name in {"name", "text"}}

    answer = do(desk(Role.OWNER), name, DEEDS[name][0](world), **free, reason=f"why\x00 {'长' * 5000}")

    assert answer.status_code in {200, 302}
    assert AuditEntry.objects.latest("id").reason.startswith("why 长")
