"""What a supplier's adapter raises, and what a webhook endpoint answers."""

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class SupplierError(Exception):
    """Base of all that an adapter raises: the supplier's word, and seconds after which to ask again."""

    def __init__(
        self, supplier: str, code: str = "", message: str = "", *, retry_after: float | None = None
    ) -> None:
        self.supplier = supplier
        self.code = code
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"{supplier}: {code or type(self).__name__} {message}".strip())


class OutcomeUnknown(SupplierError):
    """Sent, and no usable answer came. Ask about the reference before sending it again."""


class TemporarilyUnavailable(SupplierError):
    """Nothing happened there: refused connection, or 429."""


class Rejected(SupplierError):
    """The supplier refused for good: unknown plan, unknown profile, no credit."""


class AuthConfig(SupplierError):
    """Our credentials are refused or missing: nothing happened there."""


class NotKnown(SupplierError):
    """The supplier says positively that it has no such object."""


class BadSignature(DomainError):
    """A webhook that cannot be verified; nothing of it is stored."""

    code = "bad_signature"
    kind = Kind.INVALID
    message = _("The signature of this message is not valid.")
