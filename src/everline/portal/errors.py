"""Refusals of pages themselves; those of the business come from its rooms."""

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class NotConfirmed(DomainError):
    """A new line was ordered without saying that place and device fit."""

    code = "not_confirmed"
    kind = Kind.INVALID
    message = _("Please check where the plan works and that your device supports eSIM, then tick the box.")
    field = "confirmed"
