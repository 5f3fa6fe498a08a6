import zoneinfo
from functools import cache

from everline.accounts.errors import LocaleUnsupported, NotificationsInvalid, TimezoneUnknown
from everline.accounts.models import Customer
from everline.accounts.types import LOCALES, NOTIFICATION_CHANNELS, NOTIFICATION_TOPICS
from everline.core.money import CURRENCIES, UnknownCurrency


def update_profile(
    *,
    customer: Customer,
    locale: str | None = None,
    timezone: str | None = None,
    currency: str | None = None,
    notifications: dict[str, list[str]] | None = None,
) -> Customer:
    """Change a customer's own settings; None leaves a setting as it is. Topics not named keep their channels.

    The customer's lines keep the time zone and their orders the currency they have.

    Raises:
        LocaleUnsupported, TimezoneUnknown, UnknownCurrency, NotificationsInvalid: nothing was changed.
    """
    changes: dict[str, object] = {}
    if locale is not None:
        changes["locale"] = checked_locale(locale)
    if timezone is not None:
        changes["timezone"] = checked_timezone(timezone)
    if currency is not None:
        changes["currency"] = checked_currency(currency)
    if notifications is not None:
        chosen = {**customer.notification_choices, **checked_notifications(notifications)}
        changes["notification_choices"] = chosen
    if changes:
        for name, value in changes.items():
            setattr(customer, name, value)
        customer.save(update_fields=list(changes))
    return customer


def checked_locale(locale: str) -> str:
    """The locale if we speak it.

    Raises:
        LocaleUnsupported: we do not.
    """
    if locale not in LOCALES:
        raise LocaleUnsupported
    return locale


def checked_timezone(name: str) -> str:
    """The zone's name if the database has it.

    Raises:
        TimezoneUnknown: it has not.
    """
    if name not in _zones():
        raise TimezoneUnknown
    return name


def checked_currency(currency: str) -> str:
    """The code if ISO 4217 has it.

    Raises:
        UnknownCurrency: it has not.
    """
    if currency not in CURRENCIES:
        raise UnknownCurrency
    return currency


def checked_notifications(choices: dict[str, list[str]]) -> dict[str, list[str]]:
    """Topic to channels, each channel once.

    Raises:
        NotificationsInvalid: an unknown topic or channel.
    """
    if not set(choices) <= set(NOTIFICATION_TOPICS):
        raise NotificationsInvalid
    if any(not set(channels) <= set(NOTIFICATION_CHANNELS) for channels in choices.values()):
        raise NotificationsInvalid
    return {
        topic: [channel for channel in NOTIFICATION_CHANNELS if channel in channels]
        for topic, channels in choices.items()
    }


@cache
def _zones() -> frozenset[str]:
    """Names of places and UTC; the database's own special files are no zones for people."""
    return frozenset(zoneinfo.available_timezones() - {"Factory", "localtime", "posixrules"})
