"""Devices that were not seen before on an account: their owner is told of each."""

from datetime import datetime

from everline.accounts.devices import device_label
from everline.accounts.limits import site
from everline.accounts.models import AccessToken, User, WebSession
from everline.accounts.services.notices import tell_owner
from everline.accounts.types import Device
from everline.notifications.types import SecurityEvent


def tell_of_new_device(user: User, device: Device, now: datetime, *, device_hash: str = "") -> None:
    """Write the notice of a sign-in from a device that the account does not know; runs before it is noted.

    A browser is known by its cookie; anything, also a browser that forgot it, by its name at the same network
    site. The first device of an account is no news.
    """
    web = list(
        WebSession.objects.filter(user_id=user.pk).values_list("device_hash", "device", "address").distinct()
    )
    api = list(
        AccessToken.objects.filter(customer__user_id=user.pk).values_list("client", "address").distinct()
    )
    if not web and not api:
        return
    seen = {(label, site(address)) for _, label, address in web}
    seen |= {(device_label(program), site(address)) for program, address in api}
    known = (device.label, site(device.address)) in seen
    if known or (device_hash and device_hash in {each for each, _, _ in web}):
        return
    tell_owner(user, SecurityEvent.NEW_DEVICE, device, now)
