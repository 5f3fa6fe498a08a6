"""What the usage room refuses."""

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class StackLimit(DomainError):
    """The new end would lie further away than the plan allows to pay ahead."""

    code = "stack_limit"
    kind = Kind.CONFLICT
    message = _(
        "This line is already paid far ahead: at most %(max_days)s days from today are possible. Choose a "
        "shorter plan or a smaller quantity, or renew later."
    )


class InvalidQuantity(DomainError):
    """Fewer than one or more than 24 periods at once."""

    code = "invalid_quantity"
    kind = Kind.INVALID
    field = "quantity"
    message = _("Choose a quantity from 1 to %(max_quantity)s.")


class LineTerminated(DomainError):
    """After the grace time the number is gone and no payment brings it back."""

    code = "line_terminated"
    kind = Kind.CONFLICT
    message = _("This line has ended and cannot be renewed any more. Please choose a new line.")


class TooManyRecords(DomainError):
    """More usage records in one call than are taken in one transaction."""

    code = "too_many_records"
    kind = Kind.INVALID
    field = "records"
    message = _("Send at most %(max_records)s usage records in one call.")


class InvalidRange(DomainError):
    """A span of time for a usage report that is empty, reversed, or cut too fine."""

    code = "invalid_range"
    kind = Kind.INVALID
    message = _("Choose a start before the end, and at most %(max_steps)s steps between them.")
