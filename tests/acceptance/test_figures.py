"""Dates, money, plurals and units on the pages and in the mails, as each language writes them.

What is expected is put together here from the API's plain values, by rules written down here once more.
"""

from calendar import month_name
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.web import Json, Person, Sandbox, Window, new_key

pytestmark = pytest.mark.stack

GB = 10**9
LANGUAGES = ["en", "zh-hans"]
SIGNS = {
    ("USD", "en"): "$",
    ("USD", "zh-hans"): "US$",
    ("CNY", "en"): "CN¥",
    ("CNY", "zh-hans"): "¥",
    ("EUR", "en"): "€",
    ("EUR", "zh-hans"): "€",
}


def price(money: Json, language: str) -> str:
    """An amount of a currency with two digits, with separators between thousands."""
    whole, cents = divmod(int(money["amount"]), 100)
    return f"{SIGNS[money['currency'], language]}{whole:,}.{cents:02}"


def moment(instant: str, zone: str, language: str, *, short: bool = True) -> str:
    """An instant in a zone, to the minute; mails write the month in full."""
    at = datetime.fromisoformat(instant).astimezone(ZoneInfo(zone))
    if language == "en":
        month = month_name[at.month]
        return f"{month[:3] if short else month} {at.day}, {at.year}, {at.hour:02}:{at.minute:02}"
    return f"{at.year}年{at.month}月{at.day}日 {at.hour:02}:{at.minute:02}"


def offset(instant: str, zone: str) -> str:
    """How far the zone's clocks are from Greenwich then."""
    minutes = int(datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).strftime("%z")[:3])
    return f"(GMT{minutes:+03}:00)"


def talker(person: Person) -> Json:
    """A month with data, calls and messages."""
    for plan in person.all("/plans", term="month", country="JP"):
        allowed = plan["allowances"]
        usual = (plan["renewal_policy"], plan["start_policy"]) == ("extend", "on_purchase")
        if (
            usual
            and allowed["data_bytes"] == 20 * GB
            and allowed["voice_seconds"]
            and allowed["sms_count"] > 1
        ):
            return plan
    raise AssertionError("no plan with everything")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("currency", ["USD", "CNY", "EUR"])
def test_money_has_its_sign_and_separators(world: World, currency: str, language: str) -> None:
    person = world.register(currency=currency, locale=language)
    window = Window(person.shop).sign_in(person.email)
    quote = person.quote(None, person.plan("month")["id"], 24)
    total, tax = price(quote["total"], language), price(quote["tax"], language)

    pages = [window.page(f"/quotes/{quote['id']}/")]
    order = person.post("/orders", {"quote": quote["id"]}, key=new_key())
    address = f"/orders/{order['id']}/"
    pages += [window.page(path) for path in (address, f"{address}pay/", "/orders/")]

    other = SIGNS[currency, next(each for each in LANGUAGES if each != language)]
    for text in pages:
        assert f" {total} " in text
        assert other == SIGNS[currency, language] or f" {other}" not in text
    assert f" {tax} " in pages[0]
    assert f" {tax} " in pages[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_moments_are_the_customers_own(world: World, zone: str, language: str) -> None:
    person = world.register(timezone=zone, locale=language)
    window = Window(person.shop).sign_in(person.email)
    order = world.buy(person)
    [line] = person.get("/lines")["data"]
    quote = person.quote(line["id"], order["plan"])

    offer, shown = window.page(f"/quotes/{quote['id']}/"), window.page(f"/orders/{order['id']}/")

    ends = quote["ends_at"]
    assert f" {moment(ends, zone, language)} {offset(ends, zone)} " in offer
    assert f" {moment(quote['current_ends_at'], zone, language)} " in offer
    assert f" {moment(order['periods'][0]['ends_at'], zone, language)} " in shown
    [mail] = [each for each in world.sandbox.messages(person.email) if each["kind"] == "order_confirmation"]
    until = order["periods"][0]["ends_at"]
    written = f"{moment(until, zone, language, short=False)} {offset(until, zone)}"
    assert written in mail["text"]
    assert price(order["total"], language) in mail["text"]


def test_amounts_have_their_unit_and_plural(world: World, sandbox: Sandbox, person: Person) -> None:
    plan = talker(person)
    minutes, messages = plan["allowances"]["voice_seconds"] // 60, plan["allowances"]["sms_count"]
    order = person.post("/orders", {"quote": person.quote(None, plan["id"])["id"]}, key=new_key())
    world.browser.pay(person.attempt(order))
    sandbox.drain()
    [line] = person.get("/lines")["data"]

    def use(**amounts: int) -> dict[str, str]:
        """Report it, and read the line's page in both languages."""
        for service, quantity in amounts.items():
            sandbox.ask(
                "POST",
                "/suppliers/usage",
                {"iccid": line["iccid"], "service": service, "quantity": quantity},
            )
        sandbox.drain()
        return {language: _page(person, language, f"/lines/{line['id']}/") for language in LANGUAGES}

    full = use()
    assert f" {minutes} minutes of {minutes} minutes " in full["en"]
    assert f" {minutes} 分钟 共 {minutes} 分钟 " in full["zh-hans"]
    low = use(data=18_500_000_000, voice=minutes * 60 - 60, sms=messages - 1)
    for said in ("1.5 GB of 20 GB", f"1 minute of {minutes} minutes", f"1 message of {messages} messages"):
        assert f" {said} " in low["en"]
    for said in ("1.5 GB 共 20 GB", f"1 分钟 共 {minutes} 分钟", f"1 条 共 {messages} 条"):
        assert f" {said} " in low["zh-hans"]
    none = use(data=1_500_000_000, voice=59, sms=1)
    for said in ("0 B of 20 GB", f"1 second of {minutes} minutes", f"0 messages of {messages} messages"):
        assert f" {said} " in none["en"]
    for said in ("0 B 共 20 GB", f"1 秒 共 {minutes} 分钟", f"0 条 共 {messages} 条"):
        assert f" {said} " in none["zh-hans"]


def test_days_left_have_their_plural(world: World, person: Person) -> None:
    world.buy(person, unit="day")
    [line] = person.get("/lines")["data"]
    one = {language: _page(person, language, "/account/") for language in LANGUAGES}
    world.buy(person, line["id"], unit="day")
    two = {language: _page(person, language, "/account/") for language in LANGUAGES}

    assert " 1 day left " in one["en"]
    assert " 剩余 1 天 " in one["zh-hans"]
    assert " 1 days" not in one["en"]
    assert " 2 days left " in two["en"]
    assert " 剩余 2 天 " in two["zh-hans"]
    assert " 1 plan queued " in two["en"]


def _page(person: Person, language: str, path: str) -> str:
    person.call("PATCH", "/me", {"locale": language})
    return Window(person.shop).sign_in(person.email).page(path)
