"""A line's page: installing by device, networks, usage, periods, and everything strangers may try."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Customer
from everline.core import clock
from everline.lines.models import Line
from everline.usage.services import record_usage
from everline.usage.types import UsageInput
from tests.portal.bank import Bank
from tests.portal.conftest import GB, Page, Shop

Enter = Callable[[Customer], Client]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile"
SCRIPT = '"><script>alert(1)</script>'


class Owner:
    """Somebody with one line in service."""

    def __init__(self, shop: Shop, enter: Enter, **profile: Any) -> None:
        self.shop = shop
        self.customer = shop.customer(timezone="Asia/Tokyo")
        self.line = shop.line(self.customer, **profile)
        self.client = enter(self.customer)
        self.address = f"/lines/{self.line.id}/"

    def page(self, query: str = "", **headers: str) -> Page:
        return Page(self.client.get(self.address + query, headers=headers))

    def use(self, quantity: int, plmn: str = "44010", **values: Any) -> None:
        record = UsageInput(
            source="test",
            id=f"{quantity}-{plmn}-{values}",
            **{"service": "data", "at": clock.now(), **values},
            quantity=quantity,
            line=self.line.id,
            plmn=plmn,
        )
        assert record_usage([record], clock.now()).accepted == 1


@pytest.fixture
def owner(shop: Shop, enter: Enter) -> Owner:
    return Owner(shop, enter)


@pytest.mark.parametrize(
    ("user_agent", "first"),
    [
        (IPHONE.format("18_0"), "Install on iPhone or iPad"),
        (ANDROID, "Install on Android"),
        ("curl/8", "Scan the QR code with its camera"),
    ],
)
def test_the_device_that_asks_is_shown_first(owner: Owner, user_agent: str, first: str) -> None:
    page = owner.page(**{"User-Agent": user_agent})

    assert first in page.text
    assert page.html.count('aria-current="true">') >= 1
    for device in ("ios", "android", "computer"):
        assert f"?device={device}#install" in page.links


@pytest.mark.parametrize("device", ["ios", "android", "computer"])
def test_every_way_is_one_link_away(owner: Owner, device: str) -> None:
    install = owner.line.install
    assert install is not None

    page = owner.page(f"?device={device}", **{"User-Agent": IPHONE.format("18_0")})

    assert page.html.count('class="qr"') == 1
    for text in (install.smdp_address, install.matching_id, install.lpa, install.apn):
        assert text in page.text
    assert (install.ios_url in page.links) is (device != "android")
    assert (install.android_url in page.links) is (device != "ios")
    assert "*#06#" in page.text
    assert "one device" in page.text


@pytest.mark.parametrize("device", ["", "IOS", "../etc", "%00", SCRIPT])
def test_a_device_that_is_none_is_the_one_that_asks(owner: Owner, device: str) -> None:
    page = owner.page(f"?device={device}", **{"User-Agent": ANDROID})

    assert "Install on Android" in page.text
    assert "<script>alert" not in page.html


def test_an_old_system_and_a_browser_inside_an_app_are_warned(owner: Owner) -> None:
    old = owner.page(**{"User-Agent": IPHONE.format("16_2")})
    embedded = owner.page(**{"User-Agent": f"{ANDROID} MicroMessenger/8.0"})

    assert "older than 17.4" in old.text
    assert "inside another app" in embedded.text
    assert "inside another app" not in old.text


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("released", "Ready to install"),
        ("installed", "Do not delete the eSIM"),
        ("enabled", "Do not delete the eSIM"),
        ("deleted", "It was deleted from its device"),
        ("error", "The last installation failed"),
    ],
)
def test_what_the_chip_holds_decides_what_is_advised(owner: Owner, state: str, says: str) -> None:
    Line.objects.update(profile_state=state, eid="89049032007108882600137544319616")

    page = owner.page()

    assert says in page.text
    assert "EID ends in 319616" in page.text


def test_a_line_that_has_ended_is_not_installed_any_more(owner: Owner) -> None:
    Line.objects.update(service_state="terminated")

    page = owner.page()

    assert "can be deleted from the device" in page.text
    assert 'class="qr"' not in page.html


def test_networks_by_country(owner: Owner) -> None:
    version = owner.shop.plan(networks=(("JP", "44010"), ("KR", "45005")))
    owner.shop.serve(owner.line, version)

    page = owner.page()

    assert "Works in 2 countries and regions" in page.text
    assert "Japan NTT docomo 4G/5G" in page.text
    assert "South Korea SK Telecom 5G" in page.text


def test_usage_by_day_and_country(owner: Owner) -> None:
    owner.shop.serve(owner.line, owner.shop.plan(networks=(("JP", "44010"), ("KR", "45005"))))
    owner.use(2 * GB)
    owner.use(GB, "45005")

    page = owner.page()

    assert "Usage 3 GB" in page.text
    assert "Japan 2 GB" in page.text
    assert "South Korea 1 GB" in page.text
    assert page.html.count('class="bar-label"') == 30
    assert "beyond" not in page.text


def test_usage_that_nobody_pays_for_is_not_hidden(owner: Owner) -> None:
    owner.shop.serve(owner.line, owner.shop.plan())
    owner.use(7 * GB)

    page = owner.page()

    assert "Usage 7 GB" in page.text
    assert "2 GB went beyond the allowance, at reduced speed" in page.text
    assert "Data: all used up." in page.text


def test_steps_and_services_are_links(owner: Owner) -> None:
    owner.shop.serve(owner.line, owner.shop.plan())
    owner.use(125, service="voice")

    page = owner.page("?by=hour&service=voice")

    assert page.html.count('class="bar-label"') == 24
    assert "Usage 2 minutes" in page.text
    assert "?by=month&service=voice#usage" in page.links
    assert "?by=hour&service=sms#usage" in page.links


def test_earlier_windows_end_where_the_line_began(owner: Owner) -> None:
    owner.shop.wait(days=40)

    newest, before, beginning = owner.page(), owner.page("?back=1"), owner.page("?back=9")

    assert "?by=day&service=data&back=1#usage" in newest.links
    assert "?by=day&service=data#usage" in before.links
    assert not [link for link in before.links if "back=2" in link]
    assert "Nothing was used in this time" in beginning.text


def test_a_script_gets_the_usage_alone(owner: Owner) -> None:
    part = owner.client.get(f"{owner.address}?by=month", headers={"HX-Request": "true", "HX-Target": "usage"})
    restored = owner.client.get(owner.address, headers={"HX-Request": "true"})

    assert part.content.decode().lstrip().startswith('<section class="card" id="usage"')
    assert owner.line.iccid not in part.content.decode()
    assert "<html" in restored.content.decode()


@pytest.mark.parametrize(
    "query", ["?by=%00&back=%00", f"?service={SCRIPT}", "?by=year&back=1e9", "?back=" + "9" * 99]
)
def test_garbage_in_the_address_breaks_nothing(owner: Owner, query: str) -> None:
    page = owner.page(query)

    assert "<script>alert" not in page.html
    assert page.forbidden == []


def test_allowances_one_by_one_with_their_refills(owner: Owner) -> None:
    owner.shop.serve(owner.line, owner.shop.plan("year", 1, refill="monthly"))

    page = owner.page()

    assert "Every allowance" in page.text
    assert "then a fresh one" in page.text


def test_an_unlimited_allowance_says_so_with_its_rule(owner: Owner) -> None:
    owner.shop.serve(owner.line, owner.shop.plan(data_bytes=None))
    owner.use(3 * GB)

    page = owner.page()

    assert "Unlimited 3 GB used Data" in page.text
    assert "Full speed for the first 1 GB each day, then 1 Mbit/s. Hotspot allowed." in page.text


def test_what_runs_comes_first_and_what_is_past_last(owner: Owner) -> None:
    owner.shop.serve(owner.line, owner.shop.plan("day", 1))
    owner.shop.wait(days=2)
    owner.line.refresh_from_db()
    owner.shop.serve(owner.line, owner.shop.plan("day", 3), 2)

    page = owner.page()
    periods = page.text.split("Service periods")[1]

    assert [periods.index(word) for word in ("Running", "Queued", "Past periods", "Over")] == sorted(
        periods.index(word) for word in ("Running", "Queued", "Past periods", "Over")
    )
    assert '<rect class="active"' in page.html
    assert '<rect class="queued"' in page.html


def test_a_name_cannot_be_a_script(owner: Owner) -> None:
    owner.client.post(owner.address, {"label": SCRIPT})

    for address in (owner.address, "/account/"):
        html = Page(owner.client.get(address)).html
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


def test_lines_of_others_do_not_exist(owner: Owner, enter: Enter) -> None:
    stranger = enter(owner.shop.customer())

    for query in ("", "?device=ios", "?by=hour"):
        assert stranger.get(owner.address + query).status_code == 404
    assert stranger.get(owner.address, headers={"HX-Target": "usage"}).status_code == 404
    assert stranger.post(owner.address, {"label": "mine"}).status_code == 404
    assert Client().get(owner.address)["Location"].startswith("/sign-in/")
    owner.line.refresh_from_db()
    assert owner.line.label == "Holiday"


@pytest.mark.parametrize("line", ["nonsense", "ln_0000000000000", "ord_0000000000000", "%00"])
def test_lines_that_do_not_exist(owner: Owner, line: str) -> None:
    assert owner.client.get(f"/lines/{line}/").status_code == 404
    assert owner.client.post(f"/lines/{line}/", {"label": "x"}).status_code == 404


def test_a_busy_line_costs_no_more(owner: Owner, bank: Bank) -> None:
    owner.shop.serve(owner.line, owner.shop.plan("year", 1, refill="monthly"))
    for number in range(12):
        owner.use(10 + number, at=clock.now() - timedelta(minutes=number))

    with CaptureQueriesContext(connection) as whole:
        owner.client.get(owner.address)
    with CaptureQueriesContext(connection) as part:
        owner.client.get(owner.address, headers={"HX-Target": "usage"})

    assert len(whole) <= 12
    assert len(part) < len(whole)
