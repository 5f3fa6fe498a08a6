"""What staff can do: each action names its permission, asks for a reason, and calls one service."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from everline.accounts import selectors as accounts
from everline.accounts.scopes import RESOURCES
from everline.accounts.services import blocking, guarded_keys, staffing
from everline.core.errors import NotFound
from everline.notifications import copies
from everline.orders.services import staff as orders
from everline.support import services as support

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody is about to do: to which object, why, when, and what else they typed."""

    key: str
    actor: str
    reason: str
    now: datetime
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it, and which record to go back to. A `secret` is shown once instead."""

    text: str
    kind: str
    key: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """What an action asks for beside the reason, cut to its length. With `choices` one of them."""

    name: str
    label: Text
    required: bool = True
    long: bool = False
    choices: Callable[[], Sequence[tuple[str, str]]] | None = None
    initial: str = ""
    longest: int = 300


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that staff can do to a kind of object."""

    permission: str
    title: Text
    explanation: Text
    kind: str
    run: Callable[[Deed], Done]
    inputs: Sequence[Input] = field(default=())
    danger: bool = False


def allowed(user: "AbstractBaseUser | AnonymousUser", action: Action) -> bool:
    """Whether this person's role holds the action's permission now."""
    return bool(user.has_perm(f"backoffice.{action.permission}"))  # type: ignore[union-attr]


