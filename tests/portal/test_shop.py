"""Looking around: the landing page, places, lists with their filters, one plan, comparison."""

import gzip
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from everline.accounts.models import Customer
from everline.catalog.models import PlanVersion
from everline.catalog.services import load_demo_catalogue, save_operators, withdraw_plan
from everline.catalog.specs import FairUseSpec
from everline.catalog.types import OperatorView, Text
from everline.core import clock
from everline.lines.models import Line
from everline.usage.models import UsageRecord
from tests.portal.conftest import GB, Page, Shop

Enter = Callable[[Customer], Client]
ENGLISH = {"Accept-Language": "en"}
#: A page costs at most so many statements, whoever looks at it.
BUDGET = 12


def visit(path: str, **headers: str) -> Page:
    answer = Client(headers={**ENGLISH, **headers}).get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return Page(answer)


def cards(page: Page) -> int:
    return page.html.count('class="card plan')


@pytest.fixture
def world(shop: Shop) -> dict[str, PlanVersion]:
    """Plans in two countries, and one for the Nordics."""
    nordics = [(code, f"2{number}001") for number, code in enumerate(("SE", "NO", "DK", "FI"), 10)]
    save_operators(operators=[(code, OperatorView(plmn, f"Net {code}", "4G")) for code, plmn in nordics])
    return {
        "japan": shop.plan("day", 7, 950),
        "japan_month": shop.plan("month", 1, 1999, data_bytes=20 * GB),
        "korea": shop.plan("day", 5, 700, networks=(("KR", "45005"),), name=Text("Korea trip", "韩国行")),
        "nordics": shop.plan("month", 1, 2999, networks=tuple(nordics), name=Text("Nordic month", "北欧月")),
        "boost": shop.plan("month", 1, 100, renewal_policy="start_now", name=Text("Boost", "加油包")),
    }


# Landing


def test_the_landing_page_leads_to_places_with_their_lowest_price(world: dict[str, PlanVersion]) -> None:
    page = visit("/")

    assert "/plans/japan/" in page.links
    assert "/plans/south-korea/" in page.links
    assert "/plans/nordics/" in page.links
    assert "from $9.50" in page.text, "the add-on at $1.00 carries no line"
    assert "from $1.00" not in page.text
    assert 'src="/static/portal/flags/JP' in page.html
    assert 'loading="lazy"' in page.html
    assert page.forbidden == []


def test_the_landing_page_searches_without_script(world: dict[str, PlanVersion]) -> None:
    forms = [form for form in visit("/").forms if form["action"] == "/destinations/"]

    assert [(form["method"], list(form["fields"])) for form in forms] == [("get", ["q"])]


def test_the_landing_page_is_for_those_who_index_too(world: dict[str, PlanVersion]) -> None:
    page = visit("/")

    assert '<link rel="canonical" href="http://testserver/">' in page.html
    assert 'hreflang="zh-Hans" href="http://testserver/?lang=zh-hans"' in page.html
    assert 'hreflang="en" href="http://testserver/?lang=en"' in page.html
    assert 'hreflang="x-default" href="http://testserver/"' in page.html
    assert 'property="og:title"' in page.html
    assert '<meta name="description"' in page.html
    assert "noindex" not in page.html


def test_an_empty_shop_says_so(shop: Shop) -> None:
    for path in ("/", "/plans/", "/destinations/"):
        page = visit(path)
        assert "no plan" in page.text.lower()


def test_the_address_may_name_the_language(world: dict[str, PlanVersion]) -> None:
    browser = Client(headers={"Accept-Language": "zh-CN"})

    english = Page(browser.get("/?lang=en"))
    afterwards = Page(browser.get("/plans/"))
    strange = Client(headers=ENGLISH).get("/?lang=xx")

    assert english.language == afterwards.language == "en"
    assert Page(strange).language == "en"
    assert "django_language" not in strange.cookies


def test_choosing_a_language_wins_over_the_address(world: dict[str, PlanVersion]) -> None:
    browser = Client()

    answer = browser.post("/language/", {"language": "zh-hans", "next": "/plans/japan/?lang=en&sort=gb"})

    assert answer["Location"] == "/plans/japan/?sort=gb"
    assert Page(browser.get(answer["Location"])).language == "zh-Hans"


