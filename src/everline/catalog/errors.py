"""Refusals of the catalogue; each has a stable code."""

from django.utils.translation import gettext_lazy as _

from everline.core.errors import DomainError, Kind


class PlanWithdrawn(DomainError):
    """The plan is no longer sold; orders that hold one of its versions go on."""

    code = "plan_withdrawn"
    kind = Kind.CONFLICT
    message = _("This plan is no longer sold. Please choose another one.")
    field = "plan"


class CurrencyNotPriced(DomainError):
    """A known currency in which the plan, or the whole catalogue, has no price."""

    code = "currency_not_priced"
    kind = Kind.INVALID
    message = _("There is no price in this currency. Please choose another currency.")
    field = "currency"


class UnknownCountry(DomainError):
    """Not an ISO 3166-1 alpha-2 code."""

    code = "unknown_country"
    kind = Kind.INVALID
    message = _("We do not know this country. Use its two-letter code, for example JP.")
    field = "country"


class UnknownTerm(DomainError):
    """Not one of day, month and year."""

    code = "unknown_term"
    kind = Kind.INVALID
    message = _("A term is day, month or year. Please choose one of them.")
    field = "term"


class InvalidCursor(DomainError):
    """The cursor of a list is not one that this list gave out."""

    code = "invalid_cursor"
    kind = Kind.INVALID
    message = _("This page of the list does not exist. Start again from the first one.")
    field = "cursor"


class InvalidPlan(DomainError):
    """A plan's content contradicts itself; `extra["problems"]` lists what, in English, for staff and logs."""

    code = "invalid_plan"
    kind = Kind.INVALID
    message = _("This plan cannot be published: %(problems)s")
