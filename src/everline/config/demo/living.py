"""Lives the demo customers' past (config.demo.history) over HTTP, as anybody would, with the clock put back.

The clock of the sandbox goes back to the oldest purchase and forward from stop to stop; at each stop the
network reports what was used since the one before, then everybody buys what they bought that day. At the end
it shows the machine's time again, whatever happened.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx

from everline.config.demo import history
from everline.config.demo.history import HABITS, PURCHASES, Ending, Purchase
from everline.config.demo.hosted_page import GOOD_CARD, REFUSED_CARD
from everline.config.demo.shopper import TIMEOUT, Installation, Json, Shopper
from everline.config.supervisor.sign_ins import SignIn

#: Past the deadline after which what was not delivered is refunded (EVERLINE_DELIVERY_DEADLINE_MINUTES).
_PAST_DELIVERY = 71 * 60


class Past:
    """The customers who sign in, their lines by label, and the moment from which days count back."""

    def __init__(self, shoppers: dict[str, Shopper]) -> None:
        self._shoppers = shoppers
        self._any = next(iter(shoppers.values()))
        self._lines = {
            (login, line["label"]): line for login, shopper in shoppers.items() for line in shopper.lines()
        }
        self._plans = {plan["name"]: plan["id"] for plan in self._any.all_plans()}
        self._now = datetime.now(UTC)  # noqa: TID251 - a customer's own watch, not the shop's

    def live(self) -> int:
        """Buy and use everything in the table; returns how many orders; 0 where anybody has one."""
        if any(shopper.has_orders() for shopper in self._shoppers.values()):
            return 0
        try:
            for days, following in pairwise([*history.stops(), 0.0]):
                self._go_to(days)
                self._buy([purchase for purchase in PURCHASES if purchase.days_ago == days])
                self._go_to(following)
                self._use(days, following)
        finally:
            self.end()
        self._any.control("POST", "/drain")
        return len(PURCHASES)

    def end(self) -> None:
        """The present: nothing is broken, and the clock shows the machine's time."""
        self._any.control("DELETE", "/faults")
        self._any.reset_clock()

    def _go_to(self, days_ago: float) -> None:
        moment = self._now - timedelta(days=days_ago)
        self._any.control("POST", "/clock", {"now": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def _line(self, purchase: Purchase) -> Json:
        return self._lines[purchase.login, purchase.label]

    def _buy(self, purchases: Sequence[Purchase]) -> None:
        """All orders of a day; those that nobody can deliver last, while the supplier is out of order."""
        ordinary = [each for each in purchases if each.ending != Ending.UNDELIVERED]
        for purchase in ordinary:
            self._order(purchase)
        self._any.control("POST", "/drain")
        if stranded := [each for each in purchases if each.ending == Ending.UNDELIVERED]:
            fault = {"at": "supplier.topup", "fault": "http_500", "times": 1000}
            self._any.control("POST", "/faults", {"seed": 1, "plan": [fault]})
            for purchase in stranded:
                self._order(purchase)
            self._any.control("POST", "/drain")
            self._any.control("POST", "/clock", {"advance_seconds": _PAST_DELIVERY})
            self._any.control("POST", "/drain")
            self._any.control("DELETE", "/faults")

    def _order(self, purchase: Purchase) -> None:
        shopper = self._shoppers[purchase.login]
        _quote, order = shopper.order(self._line(purchase)["id"], self._plans[purchase.plan])
        if purchase.ending == Ending.CANCELLED:
            shopper.call("POST", f"/orders/{order['id']}/cancel")
        elif purchase.ending != Ending.UNPAID:
            shopper.pay(order, REFUSED_CARD if purchase.ending == Ending.DECLINED else GOOD_CARD)

    def _use(self, begin: float, end: float) -> None:
        """Report the usage between two stops, then let the shop work."""
        for habit in HABITS:
            iccid = self._lines[habit.login, habit.label]["iccid"]
            if found := history.records(habit, iccid, self._now, begin, end):
                self._any.control("POST", "/suppliers/usage", {"iccid": iccid, "records": found})
        self._any.control("POST", "/drain")


def live_history(installation: Installation, people: Sequence[SignIn], *, broken_off: bool = False) -> int:
    """Give a new demonstration its past; returns the number of orders, 0 where it has one already.

    `broken_off`: an earlier try ended half way, so that the clock may be wrong.
    """
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=TIMEOUT))
        outside = stack.enter_context(httpx.Client(timeout=TIMEOUT))
        shoppers = {person.login: Shopper(installation, http, outside) for person in people}
        for person in people:
            shoppers[person.login].sign_in(person.login, person.password)
        past = Past(shoppers)
        if broken_off:
            past.end()
        return past.live()