# Places


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Japan", "/plans/japan/"),
        ("riben", "/plans/japan/"),
        ("日本", "/plans/japan/"),
        ("东京", "/plans/japan/"),
        ("JP", "/plans/japan/"),
        ("korea", "/plans/south-korea/"),
        ("北欧", "/plans/nordics/"),
        ("swed", "/plans/sweden/"),
    ],
)
def test_a_search_that_can_mean_one_place_leads_there(
    world: dict[str, PlanVersion], text: str, target: str
) -> None:
    answer = Client().get("/destinations/", {"q": text})

    assert (answer.status_code, answer["Location"]) == (302, target)


def test_a_search_that_can_mean_several_shows_them(world: dict[str, PlanVersion]) -> None:
    page = visit("/destinations/?q=n")

    assert "/plans/nordics/" in page.links
    assert "/plans/norway/" in page.links
    assert "Found for “n”" in page.text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'", "\x00", "%%"]
)
def test_what_is_searched_is_only_text(world: dict[str, PlanVersion], text: str) -> None:
    answer = Client(headers=ENGLISH).get("/destinations/", {"q": text})
    page = Page(answer)

    assert answer.status_code == 200
    assert page.forbidden == []
    assert "<script>alert" not in page.html
    assert "<img src=x" not in page.html
    assert "No such place" in page.text


def test_suggestions_are_short_and_harmless(world: dict[str, PlanVersion]) -> None:
    answer = Client(headers=ENGLISH).get("/destinations/suggest/", {"q": "ja"})
    nothing = Client().get("/destinations/suggest/", {"q": "<script>"})

    [japan] = json.loads(answer.content)["places"]
    assert answer["Content-Type"] == "application/json"
    assert (japan["name"], japan["url"], japan["price"]) == ("Japan", "/plans/japan/", "from $9.50")
    assert japan["flag"].startswith("/static/portal/flags/JP")
    assert json.loads(nothing.content) == {"places": []}
    assert json.loads(Client().get("/destinations/suggest/").content) == {"places": []}


def test_a_country_shows_its_plans_and_networks(world: dict[str, PlanVersion]) -> None:
    page = visit("/plans/japan/")

    assert page.title.startswith("eSIM for Japan")
    assert cards(page) == 3
    assert "NTT docomo" in page.text
    assert "44010" not in page.text, "a PLMN is nothing for people"
    assert "Korea trip" not in page.text


def test_a_region_shows_the_plans_that_serve_it(world: dict[str, PlanVersion]) -> None:
    page = visit("/plans/nordics/")

    assert cards(page) == 1
    assert "Networks in 4 countries" in page.text
    assert "/plans/norway/" not in page.links or "/plans/sweden/" in page.links


def test_a_place_has_one_address(world: dict[str, PlanVersion]) -> None:
    answer = Client().get("/plans/JP/")

    assert (answer.status_code, answer["Location"]) == (301, "/plans/japan/")


@pytest.mark.parametrize("place", ["thailand", "nowhere", "pln_0000000000000", "..%2f", "<script>"])
def test_places_and_plans_that_are_not_sold_are_not_there(world: dict[str, PlanVersion], place: str) -> None:
    answer = Client(headers=ENGLISH).get(f"/plans/{place}/")

    assert answer.status_code == 404
    assert Page(answer).forbidden == []


# Lists


def names(page: Page) -> list[str]:
    return [part.split("</a>")[0].rpartition(">")[2] for part in page.html.split("<h3 id=")[1:]]


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        ("price", "Korea trip", "Boost"),
        ("gb", "Japan trip", "Boost"),
        ("day", "Japan trip", "Boost"),
        ("", "Korea trip", "Boost"),
    ],
)
def test_lists_are_ordered_and_end_with_addons(
    world: dict[str, PlanVersion], sort: str, first: str, last: str
) -> None:
    listed = names(visit(f"/plans/?sort={sort}"))

    assert (listed[0], listed[-1]) == (first, last)


