"""How addresses and places of sign-ins are written."""

import phonenumbers
from django import template
from django.utils.translation import gettext as _

from everline.accounts.types import SessionView
from everline.catalog.countries import country_name
from everline.portal import wording_identity
from everline.portal.templatetags.portal import active_locale

register = template.Library()


@register.filter
def address(text: str) -> str:
    """An e-mail address as it is, a number with the blanks its country writes: "+44 7700 900123"."""
    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def device_name(session: SessionView) -> str:
    """What somebody signed in with, as far as it told us."""
    return session.device or (_("A program") if session.kind == "api" else _("Unknown device"))


@register.filter
def place(session: SessionView) -> str:
    """From where: the country where a proxy tells it, and the network address."""
    named = country_name(session.country).in_locale(active_locale()) if session.country else ""
    return " · ".join(part for part in (named, session.address) if part)


@register.filter
def sign_in_method(session: SessionView) -> str:
    """How somebody signed in: "Password + authenticator app"."""
    return wording_identity.method(session.method, session.kind)
