"""Which device asks, as far as its browser says. Pure; a guess that only decides what is shown first.

An iPad that asks for desktop pages calls itself a Mac, so every variant stays one link away.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

#: From these on a link installs an eSIM (Apple's universal link; Android's is a custom of the trade).
IOS_LINKS = (17, 4)
ANDROID_LINKS = (10, 0)
_IOS = re.compile(r"\((?:iPhone|iPad|iPod)[^)]*? OS (\d{1,3})(?:_(\d{1,3}))?[^)]*\)")
_ANDROID = re.compile(r"Android(?: (\d{1,3})(?:\.(\d{1,3}))?)?")
_APPLE_HANDHELD = re.compile(r"\((?:iPhone|iPad|iPod)")
#: Browsers inside other apps: links that install an eSIM do nothing in them.
_EMBEDDED = re.compile(
    r"MicroMessenger|AlipayClient|Weibo|QQ/|DingTalk|FBAN|FBAV|Instagram|Line/|Snapchat|musical_ly|BytedanceWebview"
)


class Device(StrEnum):
    """The three ways an eSIM is put on a device."""

    IOS = "ios"
    ANDROID = "android"
    COMPUTER = "computer"


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a visitor holds.

    `old` where its system is known to be too old for links, `embedded` where the page is inside another app.
    """

    device: Device
    old: bool = False
    embedded: bool = False


def visitor_of(user_agent: str) -> Visitor:
    """Read from the header `User-Agent`; anything unknown is a computer."""
    embedded = _EMBEDDED.search(user_agent) is not None
    if _APPLE_HANDHELD.search(user_agent):
        return Visitor(Device.IOS, old=_is_older(_IOS.search(user_agent), IOS_LINKS), embedded=embedded)
    if found := _ANDROID.search(user_agent):
        return Visitor(Device.ANDROID, old=_is_older(found, ANDROID_LINKS), embedded=embedded)
    return Visitor(Device.COMPUTER)


def _is_older(found: re.Match[str] | None, wanted: tuple[int, int]) -> bool:
    """Unknown is not old: the link is tried."""
    if found is None or found[1] is None:
        return False
    return (int(found[1]), int(found[2] or 0)) < wanted