def test_a_month_list_begins_with_a_plan_that_carries_a_line(world: dict[str, PlanVersion]) -> None:
    listed = names(visit("/plans/?term=month"))

    assert listed == ["Japan trip", "Nordic month", "Boost"]
    assert names(visit("/?term=month"))[0] == "Japan trip"


def test_prices_are_told_per_day_and_gigabyte(world: dict[str, PlanVersion]) -> None:
    page = visit("/plans/japan/?term=day")
    chinese = Page(Client(headers={"Accept-Language": "zh-CN"}).get("/plans/japan/?term=day"))

    assert "$1.36 a day · $1.90 per GB" in page.text
    assert "US$1.36" in chinese.text


def test_filters_and_comparison_stay_in_the_address(world: dict[str, PlanVersion]) -> None:
    chosen = world["japan"].plan_id

    page = visit(f"/plans/?term=day&sort=gb&volume=3&compare={chosen}")

    assert '<option value="gb" selected>' in page.html
    assert '<option value="3" selected>' in page.html
    assert f'value="{chosen}" form="compare-form" checked' in page.html
    fields = next(form["fields"] for form in page.forms if form["action"] == "/plans/compare/")
    assert fields["term"] == "day"
    assert fields["sort"] == "gb"


def test_htmx_gets_the_list_alone_and_everybody_else_the_page(world: dict[str, PlanVersion]) -> None:
    part = Client(headers={**ENGLISH, "HX-Request": "true"}).get("/plans/?term=day")
    restored = Client(headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).get("/plans/")

    assert b"<html" not in part.content
    assert b'id="plans-found"' in part.content
    assert b"<html" in restored.content
    assert "HX-Request" in part["Vary"]


FRONT = ["/", "/plans/", "/plans/japan/", "/destinations/", "/plans/compare/"]
GARBAGE = [
    "term=week&country=nowhere&volume=-1&sort=evil&page=0&compare=x&q=",
    "term=&country=%F0%9F%8D%8A&volume=99999999999999999999&page=999999999999&sort=",
    "page=²&volume=²&country=jp&term=DAY&cursor=nonsense&lang=../../etc",
    "page=-1&compare=" + "&compare=".join(["pln_0000000000000"] * 50),
    "q=" + "a" * 5000,
    "term=%00&q=%00&country=%00&sort=%00",
    "line=ln_0000000000000",
]


@pytest.mark.parametrize("path", [*FRONT, "/destinations/suggest/"])
def test_garbage_in_the_address_is_as_if_nothing_was_asked(world: dict[str, PlanVersion], path: str) -> None:
    for query in GARBAGE:
        answer = Client().get(f"{path}?{query}")

        assert answer.status_code == 200, query
        if path != "/destinations/suggest/":
            assert Page(answer).forbidden == []


def test_nothing_fits_is_a_page_with_a_way_out(world: dict[str, PlanVersion]) -> None:
    page = visit("/plans/?term=year&country=KR&volume=50")

    assert "No plan fits" in page.text
    assert "/plans/" in page.links


# One plan


def test_unlimited_data_is_not_said_to_come_anew(shop: Shop) -> None:
    shop.plan("month", 3, 5999, data_bytes=None, fair_use=FairUseSpec(2 * GB, "day", 1000), refill="monthly")
    alone = visit("/plans/").text
    shop.plan("month", 3, 3999, refill="monthly")

    assert "Unlimited" in alone
    assert "every month" not in alone
    assert "every month" in visit("/plans/").text


def test_a_plan_page_says_everything(world: dict[str, PlanVersion], shop: Shop) -> None:
    version = shop.plan(
        "month", 3, 5999, data_bytes=None, fair_use=FairUseSpec(2 * GB, "day", 1000), refill="monthly"
    )

    page = visit(f"/plans/{version.plan_id}/")

    for said in (
        "$59.99",
        "Unlimited",
        "Full speed for the first 2 GB each day, then 1 Mbit/s.",
        "Hotspot allowed.",
        "Japan",
        "NTT docomo",
        "Free Wi-Fi at airports",
        "3 months",
        "100 minutes",
        "new every month",
        "When the running plan ends",
        "731 days",
    ):
        assert said in page.text, said
    assert "44010" not in page.text
    assert f"/quotes/new/?plan={version.plan_id}" in page.links


