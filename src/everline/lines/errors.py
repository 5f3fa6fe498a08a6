"""What the lines room refuses."""

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class InvalidIccid(DomainError):
    """A card number that is not 18 to 20 digits."""

    code = "invalid_iccid"
    kind = Kind.INVALID
    message = _("A card number (ICCID) has 18 to 20 digits. Please check it.")


class IccidTaken(DomainError):
    """The profile already belongs to a line of another customer."""

    code = "iccid_taken"
    kind = Kind.CONFLICT
    message = _("This eSIM profile already belongs to a line.")


class InvalidLabel(DomainError):
    """A line's name that is too long or holds control characters."""

    code = "invalid_label"
    kind = Kind.INVALID
    message = _("Please choose a name of at most 60 characters.")


class InvalidInstallData(DomainError):
    """An SM-DP+ address or matching id that cannot stand in an activation code."""

    code = "invalid_install_data"
    kind = Kind.INVALID
    message = _("The activation data of this eSIM cannot be used. Please ask support.")
