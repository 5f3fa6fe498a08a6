"""The demonstration's history: its customers have bought service for their lines, over HTTP like anybody."""

import httpx

from everline.config.demo.shopper import TIMEOUT, Installation, Shopper
from everline.config.supervisor.sign_ins import SignIn

#: Of a customer with several lines the last stays without service, so that a first purchase can be seen too.
TERMS = ("month", "day", "year")


def buy_first_service(installation: Installation, people: list[SignIn]) -> int:
    """Buy a plan for each demo line that never had one, but for the last of several; returns how many."""
    bought = 0
    with httpx.Client(timeout=TIMEOUT) as http, httpx.Client(timeout=TIMEOUT) as outside:
        for person in people:
            shopper = Shopper(installation, http, outside)
            shopper.sign_in(person.login, person.password)
            lines = shopper.lines()
            for term, line in zip(TERMS, lines[: max(1, len(lines) - 1)], strict=False):
                if line["valid_until"] is None:
                    shopper.buy(line["id"], shopper.plan_for(line["id"], term)["id"])
                    bought += 1
    return bought