def test_a_plan_for_a_line_shows_its_new_expiry_to_its_owner_only(
    world: dict[str, PlanVersion], shop: Shop, enter: Enter
) -> None:
    owner, stranger = shop.customer(), shop.customer()
    line = shop.line(owner)
    shop.serve(line, world["japan"])
    path = f"/plans/{world['japan'].plan_id}/?line={line.id}"

    own = enter(owner).get(path)

    assert "New expiry" in Page(own).text
    assert enter(stranger).get(path).status_code == 404
    assert "New expiry" not in visit(path).text.replace("offer with the new expiry", "")
    assert f"line={line.id}" not in " ".join(visit(path).links)


def test_a_withdrawn_plan_is_gone_with_a_reason(world: dict[str, PlanVersion]) -> None:
    withdraw_plan(plan=world["japan"].plan, now=clock.now())

    answer = Client(headers=ENGLISH).get(f"/plans/{world['japan'].plan_id}/")

    assert answer.status_code in {404, 409}
    assert "no longer sold" in Page(answer).text


# Comparison


def test_plans_are_compared_in_a_real_table(world: dict[str, PlanVersion]) -> None:
    ids = [world[name].plan_id for name in ("japan", "japan_month", "korea")]

    page = visit(f"/plans/compare/?term=day&{'&'.join(f'compare={plan_id}' for plan_id in ids)}")

    assert page.html.count('<th scope="col">') == 3
    assert '<th scope="row">' in page.html
    for said in (
        "$9.50",
        "$19.99",
        "$7.00",
        "Price per GB",
        "Fair use",
        "Hotspot",
        "NTT docomo",
        "SK Telecom",
    ):
        assert said in page.text, said
    assert any(link.startswith("/plans/?term=day&compare=") for link in page.links), "back to the same list"


def test_at_most_four_and_at_least_two_are_compared(world: dict[str, PlanVersion]) -> None:
    everything = "&".join(f"compare={version.plan_id}" for version in world.values())
    one = f"compare={world['japan'].plan_id}"

    assert visit(f"/plans/compare/?{everything}").html.count('<th scope="col">') == 4
    for query in (one, f"{one}&{one}", f"{one}&compare=pln_0000000000000", ""):
        page = visit(f"/plans/compare/?{query}")
        assert "Nothing to compare yet" in page.text


def test_a_comparison_for_a_line_shows_each_new_expiry(
    world: dict[str, PlanVersion], shop: Shop, enter: Enter
) -> None:
    owner, stranger = shop.customer(timezone="UTC"), shop.customer()
    line = shop.line(owner)
    shop.serve(line, world["japan"])
    assert line.valid_until is not None
    query = "&".join(f"compare={world[name].plan_id}" for name in ("korea", "boost"))

    page = Page(enter(owner).get(f"/lines/{line.id}/renew/compare/?{query}"))

    later = line.valid_until + timedelta(days=5)
    assert later.strftime("%b %-d, %Y") in page.text
    assert "unchanged" in page.text
    assert enter(stranger).get(f"/lines/{line.id}/renew/compare/?{query}").status_code == 404
    assert Client().get(f"/lines/{line.id}/renew/compare/?{query}").status_code == 303


# Renewing


def used(line: Line, days: int, per_day: int = 10**8) -> None:
    UsageRecord.objects.bulk_create(
        UsageRecord(
            line=line,
            source="test",
            external_id=f"{line.id}-{day}",
            service="data",
            quantity=per_day,
            at=clock.now() - timedelta(days=day + 0.5),
            country="JP",
            received_at=clock.now(),
        )
        for day in range(days)
    )


def test_a_recommendation_says_why(world: dict[str, PlanVersion], shop: Shop, enter: Enter) -> None:
    owner = shop.customer()
    line = shop.line(owner)
    used(line, 5)

    page = Page(enter(owner).get(f"/lines/{line.id}/renew/"))

    assert "Recommended from your usage" in page.text
    assert "You used data on 5 days of the last" in page.text
    assert "about 100 MB a day" in page.text
    assert page.html.count("Suits you") == 2, "by itself, and marked in the list"
    assert "Recommended" not in Page(enter(owner).get("/lines/new/")).text


