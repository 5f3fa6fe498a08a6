"""One search for whatever a customer reads out: every spelling is tried where it may be stored."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from everline.accounts.addresses import normal_email
from everline.accounts.errors import EmailInvalid
from everline.accounts.models import ApiKey, Customer
from everline.catalog.models import Plan
from everline.core import ids
from everline.core.models import InboxHint
from everline.lines.models import Line
from everline.notifications.models import Message
from everline.orders.models import Order, Quote
from everline.payments.models import Attempt, Refund
from everline.suppliers.models import SupplierOrder
from everline.usage.models import Bucket, Period

#: Per kind: more would be a list, which the lists themselves show better.
SHOWN = 20
_LONGEST = 200
_SHORTEST = 3
_DIGITS = re.compile(r"[0-9]{4,32}")
_E164_DIGITS = range(7, 16)
#: An order number without what stands between its parts: brand, year, six of Crockford's digits.
_NUMBER = re.compile(r"([A-Z0-9]+)([0-9]{2})([0-9A-Z]{6})")
#: Letters that are no digits of Crockford's, and what is meant when somebody reads them.
_MISREAD = str.maketrans("ILO", "110")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: its kind, its key, and what to recognise it by."""

    kind: str
    key: str
    title: str
    detail: str = ""


#: By prefix: what an id of ours stands for.
_BY_PREFIX = {
    "cus": ("customer", Customer),
    "ln": ("line", Line),
    "ord": ("order", Order),
    "quo": ("quote", Quote),
    "att": ("attempt", Attempt),
    "ref": ("refund", Refund),
    "per": ("period", Period),
    "bkt": ("bucket", Bucket),
    "msg": ("message", Message),
    "sup": ("supplier_order", SupplierOrder),
    "pln": ("plan", Plan),
    "apk": ("api_key", ApiKey),
}


def find(text: str) -> list[Hit]:
    """Everything that bears this e-mail, phone, card or order number, id, or reference; best guess first.

    At most `SHOWN` of a kind and at most twelve statements, each by an index or by an end of a number.
    """
    plain = unicodedata.normalize("NFKC", text[:_LONGEST].replace("\x00", ""))  # full-width digits are digits
    wanted = " ".join(plain.split())[:_LONGEST]
    if len(wanted) < _SHORTEST:
        return []
    if (hit := _by_id(wanted)) is not None:
        return hit
    found: list[Hit] = []
    if "@" in wanted:
        return _by_email(wanted)
    found += _by_number(wanted)
    digits = digits_of(wanted)
    if digits:
        found += _by_phone(wanted, digits)
        found += _by_card(digits)
    found += _by_reference(wanted)
    return list(dict.fromkeys(found))


def digits_of(text: str) -> str:
    """The digits of a number in whatever spelling, without filler and trunk zeros; empty for other text."""
    plain = re.sub(r"\(0\)", "", text)
    plain = re.sub(r"[\s().\-/+]", "", plain).rstrip("Ff")
    return plain if _DIGITS.fullmatch(plain) else ""


def phone_query(field: str, text: str) -> Q | None:
    """Rows whose E.164 number was meant: with + or 00 the very number, else any that ends like it."""
    digits = digits_of(text)
    if not digits:
        return None
    if text.strip().startswith("+"):
        return Q(**{field: f"+{digits}"})
    if digits.startswith("00"):
        return Q(**{field: f"+{digits[2:]}"})
    national = digits.lstrip("0")
    if len(national) not in _E164_DIGITS:
        return None
    return Q(**{field: f"+{digits}"}) | Q(**{f"{field}__endswith": national})


def _by_id(text: str) -> list[Hit] | None:
    head, _, tail = text.rpartition("_")
    key = f"{head.lower()}_{tail.upper()}"
    known = _BY_PREFIX.get(head.lower())
    if known is None or not ids.is_id(head.lower(), key):
        return None
    kind, model = known
    if not model._default_manager.filter(pk=key).exists():  # noqa: SLF001 - Django's documented introspection
        return []
    return [Hit(kind, key, key)]


def _by_email(text: str) -> list[Hit]:
    try:
        address = normal_email(text)
    except EmailInvalid:
        return []
    customers = Customer.objects.select_related("user").filter(user__email=address)[:SHOWN]
    messages = Message.objects.filter(to=address).order_by("-pk")[:SHOWN]
    return [*_customers(customers), *_messages(messages)]


def _by_phone(text: str, digits: str) -> list[Hit]:
    del digits
    found: list[Hit] = []
    if (query := phone_query("user__phone", text)) is not None:
        found += _customers(Customer.objects.select_related("user").filter(query)[:SHOWN])
    if (query := phone_query("msisdn", text)) is not None:
        found += _lines(Line.objects.filter(query)[:SHOWN])
    if (query := phone_query("to", text)) is not None and text.strip().startswith(("+", "00")):
        found += _messages(Message.objects.filter(query).order_by("-pk")[:SHOWN])
    return found


def _by_card(digits: str) -> list[Hit]:
    """An ICCID or EID, whole or by its last digits."""
    return list(_lines(Line.objects.filter(Q(iccid__endswith=digits) | Q(eid__endswith=digits))[:SHOWN]))


def _by_number(text: str) -> list[Hit]:
    """An order number, with whatever between its parts or nothing."""
    spelled = _NUMBER.fullmatch(re.sub(r"[\W_]", "", text).upper())
    if spelled is None:
        return []
    brand, year, tail = spelled.groups()
    orders = Order.objects.filter(number=f"{brand}-{year}-{tail.translate(_MISREAD)}")[:SHOWN]
    return [Hit("order", order.id, order.number, order.status) for order in orders]


def _by_reference(text: str) -> Iterator[Hit]:
    """What payment providers and suppliers call their side of it, and what our rows call it."""
    for attempt in Attempt.objects.filter(psp_ref=text)[:SHOWN]:
        yield Hit("attempt", attempt.id, attempt.id, f"{attempt.provider} {attempt.psp_ref}")
    for refund in Refund.objects.filter(psp_ref=text)[:SHOWN]:
        yield Hit("refund", refund.id, refund.id, refund.status)
    for bought in SupplierOrder.objects.filter(Q(reference=text) | Q(supplier_ref=text))[:SHOWN]:
        yield Hit("supplier_order", bought.id, bought.reference, bought.status)
    for hint in InboxHint.objects.filter(reference=text).order_by("-id")[:SHOWN]:
        yield Hit("inbox", str(hint.pk), f"{hint.source} {hint.event_id}", hint.kind)
    for plan in Plan.objects.filter(slug=text.lower())[:SHOWN]:
        yield Hit("plan", plan.id, plan.slug)


def _customers(rows: Iterable[Any]) -> Iterator[Hit]:
    for customer in rows:
        yield Hit("customer", customer.id, str(customer.user), customer.id)


def _lines(rows: Iterable[Any]) -> Iterator[Hit]:
    for line in rows:
        yield Hit("line", line.id, line.iccid, line.msisdn or line.service_state)


def _messages(rows: Iterable[Any]) -> Iterator[Hit]:
    for message in rows:
        yield Hit("message", message.id, message.kind, message.to)
