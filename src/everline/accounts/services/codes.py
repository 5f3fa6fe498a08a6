"""One-time codes: wished for, sent by a job, tried and spent.

A wish is one row and one job, whoever asks for whatever address: who it belongs to is looked up by the job,
so that neither the answer nor the time it takes tells a stranger anything. Tries are counted under the row's
lock.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from everline.accounts import codes
from everline.accounts.addresses import Login
from everline.accounts.errors import CodeInvalid
from everline.accounts.models import Customer, OneTimeCode, User
from everline.accounts.selectors import users_at
from everline.accounts.services.notices import CHANNELS, address_taken
from everline.accounts.services.releasing import was_only_typed
from everline.accounts.services.welcome import make_welcome
from everline.accounts.types import CodePurpose
from everline.core import jobs
from everline.core.transactions import refuse_inside_transaction, retrying
from everline.notifications.services import enqueue
from everline.notifications.types import Kind, Message

SEND_JOB = "accounts.send_codes"
BATCH = 100
_KINDS = {
    CodePurpose.SIGN_IN: Kind.SIGN_IN_CODE,
    CodePurpose.RECOVERY: Kind.RECOVERY_CODE,
    CodePurpose.ADDRESS: Kind.ADDRESS_CODE,
    CodePurpose.PROOF: Kind.SIGN_IN_CODE,
}
#: Addresses that a signed-in user named or has; all others are looked up.
_BOUND = frozenset({CodePurpose.ADDRESS, CodePurpose.PROOF})


@transaction.atomic
def wish_for_code(purpose: CodePurpose, login: Login, now: datetime, *, user_id: int | None = None) -> None:
    """Write down that a code is wanted at an address; the job decides whether anybody gets one."""
    OneTimeCode.objects.create(
        purpose=purpose,
        kind=login.kind,
        address=login.value,
        user_id=user_id,
        created_at=now,
        expires_at=now + codes.LIFETIME,
    )
    jobs.defer(SEND_JOB)


@retrying
@transaction.atomic
def send_codes(now: datetime) -> int:
    """Make the wished codes and write their messages; returns how many wishes were looked at."""
    wishes = list(
        OneTimeCode.objects.select_for_update(skip_locked=True)
        .filter(sent_at__isnull=True)
        .order_by("id")[:BATCH]
    )
    owners = _owners(wishes)
    # Of several wishes of one person (a double click) only the last one's code would work: one is sent.
    last = {_whose(wish): wish.pk for wish in wishes}
    for wish in wishes:
        _close(wish, now)
    wanted = [wish for wish in wishes if last[_whose(wish)] == wish.pk and wish.used_at is None]
    messages = [message for wish in wanted for message in _grant(wish, owners, now)]
    OneTimeCode.objects.bulk_update(wishes, ["user", "code_hash", "sent_at", "expires_at"])
    enqueue(*messages, now=now)
    return len(wishes)


def try_code(
    purpose: CodePurpose,
    login: Login,
    code: str,
    now: datetime,
    *,
    user_id: int | None = None,
    spend: bool = True,
) -> OneTimeCode:
    """The newest code sent to this address for this purpose, if it is the one given.

    A wrong try is counted, under the row's lock, so that tries at the same moment are all counted. With
    `spend=False` a right code stays good until `spend_code`. `user_id` binds a code to who asked for it.
    Must not run inside a transaction: a roll-back would forget the try.

    Raises:
        CodeInvalid: wrong, expired, used, tried too often, or none was sent; after the same work.
    """
    refuse_inside_transaction()
    found = _try(purpose, login, codes.spelled(code), now, user_id=user_id, spend=spend)
    if found is None:
        raise CodeInvalid
    return found


def spend_code(code: OneTimeCode, now: datetime) -> None:
    """Make a right code worthless; of two at the same moment one wins.

    Raises:
        CodeInvalid: somebody else has spent it, or it was called back.
    """
    open_ones = OneTimeCode.objects.filter(pk=code.pk, used_at__isnull=True)
    if open_ones.update(used_at=now) != 1:
        raise CodeInvalid


def call_back_codes(user_id: int, now: datetime) -> None:
    """Make every code of a user worthless, sent or not, whatever for."""
    OneTimeCode.objects.filter(user_id=user_id, used_at__isnull=True).update(used_at=now)


def may_be_sent_to(customer: Customer, kind: str) -> bool:
    """Whether a code at this address speaks for the account.

    A proved address does. Where none is proved yet, the one that answers first does; beside a proved one, an
    address that was only typed does not: it may be a stranger's.
    """
    proved = customer.email_verified_at if kind == "email" else customer.phone_verified_at
    return bool(proved) or not (customer.email_verified_at or customer.phone_verified_at)


@retrying
@transaction.atomic
def _try(
    purpose: CodePurpose, login: Login, code: str, now: datetime, *, user_id: int | None, spend: bool
) -> OneTimeCode | None:
    sent = OneTimeCode.objects.filter(
        purpose=purpose, kind=login.kind, address=login.value, sent_at__isnull=False
    )
    if user_id is not None:
        sent = sent.filter(user_id=user_id)
    newest = sent.select_for_update().order_by("-id").first()
    digest = codes.hash_code(purpose, login, code)
    same = codes.is_same(newest.code_hash if newest else "", digest)
    if newest is None:
        return None
    if not same or newest.user_id is None or not _is_good(newest, now):
        OneTimeCode.objects.filter(pk=newest.pk).update(tries=F("tries") + 1)
        return None
    if spend:
        OneTimeCode.objects.filter(pk=newest.pk).update(used_at=now)
    return newest


def _is_good(code: OneTimeCode, now: datetime) -> bool:
    # A clock that was put back brings no code to life; those of several machines differ by less.
    in_time = code.sent_at is not None and abs(now - code.sent_at) < codes.LIFETIME
    return in_time and code.used_at is None and code.tries < codes.MAX_TRIES


def _owners(wishes: Sequence[OneTimeCode]) -> dict[Login, User]:
    """Who has these addresses, and who asked for those that nobody has yet."""
    found: dict[Login, User] = {}
    for user in users_at(_login(wish) for wish in wishes):
        found |= {Login("email", user.email): user} if user.email else {}
        found |= {Login("phone", user.phone): user} if user.phone else {}
    return found


def _whose(wish: OneTimeCode) -> tuple[str, Login, int | None]:
    return wish.purpose, _login(wish), wish.user_id


def _close(wish: OneTimeCode, now: datetime) -> None:
    """Turn a wish into a code that nobody is told."""
    wish.sent_at = now
    wish.expires_at = now + codes.LIFETIME
    wish.code_hash = codes.nobodys_hash()


def _grant(wish: OneTimeCode, owners: dict[Login, User], now: datetime) -> list[Message]:
    """Make it a code that its recipient is told, where somebody may be."""
    login, purpose = _login(wish), CodePurpose(wish.purpose)
    owner = owners.get(login)
    if purpose in _BOUND:
        return _grant_bound(wish, owner, now)
    customer: Customer | None = getattr(owner, "customer", None)
    if owner is None or customer is None or not owner.is_active:
        return []
    if not may_be_sent_to(customer, login.kind):
        return []
    if purpose is CodePurpose.RECOVERY and login.kind == "email" and customer.email_verified_at is None:
        # Recovery needs a proved address, and the welcome link is what proves one.
        return [make_welcome(customer, now, again=str(wish.pk))]
    wish.user = owner
    return [_told(wish, customer)]


def _grant_bound(wish: OneTimeCode, owner: User | None, now: datetime) -> list[Message]:
    asked = Customer.objects.select_related("user", "brand").filter(user__is_active=True)
    customer = asked.filter(user=wish.user_id).first()
    if customer is None:
        return []
    if owner is not None and owner.pk != wish.user_id and not was_only_typed(owner, _login(wish)):
        return address_taken(owner, now, locale=customer.locale, brand=customer.brand)
    return [_told(wish, customer)]


def _told(wish: OneTimeCode, customer: Customer) -> Message:
    login = _login(wish)
    code = codes.new_code()
    wish.code_hash = codes.hash_code(wish.purpose, login, code)
    return Message(
        kind=_KINDS[CodePurpose(wish.purpose)],
        to=login.value,
        channel=CHANNELS[login.kind],
        locale=customer.locale,
        brand=customer.brand.for_messages(),
        context={"minutes": int(codes.LIFETIME.total_seconds()) // 60},
        private={"code": code},
        dedupe_key=f"code:{wish.pk}",
        reference=customer.id,
    )


def _login(code: OneTimeCode) -> Login:
    return Login("email" if code.kind == "email" else "phone", code.address)