def test_every_card_of_a_line_shows_a_new_expiry(
    world: dict[str, PlanVersion], shop: Shop, enter: Enter
) -> None:
    owner = shop.customer()
    line = shop.line(owner)
    shop.serve(line, world["japan"])
    first_use = shop.plan("month", 1, 1500, start_policy="on_first_use", activation_deadline_days=90)

    page = Page(enter(owner).get(f"/lines/{line.id}/renew/"))

    assert cards(page) == page.html.count('class="expiry"') == 6
    assert "1 month after the first use" in page.text
    assert "Add-on works until" in page.text
    assert "The line still expires on" in page.text
    assert first_use.plan_id in page.html


@pytest.mark.parametrize("state", ["suspended", "terminated"])
def test_a_line_out_of_service_is_offered_nothing(
    world: dict[str, PlanVersion], shop: Shop, enter: Enter, state: str
) -> None:
    owner = shop.customer()
    line = shop.line(owner)
    Line.objects.filter(pk=line.pk).update(service_state=state)

    page = Page(enter(owner).get(f"/lines/{line.id}/renew/"))

    assert cards(page) == 0
    assert ("suspended" in page.text) is (state == "suspended")
    assert ("/lines/new/" in page.links) is True


# For machines


def test_robots_are_told_where_the_map_is(world: dict[str, PlanVersion]) -> None:
    answer = Client().get("/robots.txt")

    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert "Sitemap: http://testserver/sitemap.xml" in text
    assert "Disallow: /account/" in text
    assert "Disallow: /\n" not in text


def test_the_map_names_public_pages_in_each_language(world: dict[str, PlanVersion]) -> None:
    tree = ET.fromstring(Client().get("/sitemap.xml").content)

    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    listed = {entry.text or "" for entry in tree.iter(f"{space}loc")}
    assert "http://testserver/?lang=en" in listed
    assert "http://testserver/plans/japan/?lang=zh-hans" in listed
    assert f"http://testserver/plans/{world['korea'].plan_id}/?lang=en" in listed
    assert not any("/account/" in address or "/lines/" in address for address in listed)
    for address in sorted(listed)[:6]:
        assert Client().get(address.removeprefix("http://testserver")).status_code == 200


# Weight


@pytest.fixture
def demo(shop: Shop) -> Shop:
    load_demo_catalogue(now=clock.now())
    return shop


def test_pages_of_the_whole_catalogue_are_light(demo: Shop) -> None:
    for path in (
        *FRONT,
        "/plans/europe/",
        "/plans/?page=2&sort=gb",
        "/destinations/suggest/?q=a",
        "/sitemap.xml",
    ):
        with CaptureQueriesContext(connection) as seen:
            answer = Client().get(path)

        assert answer.status_code == 200
        assert len(seen) <= BUDGET, (path, "\n".join(query["sql"][:70] for query in seen))
        assert len(gzip.compress(answer.content)) < 20_000, path


def test_pages_of_a_customer_are_light(demo: Shop, enter: Enter) -> None:
    owner = demo.customer()
    line = demo.line(owner)
    week = demo.plan("day", 7)
    demo.serve(line, week)
    used(line, 30)
    line_pages = [f"/lines/{line.id}/renew/", f"/lines/{line.id}/renew/?term=month&sort=gb", "/lines/new/"]
    browser = enter(owner)
    made = browser.post("/quotes/", {"plan": week.plan_id, "line": line.id})
    browser.get("/plans/")  # a process reads brand and coverage once
    paths: list[Any] = [*line_pages, f"/plans/{week.plan_id}/?line={line.id}", made["Location"]]

    for path in paths:
        with CaptureQueriesContext(connection) as seen:
            answer = browser.get(path)
        assert answer.status_code == 200
        assert len(seen) <= BUDGET, (path, "\n".join(query["sql"][:70] for query in seen))
