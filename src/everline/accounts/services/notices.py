"""Who is told when something about the security of an account changes, or when strangers try its address."""

from collections.abc import Iterable
from datetime import datetime

from everline.accounts.addresses import Login
from everline.accounts.models import Brand, Customer, User
from everline.accounts.selectors import default_brand
from everline.accounts.types import DEFAULT_LOCALE, DEFAULT_TIMEZONE, Device
from everline.core import links
from everline.core.countries import name_of_country
from everline.notifications.services import enqueue
from everline.notifications.types import Channel, Kind, Message, SecurityEvent

CHANNELS = {"email": Channel.EMAIL, "phone": Channel.SMS}


def tell_owner(
    user: User, event: SecurityEvent, device: Device, now: datetime, *, to: Iterable[Login] | None = None
) -> None:
    """Write the notice of a change, in the transaction that makes it.

    It goes to the address the owner is most surely reached at, or to those named in `to`.
    """
    addresses = list(to) if to is not None else best_address(user)
    notices = (_notice(user, event, device, now, address, n) for n, address in enumerate(addresses))
    enqueue(*notices, now=now)


def best_address(user: User) -> list[Login]:
    """A proved e-mail address, else a proved number, else whatever there is."""
    customer: Customer | None = getattr(user, "customer", None)
    emails = [Login("email", user.email)] if user.email else []
    phones = [Login("phone", user.phone)] if user.phone else []
    only_phone_is_proved = (
        customer is not None and not customer.email_verified_at and customer.phone_verified_at is not None
    )
    return ([*phones, *emails] if only_phone_is_proved else [*emails, *phones])[:1]


def address_taken(owner: User, now: datetime, *, locale: str, brand: Brand) -> list[Message]:
    """To an owner whose address somebody else wanted, in the owner's language, once an hour at most.

    `locale` and `brand` are those of whoever asked; they count where the owner is no customer.
    """
    customer: Customer | None = getattr(owner, "customer", None)
    brand = customer.brand if customer else brand
    if not owner.is_active:
        return []
    return [
        Message(
            kind=Kind.ADDRESS_TAKEN,
            to=address.value,
            channel=CHANNELS[address.kind],
            locale=customer.locale if customer else locale,
            brand=brand.for_messages(),
            context={"sign_in_url": links.url("sign_in", origin=brand.origin)},
            dedupe_key=f"address_taken:{owner.pk}:{now:%Y%m%d%H}",
            reference=customer.id if customer else "",
        )
        for address in best_address(owner)
    ]


def _notice(
    user: User, event: SecurityEvent, device: Device, now: datetime, address: Login, number: int
) -> Message:
    customer: Customer | None = getattr(user, "customer", None)
    brand = customer.brand if customer else default_brand()
    locale = customer.locale if customer else DEFAULT_LOCALE
    return Message(
        kind=Kind.SECURITY_NOTICE,
        to=address.value,
        channel=CHANNELS[address.kind],
        locale=locale,
        brand=brand.for_messages(),
        context={
            "event": event.value,
            "at": now.isoformat(),
            "zone": customer.timezone if customer else DEFAULT_TIMEZONE,
            "device": device.label,
            "country": name_of_country(device.country, locale) if device.country else "",
            "settings_url": links.url("security", origin=brand.origin),
        },
        dedupe_key=f"security:{event.value}:{user.pk}:{number}:{now:%Y%m%d%H%M%S%f}",
        reference=customer.id if customer else "",
    )
