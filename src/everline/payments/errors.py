"""Two families: what adapters raise (`ProviderError`), and what customers are told (`DomainError`)."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind

if TYPE_CHECKING:
    from everline.payments.types import Snapshot


class ProviderError(Exception):
    """Base of all that an adapter raises.

    `code` and `decline_code` are the provider's words, `request_id` its trace, `retry_after` seconds.
    """

    def __init__(
        self,
        provider: str,
        code: str = "",
        message: str = "",
        *,
        decline_code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.provider = provider
        self.code = code
        self.decline_code = decline_code
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(f"{provider}: {code or type(self).__name__} {message}".strip())


class OutcomeUnknown(ProviderError):
    """Sent, and no usable answer came: timeout, 5xx, connection lost, nonsense. Never a failure."""


class TemporarilyUnavailable(ProviderError):
    """Nothing happened there: refused connection, or 429. The same call is welcome later."""


class Declined(ProviderError):
    """The payment was refused by bank or wallet; `hard` says that this means of payment is dead."""

    def __init__(self, provider: str, code: str, message: str = "", *, hard: bool = False) -> None:
        super().__init__(provider, code, message, decline_code=code)
        self.hard = hard
        self.message = message


class InvalidRequest(ProviderError):
    """The provider refused what we sent before doing anything: a bug of ours, to be looked at."""


class IdempotencyConflict(ProviderError):
    """The key was used before with other parameters."""


class AlreadyDone(ProviderError):
    """The payment is already past this operation; `snapshot` shows where, if the provider told."""

    def __init__(self, provider: str, code: str = "", *, snapshot: "Snapshot | None" = None) -> None:
        super().__init__(provider, code)
        self.snapshot = snapshot


class Unsupported(ProviderError):
    """This provider cannot do this; `code` names the capability."""


class AuthConfig(ProviderError):
    """Our credentials are refused or missing: nothing happened there."""


class NotKnown(ProviderError):
    """The provider says positively that it has no such object."""


class BadSignature(DomainError):
    """A webhook that cannot be verified; nothing of it is stored."""

    code = "bad_signature"
    kind = Kind.INVALID
    message = _("The signature of this message is not valid.")


class AttemptOpen(DomainError):
    """At most one open attempt per payable; `extra["attempt"]` names the open one."""

    code = "attempt_open"
    kind = Kind.CONFLICT
    message = _("A payment for this order is already open. Continue it, or cancel it and try again.")


class MethodUnavailable(DomainError):
    """No provider takes this method for this amount."""

    code = "method_unavailable"
    kind = Kind.INVALID
    field = "method"
    message = _("This payment method is not available for this order. Please choose another one.")


class ProviderUnavailable(DomainError):
    """The provider cannot be reached; nothing was started. `extra`: attempt, retry_after (seconds)."""

    code = "provider_unavailable"
    kind = Kind.UNAVAILABLE
    message = _(
        "The payment service does not answer right now. Nothing was charged. Please try again shortly."
    )


class RefundTooLarge(DomainError):
    """More than captured minus what is refunded or being refunded; `extra["refundable"]` in minor units."""

    code = "refund_too_large"
    kind = Kind.INVALID
    field = "amount"
    message = _("This is more than what can still be refunded of this payment.")


class NotRefundable(DomainError):
    """The attempt holds no captured money."""

    code = "not_refundable"
    kind = Kind.CONFLICT
    message = _("There is no captured money to refund on this payment.")
