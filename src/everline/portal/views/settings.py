"""A customer's own settings."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from everline.accounts import services
from everline.catalog import selectors as catalog
from everline.core.errors import DomainError
from everline.core.money import CURRENCIES
from everline.portal import choices
from everline.portal.answers import see_other, show, show_problem
from everline.portal.gate import signed_in
from everline.portal.templatetags.portal import active_locale
from everline.portal.views.visitors import remember_language

if TYPE_CHECKING:
    from everline.accounts.models import Customer

_NAMES = ("locale", "timezone", "currency")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: HttpRequest, customer: "Customer") -> HttpResponse:
    """Language, time zone and currency."""
    if request.method != "POST":
        values = {name: getattr(customer, name) for name in _NAMES}
        return show(request, customer, "settings", _page(values))
    values = {name: request.POST.get(name, "") for name in _NAMES}
    try:
        services.update_profile(customer=customer, **values)
    except DomainError as problem:
        return show_problem(request, customer, "settings", _page(values), problem)
    translation.activate(customer.locale)
    messages.success(request, _("Your settings are saved."))
    response = see_other("portal:settings")
    remember_language(response, customer.locale)
    return response


def _page(values: dict[str, str]) -> dict[str, object]:
    locale = active_locale()
    priced = catalog.currencies_on_sale() | ({values["currency"]} & CURRENCIES)
    return {
        "section": "settings",
        "values": values,
        "zones": choices.zones_with(values["timezone"], locale),
        "currencies": choices.currencies(priced, locale),
    }
