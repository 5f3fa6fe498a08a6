"""What customers are told when a purchase cannot go on."""

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class QuoteExpired(DomainError):
    """Thirty minutes are over and no order was made of the quote."""

    code = "quote_expired"
    kind = Kind.CONFLICT
    message = _("This offer has run out. Choose the plan again to see today's price and dates.")


class QuoteUsed(DomainError):
    """A quote makes one order; `extra["order"]` names it."""

    code = "quote_used"
    kind = Kind.CONFLICT
    message = _("An order was already placed from this offer. Open the order to go on.")


class OrderNotPayable(DomainError):
    """The order takes no money; `extra["status"]` says where it stands."""

    code = "order_not_payable"
    kind = Kind.CONFLICT
    message = _("This order cannot be paid any more. Look at its status, or choose a plan again.")


class OrderNotCancellable(DomainError):
    """Paid or ended: it is too late to cancel; `extra["status"]` says where it stands."""

    code = "order_not_cancellable"
    kind = Kind.CONFLICT
    message = _("This order cannot be cancelled any more. If you have paid, ask us for a refund.")


class PaymentUndecided(DomainError):
    """The provider has not said yet whether the payment went through."""

    code = "payment_undecided"
    kind = Kind.CONFLICT
    message = _("Your payment is still being checked. Please wait a moment and look again.")


class PriceChanged(DomainError):
    """The quote's time is over and the total is another now; `extra["total"]` holds it."""

    code = "price_changed"
    kind = Kind.CONFLICT
    message = _("The price has changed since you chose this plan. Look at the new total and confirm it.")


class LineSuspended(DomainError):
    """A suspended line takes no renewal."""

    code = "line_suspended"
    kind = Kind.CONFLICT
    message = _("This line is suspended. Please contact support before you renew it.")


class ReturnUrlRefused(DomainError):
    """The page to come back to is not ours and not on the allow-list."""

    code = "return_url_not_allowed"
    kind = Kind.INVALID
    field = "return_url"
    message = _("The return address is not allowed. Use a page of this site.")


class TooManyFailedAttempts(DomainError):
    """The order had its failed attempts of this hour; `extra["retry_after"]` in seconds."""

    code = "too_many_failed_attempts"
    kind = Kind.RATE_LIMITED
    message = _("Too many payments of this order have failed. Please wait an hour, then try again.")


class TooManyOrders(DomainError):
    """The account had its paid orders of this hour; `extra["retry_after"]` in seconds."""

    code = "too_many_orders"
    kind = Kind.RATE_LIMITED
    message = _("You have placed very many orders in the last hour. Please wait a while, then try again.")


class NothingToRetry(DomainError):
    """The order waits for no supplier."""

    code = "nothing_to_retry"
    kind = Kind.CONFLICT
    message = _("This order waits for no supplier, so there is nothing to try again.")


class NothingToCopy(DomainError):
    """The order has no confirmation, or its customer no address that it could go to."""

    code = "nothing_to_copy"
    kind = Kind.CONFLICT
    message = _("There is no confirmation of this order that could be sent again.")


class TooManyCopies(DomainError):
    """The order's confirmation was sent again and again; `extra["retry_after"]` in seconds."""

    code = "too_many_copies"
    kind = Kind.RATE_LIMITED
    message = _(
        "The confirmation of this order was sent again several times just now. Wait %(retry_after)s seconds."
    )


class CaseStillNeeded(DomainError):
    """An order that waits for attention must have an open case."""

    code = "case_still_needed"
    kind = Kind.CONFLICT
    message = _("The order is not settled yet. Its last case stays open until the money has gone back.")


class ReceiptNotReady(DomainError):
    """Nothing was paid for the order yet; `extra["status"]` says where it stands."""

    code = "receipt_not_ready"
    kind = Kind.CONFLICT
    message = _("There is no receipt yet: it is made as soon as the order is paid.")
