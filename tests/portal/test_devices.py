"""Which device asks: real browsers' own words, and nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everline.portal.devices import Device, Visitor, visitor_of

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
PIXEL = (
    "Mozilla/5.0 (Linux; Android {}; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (IPHONE.format("17_4"), Visitor(Device.IOS)),
        (IPHONE.format("17_4_1"), Visitor(Device.IOS)),
        (IPHONE.format("18_0"), Visitor(Device.IOS)),
        (IPHONE.format("17_3"), Visitor(Device.IOS, old=True)),
        (IPHONE.format("9_3_5"), Visitor(Device.IOS, old=True)),
        (f"{IPHONE.format('17_5')} MicroMessenger/8.0.49", Visitor(Device.IOS, embedded=True)),
        (
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
            Visitor(Device.IOS, old=True),
        ),
        (PIXEL.format("14"), Visitor(Device.ANDROID)),
        (PIXEL.format("10"), Visitor(Device.ANDROID)),
        (PIXEL.format("9"), Visitor(Device.ANDROID, old=True)),
        (PIXEL.format("8.1.0"), Visitor(Device.ANDROID, old=True)),
        (f"{PIXEL.format('13')} [FBAN/EMA;FBAV/400]", Visitor(Device.ANDROID, embedded=True)),
        ("Mozilla/5.0 (Android; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0", Visitor(Device.ANDROID)),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605",
            Visitor(Device.COMPUTER),
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36 MicroMessenger/7",
            Visitor(Device.COMPUTER),
        ),
        ("curl/8.5.0", Visitor(Device.COMPUTER)),
        ("", Visitor(Device.COMPUTER)),
    ],
)
def test_devices(user_agent: str, expected: Visitor) -> None:
    assert visitor_of(user_agent) == expected


@given(st.text(max_size=300))
def test_anything_may_stand_in_the_header(user_agent: str) -> None:
    assert visitor_of(user_agent).device in set(Device)


@pytest.mark.parametrize("filler", ["(iPhone" * 2000, "(iPhone; " + "x" * 8000, "Android " * 2000])
def test_a_long_header_takes_no_time(filler: str) -> None:
    assert visitor_of(filler).device in {Device.IOS, Device.ANDROID}
