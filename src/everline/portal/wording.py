"""The words for states and names that come out of the rooms as codes, in the active language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from everline.catalog.terms import Term, TermUnit
from everline.lines.states import ProfileState, ServiceState
from everline.orders.states import OrderStatus
from everline.orders.timeline import Step
from everline.payments.states import AttemptStatus, RefundStatus
from everline.portal import formats
from everline.usage.states import PeriodState

_Words = Mapping[str, str | Promise]

SERVICE_STATES: _Words = {
    ServiceState.PENDING: _("Not started"),
    ServiceState.ACTIVE: _("Active"),
    ServiceState.GRACE: _("Expired, number kept"),
    ServiceState.SUSPENDED: _("Suspended"),
    ServiceState.TERMINATED: _("Ended for good"),
}
PROFILE_STATES: _Words = {
    ProfileState.ALLOCATED: _("Being prepared"),
    ProfileState.RELEASED: _("Ready to install"),
    ProfileState.DOWNLOADED: _("Downloaded"),
    ProfileState.INSTALLED: _("Installed"),
    ProfileState.ENABLED: _("Installed and switched on"),
    ProfileState.DISABLED: _("Installed, switched off"),
    ProfileState.DELETED: _("Deleted from the device"),
    ProfileState.ERROR: _("The last installation failed"),
}
PERIOD_STATES: _Words = {
    PeriodState.QUEUED: _("Queued"),
    PeriodState.ACTIVE: _("Running"),
    PeriodState.SUSPENDED: _("Suspended"),
    PeriodState.ENDED: _("Over"),
    PeriodState.REVOKED: _("Taken back"),
    PeriodState.LAPSED: _("Lapsed unused"),
}
ORDER_STATES: _Words = {
    OrderStatus.AWAITING_PAYMENT: _("Waiting for payment"),
    OrderStatus.PAID: _("Paid"),
    OrderStatus.FULFILLING: _("Being set up"),
    OrderStatus.FULFILLED: _("Complete"),
    OrderStatus.EXPIRED: _("Not paid in time"),
    OrderStatus.CANCELLED: _("Cancelled"),
    OrderStatus.NEEDS_ATTENTION: _("With our team"),
    OrderStatus.REFUNDED: _("Refunded"),
    OrderStatus.PARTIALLY_REFUNDED: _("Partly refunded"),
}
ATTEMPT_STATES: _Words = {
    AttemptStatus.CREATED: _("Starting"),
    AttemptStatus.REQUIRES_ACTION: _("Waiting for you"),
    AttemptStatus.PROCESSING: _("Being processed"),
    AttemptStatus.UNKNOWN: _("Being checked"),
    AttemptStatus.CAPTURED: _("Paid"),
    AttemptStatus.FAILED: _("Failed"),
    AttemptStatus.SURPLUS: _("Paid, going back to you"),
    AttemptStatus.PARTIALLY_REFUNDED: _("Partly refunded"),
    AttemptStatus.REFUNDED: _("Refunded"),
}
REFUND_STATES: _Words = {
    RefundStatus.REQUESTED: _("On its way"),
    RefundStatus.PENDING: _("On its way"),
    RefundStatus.SUCCEEDED: _("Returned"),
    RefundStatus.FAILED: _("Did not go through"),
}
METHODS: _Words = {
    "card": _("Credit or debit card"),
    "paypal": _("PayPal"),
    "apple_pay": _("Apple Pay"),
    "google_pay": _("Google Pay"),
    "alipay": _("Alipay"),
    "wechat_pay": _("WeChat Pay"),
}
SERVICES: _Words = {
    "data": _("Data"),
    "voice": _("Calls"),
    "sms": pgettext_lazy("allowance", "SMS"),
}
SERVICES_LEFT: _Words = {
    "data": _("Data left"),
    "voice": _("Calls left"),
    "sms": _("SMS left"),
}
TERM_UNITS: _Words = {
    TermUnit.DAY: _("Days"),
    TermUnit.MONTH: _("Months"),
    TermUnit.YEAR: _("Years"),
}
REFILLS: _Words = {
    "daily": _("New every day"),
    "monthly": _("New every month"),
}
FAIR_USE: _Words = {
    "day": _("Full speed for the first %(size)s each day, then %(speed)s."),
    "month": _("Full speed for the first %(size)s each month, then %(speed)s."),
    "period": _("Full speed for the first %(size)s of the plan, then %(speed)s."),
}

#: Usage that no allowance carried, by the plan's rule.
OVERRUNS: _Words = {
    "block": _("%(amount)s went beyond the allowance. It costs you nothing."),
    "throttle": _("%(amount)s went beyond the allowance, at reduced speed. It costs you nothing."),
    "wallet": _("%(amount)s went beyond the allowance, at the plan's price for more."),
}

#: Which colour a state's badge has; what is not here is neutral.
TONES: Mapping[str, str] = {
    ServiceState.ACTIVE: "good",
    ServiceState.GRACE: "warn",
    ServiceState.SUSPENDED: "bad",
    ServiceState.TERMINATED: "bad",
    OrderStatus.AWAITING_PAYMENT: "warn",
    OrderStatus.FULFILLED: "good",
    OrderStatus.NEEDS_ATTENTION: "warn",
    AttemptStatus.CAPTURED: "good",
    AttemptStatus.FAILED: "bad",
    RefundStatus.SUCCEEDED: "good",
}

#: Steps of an order's tracking that did not go as hoped.
STEP_TONES: Mapping[str, str] = {
    Step.PAYMENT_FAILED: "bad",
    Step.FULFILMENT_FAILED: "bad",
    Step.REFUND_FAILED: "bad",
    Step.FULFILMENT_DELAYED: "warn",
    Step.PAYMENT_SURPLUS: "warn",
    Step.ATTENTION: "warn",
}

_MEGABIT = 1000
_MINUTE = 60


def term(value: Term) -> str:
    """A plan's length: "30 days"."""
    count = {"count": value.count}
    match TermUnit(value.unit):
        case TermUnit.DAY:
            return ngettext("%(count)d day", "%(count)d days", value.count) % count
        case TermUnit.MONTH:
            return ngettext("%(count)d month", "%(count)d months", value.count) % count
        case TermUnit.YEAR:
            return ngettext("%(count)d year", "%(count)d years", value.count) % count