def _cancel(deed: Deed) -> Done:
    order = orders.cancel_unpaid_order(order_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The order is cancelled."), "order", order.id)


def _check(deed: Deed) -> Done:
    order = orders.ask_about_attempt(attempt_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The provider is being asked; look again in a moment."), "order", order)


def _fulfil(deed: Deed) -> Done:
    count = orders.retry_fulfilment(order_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    text = ngettext("%(n)d purchase is being asked about.", "%(n)d purchases are being asked about.", count)
    return Done(text % {"n": count}, "order", deed.key)


def _copy(deed: Deed) -> Done:
    message = orders.resend_confirmation(
        order_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now
    )
    return Done(gettext("A copy of the confirmation is on its way."), "message", message)


def _replay(deed: Deed) -> Done:
    hint = support.replay_hint(hint_id=_number(deed.key), actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The row will be applied again within seconds."), "inbox", str(hint.pk))


def _send_again(deed: Deed) -> Done:
    copies.retry_delivery(message_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The message is being tried again."), "message", deed.key)


def _assign(deed: Deed) -> Done:
    case = orders.assign_case(
        case_id=_number(deed.key),
        owner=deed.data["owner"],
        next_step=deed.data["next_step"],
        actor=deed.actor,
        reason=deed.reason,
        now=deed.now,
    )
    return Done(gettext("The case is assigned."), "order", case.order_id)


def _close(deed: Deed) -> Done:
    case = orders.close_case(case_id=_number(deed.key), actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The case is closed."), "order", case.order_id)


def _sign_out(deed: Deed) -> Done:
    count = blocking.sign_out_customer(
        customer_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now
    )
    text = ngettext("%(n)d session is ended.", "%(n)d sessions are ended.", count)
    return Done(text % {"n": count}, "customer", deed.key)


def _block(deed: Deed) -> Done:
    blocking.block_customer(customer_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The customer can no longer sign in."), "customer", deed.key)


def _unblock(deed: Deed) -> Done:
    blocking.unblock_customer(customer_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The customer can sign in again."), "customer", deed.key)


def _note(deed: Deed) -> Done:
    support.add_note(
        customer_id=deed.key, text=deed.data["text"], actor=deed.actor, reason=deed.reason, now=deed.now
    )
    return Done(gettext("The note is kept."), "customer", deed.key)


def _issue(deed: Deed) -> Done:
    made = guarded_keys.issue_api_key(
        name=deed.data["name"],
        scopes=deed.data["scopes"].replace(",", " ").split(),
        brand_id=deed.data["brand"],
        actor=deed.actor,
        reason=deed.reason,
        now=deed.now,
    )
    return Done(
        gettext("The key is made. It is shown here and never again:"), "api_key", made.key.id, made.secret
    )


def _revoke(deed: Deed) -> Done:
    key = guarded_keys.withdraw_api_key(key_id=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("The key no longer works."), "api_key", key.id)


def _reset(deed: Deed) -> Done:
    user = staffing.reset_staff_factor(email=deed.key, actor=deed.actor, reason=deed.reason, now=deed.now)
    return Done(gettext("At the next sign-in a new second factor is enrolled."), "user", str(user.pk))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004 - what a bigint holds
        raise NotFound
    return int(text)


def _brands() -> list[tuple[str, str]]:
    return [(brand.id, brand.name_en) for brand in accounts.all_brands()]


ACTIONS: Final[Mapping[str, Action]] = {
    "cancel-order": Action(
        "cancel_order",
        _("Cancel the order"),
        _("Ends an order nobody has paid. Its open payment is ended at the provider first."),
        "order",
        _cancel,
        danger=True,
    ),
    "check-attempt": Action(
        "check_attempt",
        _("Ask the provider again"),
        _("The provider is asked how this payment stands, and its answer is applied as always."),
        "attempt",
        _check,
    ),
    "retry-fulfilment": Action(
        "retry_fulfilment",
        _("Ask the supplier now"),
        _("Open purchases are asked about at once instead of at their next turn. Nothing is bought twice."),
        "order",
        _fulfil,
    ),
    "resend-confirmation": Action(
        "resend_confirmation",
        _("Send the confirmation again"),
        _("A copy of the confirmation goes to the customer's present address. Its words stay as they were."),
        "order",
        _copy,
    ),
    "replay-inbox": Action(
        "replay_inbox",
        _("Apply again"),
        _("The sender is asked again and its answer applied. The same truth changes nothing."),
        "inbox",
        _replay,
    ),
    "retry-delivery": Action(
        "retry_delivery",
        _("Try to send again"),
        _("A message that was given up gets as many tries as a new one."),
        "message",
        _send_again,
    ),
    "assign-case": Action(
        "manage_case",
        _("Assign"),
        _("Says who looks after the case and what they do next."),
        "case",
        _assign,
        inputs=(Input("owner", _("Owner (e-mail)")), Input("next_step", _("Next step"))),
    ),
    "close-case": Action(
        "manage_case",
        _("Close the case"),
        _("The matter is settled. A case of an order that still waits for attention cannot be closed."),
        "case",
        _close,
    ),
    "end-sessions": Action(
        "end_sessions",
        _("Sign out everywhere"),
        _("Ends every session of the customer in browsers and programs. They can sign in again."),
        "customer",
        _sign_out,
    ),
    "block-customer": Action(
        "block_customer",
        _("Deactivate"),
        _("The customer can sign in nowhere and every session ends. Lines and orders go on."),
        "customer",
        _block,
        danger=True,
    ),
    "unblock-customer": Action(
        "block_customer",
        _("Reactivate"),
        _("The customer can sign in again."),
        "customer",
        _unblock,
    ),
    "note": Action(
        "write_note",
        _("Write a note"),
        _("For colleagues only. A note cannot be changed or removed later."),
        "customer",
        _note,
        inputs=(Input("text", _("Note"), long=True, longest=2000),),
    ),
    "issue-api-key": Action(
        "manage_api_keys",
        _("Create an API key"),
        _("A key lets a program use the operator API. Its secret is shown once."),
        "",
        _issue,
        inputs=(
            Input("name", _("What it is for"), longest=80),
            Input("scopes", _("Scopes, separated by spaces"), initial=" ".join(RESOURCES[:1])),
            Input("brand", _("Brand"), choices=_brands),
        ),
    ),
    "revoke-api-key": Action(
        "manage_api_keys",
        _("Revoke the key"),
        _("Whatever uses this key stops working at once."),
        "api_key",
        _revoke,
        danger=True,
    ),
    "reset-factor": Action(
        "manage_staff",
        _("Reset the second factor"),
        _("For a colleague who lost it. Their sessions end, and the next sign-in enrols a new one."),
        "user",
        _reset,
        danger=True,
    ),
}
