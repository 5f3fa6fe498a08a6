"""What a receipt says: every word and figure of it, read from an order. How it is printed: `printing`."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from everline.core.errors import NotFound
from everline.core.money import Money
from everline.core.transactions import one_snapshot
from everline.lines.models import Line
from everline.notifications.formats import format_moment
from everline.orders.errors import ReceiptNotReady
from everline.orders.models import Order
from everline.orders.sheets import Row, Sheet
from everline.payments import selectors as payments
from everline.payments.models import Attempt, Refund
from everline.payments.states import RefundStatus
from everline.usage import selectors as usage
from everline.usage.states import PeriodState
from everline.usage.types import PeriodView

#: The signs of currencies that the font draws.
_DRAWN = "$€£¥₩₫"
#: Loaded with the first receipt of a process: it brings 20 MB that most processes never need.
_PRINTER = "everline.orders.printing.print_sheet"
#: Card schemes and wallets as their owners write them; those that have a Chinese name are translated.
_METHODS: Mapping[str, str | Promise] = {
    "card": _("Card"),
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "jcb": "JCB",
    "diners": "Diners Club",
    "unionpay": _("UnionPay"),
    "paypal": "PayPal",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "alipay": _("Alipay"),
    "wechat_pay": _("WeChat Pay"),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """An order that was paid, with the payment it kept and what went back of it, as of one instant."""

    order: Order
    payment: Attempt
    refunds: Sequence[Refund]
    periods: Sequence[PeriodView]

    @property
    def zone(self) -> ZoneInfo:
        """Where the receipt's days begin: the customer's."""
        return ZoneInfo(self.order.customer.timezone)

    @property
    def issued_at(self) -> datetime:
        """When the money was taken; it dates the receipt."""
        return self.payment.captured_at or self.payment.created_at


def has_receipt(attempts: Sequence[Attempt]) -> bool:
    """Whether one of an order's payments was kept; a later refund takes no receipt away."""
    return any(attempt.kept for attempt in attempts)


def line_name(line: Line) -> str:
    """A line as its owner knows it: the label, else the number, else the end of the card's number."""
    return line.label or line.msisdn or f"eSIM …{line.iccid[-6:]}"


def load_receipt(*, order_id: str, now: datetime, customer_id: str | None = None) -> Receipt:
    """All that a receipt says, as of one instant; four statements.

    Raises:
        NotFound: no such order, or not this customer's.
        ReceiptNotReady: nothing was kept for it.
    """
    with one_snapshot():
        orders = Order.objects.select_related("plan_version", "line", "customer__user", "customer__brand")
        if customer_id is not None:
            orders = orders.filter(customer_id=customer_id)
        order = orders.filter(pk=order_id).first()
        if order is None:
            raise NotFound
        kept = [each for each in payments.attempts_for([order.id])[order.id] if each.kept]
        if not kept:
            raise ReceiptNotReady(status=order.status)
        refunds = [each for each in payments.refunds_for([order.id])[order.id] if each.attempt.kept]
        periods = usage.periods_of_orders([order.id], now)[order.id]
    return Receipt(order, kept[-1], refunds, periods)


def render_receipt(receipt: Receipt, locale: str) -> bytes:
    """The receipt as a PDF of A4 pages; equal receipts give equal bytes. Takes a fifth of a second."""
    with translation.override(locale):
        sheet = _sheet(receipt, locale)
    printed: bytes = import_string(_PRINTER)(sheet)
    return printed


def _sheet(receipt: Receipt, locale: str) -> Sheet:
    order, brand = receipt.order, receipt.order.customer.brand
    customer = order.customer
    return Sheet(
        brand=brand.name_zh if locale.startswith("zh") else brand.name_en,
        accent=str(brand.for_messages().get("accent", "")),
        title=gettext("Receipt"),
        made_at=receipt.issued_at,
        facts=[
            (gettext("Order number"), order.number),
            (gettext("Date"), _moment(receipt.issued_at, receipt.zone, locale)),
            (gettext("Customer"), customer.email or customer.phone or customer.id),
            (gettext("Payment method"), _method(receipt.payment)),
            *([(gettext("Line"), line_name(order.line))] if order.line is not None else []),
        ],
        heads=(gettext("Description"), gettext("Amount")),
        rows=_rows(receipt, locale),
        notes=_notes(receipt, locale),
        closing=gettext("Questions? Write to %(address)s.") % {"address": brand.support_email},
        wraps_anywhere=locale.startswith("zh"),
    )


def _rows(receipt: Receipt, locale: str) -> list[Row]:
    order = receipt.order
    name = order.plan_version.name.in_locale(locale)
    times = f" × {order.quantity}" if order.quantity > 1 else ""
    paid, tax = order.total, order.tax
    back = [each for each in receipt.refunds if each.status == RefundStatus.SUCCEEDED]
    rows = [
        Row(name + times, _amount(paid - tax, locale), [*_periods(receipt, locale)]),
        Row(gettext("Net amount"), _amount(paid - tax, locale)),
        Row(gettext("Tax"), _amount(tax, locale)),
        Row(gettext("Total paid"), _amount(paid, locale), loud=True),
    ]
    for refund in back:
        day = _moment(refund.settled_at or refund.created_at, receipt.zone, locale)
        rows.append(Row(gettext("Refunded on %(day)s") % {"day": day}, _amount(-refund.amount, locale)))
    if back:
        left = paid - Money.total((each.amount for each in back), paid.currency)
        rows.append(Row(gettext("Paid after refunds"), _amount(left, locale), loud=True))
    return rows


def _periods(receipt: Receipt, locale: str) -> list[str]:
    """When the service was or is given, in the zone of the line."""
    line = receipt.order.line
    zone = ZoneInfo(line.timezone) if line is not None and line.timezone else receipt.zone
    lines = []
    for period in receipt.periods:
        if period.state in {PeriodState.REVOKED, PeriodState.LAPSED}:
            continue
        if period.starts_at is None or period.ends_at is None:
            lines.append(gettext("Period: counted from first use"))
        else:
            ends = (_moment(each, zone, locale) for each in (period.starts_at, period.ends_at))
            lines.append(
                gettext("Period: %(start)s to %(end)s") % dict(zip(("start", "end"), ends, strict=True))
            )
    return lines


def _notes(receipt: Receipt, locale: str) -> list[str]:
    waiting = [
        each for each in receipt.refunds if each.status in {RefundStatus.REQUESTED, RefundStatus.PENDING}
    ]
    return [
        gettext("A refund of %(amount)s is on its way.") % {"amount": _amount(each.amount, locale)}
        for each in waiting
    ]


def _method(payment: Attempt) -> str:
    """`Visa •••• 4242 (Apple Pay)`: what was charged, and through which wallet."""
    shown = payment.method_brand or payment.method
    name = str(_METHODS.get(shown, shown.replace("_", " ").title()))
    digits = f" •••• {payment.method_last4}" if payment.method_last4 else ""
    wallet = payment.method_wallet
    within = f" ({_METHODS.get(wallet, wallet)})" if wallet and wallet != shown else ""
    return f"{name}{digits}{within}"


def _amount(money: Money, locale: str) -> str:
    """As people read it; where the font has no sign for the currency, with its letters."""
    text = money.format(locale)
    strange = [sign for sign in text if unicodedata.category(sign) == "Sc" and sign not in _DRAWN]
    for sign in strange:
        text = text.replace(sign, f"{money.currency} ")
    return text


def _moment(value: datetime, zone: ZoneInfo, locale: str) -> str:
    return format_moment(value, zone.key, locale)
