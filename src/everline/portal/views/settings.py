"""A customer's profile: language, time zone, currency, and what they want to be told."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from everline.accounts import selectors, services
from everline.accounts.types import NOTIFICATION_TOPICS
from everline.catalog import selectors as catalog
from everline.core.errors import DomainError
from everline.core.money import CURRENCIES
from everline.portal import choices, wording_identity
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
    """Show and save the profile."""
    chosen = selectors.profile_of(customer).notifications
    if request.method != "POST":
        values = {name: getattr(customer, name) for name in _NAMES}
        return show(request, customer, "settings/profile", _page(values, customer, chosen))
    values = {name: request.POST.get(name, "") for name in _NAMES}
    wanted = _topics_of(request.POST, chosen) if "topics" in request.POST else chosen
    try:
        services.update_profile(customer=customer, **values, notifications=wanted)
    except DomainError as problem:
        return show_problem(request, customer, "settings/profile", _page(values, customer, wanted), problem)
    translation.activate(customer.locale)
    messages.success(request, _("Your settings are saved."))
    response = see_other("portal:settings")
    remember_language(response, customer.locale)
    return response


def _topics_of(form: QueryDict, chosen: dict[str, list[str]]) -> dict[str, list[str]]:
    """The channels ticked for each topic; channels that the page does not offer stay as they are."""
    offered = set(wording_identity.CHANNELS)
    return {
        topic: [
            *(set(form.getlist(f"notify_{topic}")) & offered),
            *(channel for channel in chosen[topic] if channel not in offered),
        ]
        for topic in NOTIFICATION_TOPICS
    }


def _page(values: dict[str, str], customer: "Customer", chosen: dict[str, list[str]]) -> dict[str, object]:
    locale = active_locale()
    priced = catalog.currencies_on_sale() | ({values["currency"]} & CURRENCIES)
    reachable = {"email": customer.email is not None, "sms": customer.phone is not None}
    return {
        "section": "settings",
        "part": "profile",
        "values": values,
        "zones": choices.zones_with(values["timezone"], locale),
        "currencies": choices.currencies(priced, locale),
        "topics": [
            {
                "code": topic,
                "name": wording_identity.TOPICS[topic],
                "channels": [
                    {
                        "code": code,
                        "name": name,
                        "chosen": code in chosen[topic],
                        "reachable": reachable[code] or code in chosen[topic],
                    }
                    for code, name in wording_identity.CHANNELS.items()
                ],
            }
            for topic in NOTIFICATION_TOPICS
        ],
    }