def days_left(count: int) -> str:
    """How long a line still works."""
    return ngettext("%(count)d day left", "%(count)d days left", count) % {"count": count}


def expires_in(days: int) -> str:
    """A line that ends soon; a begun day counts."""
    if days <= 1:
        return gettext("Expires within a day.")
    return ngettext("Expires in %(count)d day.", "Expires in %(count)d days.", days) % {"count": days}


def quantity(service: str, amount: int, locale: str) -> str:
    """An allowance or what is left of it: bytes, seconds or messages as people say them."""
    match service:
        case "data":
            return formats.data_size(amount, locale)
        case "voice":
            whole, rest = formats.minutes(amount)
            if whole or not rest:
                return ngettext("%(count)d minute", "%(count)d minutes", whole) % {"count": whole}
            return ngettext("%(count)d second", "%(count)d seconds", rest) % {"count": rest}
        case _:
            return ngettext("%(count)d message", "%(count)d messages", amount) % {"count": amount}


def quantity_short(service: str, amount: int, locale: str) -> str:
    """The same where there is little room."""
    match service:
        case "data":
            return formats.data_size(amount, locale)
        case "voice":
            return gettext("%(count)s min") % {"count": formats.number(amount // _MINUTE, locale)}
        case _:
            return pgettext("messages", "%(count)s") % {"count": formats.number(amount, locale)}


def speed(kbps: int) -> str:
    """A throttled speed."""
    if kbps >= _MEGABIT and kbps % _MEGABIT == 0:
        return f"{kbps // _MEGABIT} Mbit/s"
    return f"{kbps} kbit/s"
