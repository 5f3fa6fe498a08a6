"""What a page asks of the database: every page of the central list, by whoever may see it, in one budget."""

from collections import Counter

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.journeys.looks import SCREENS
from tests.portal.bank import Bank
from tests.portal.conftest import PASSWORD, Shop

#: SQL statements of one page, whatever it shows; transactions' own words are not counted.
BUDGET = 12
PAGES = [screen for screen in SCREENS if screen.first is None and not screen.name.startswith("sandbox")]
_FRAME = ("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT")


def test_every_page_asks_little_of_the_database(shop: Shop, bank: Bank) -> None:
    customer = shop.customer()
    line, version, other = shop.line(customer), shop.plan(), shop.plan("day", 3)
    shop.serve(line, version, 3)
    order = shop.order(customer, line, version)
    owner, stranger = Client(), Client()
    owner.post("/sign-in/", {"login": customer.email, "password": PASSWORD})
    made = owner.post("/quotes/", {"plan": version.plan_id, "line": line.id, "quantity": "1"})
    places = {
        "line": line.id,
        "plan": version.plan_id,
        "other": other.plan_id,
        "quote": made["Location"].split("/")[-2],
        **dict.fromkeys(("unpaid", "paying", "declined", "fulfilled"), order.id),
    }

    wrong, looked = {}, Counter[bool]()
    for screen in PAGES:
        visitor, path = (owner if screen.own else stranger), screen.path.format_map(places)
        visitor.get(path)  # sessions are touched and memories filled: no visitor does that twice
        with CaptureQueriesContext(connection) as seen:
            answer = visitor.get(path)
        asked = [query["sql"][:90] for query in seen if not query["sql"].startswith(_FRAME)]
        looked[screen.own] += 1
        if answer.status_code != screen.status or len(asked) > BUDGET:
            wrong[screen.name] = (answer.status_code, asked)

    assert wrong == {}
    assert min(looked.values()) > 15
