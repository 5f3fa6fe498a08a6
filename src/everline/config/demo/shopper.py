"""A customer of the shop who knows nothing but its public API and the sandbox's pages."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from everline.config.demo.hosted_page import GOOD_CARD, pay_by_card
from everline.config.outcome import CommandError

Json = dict[str, Any]
FINAL = {"fulfilled", "expired", "cancelled", "needs_attention", "refunded"}
PROLONGING = (1, "extend", "on_purchase")
FINAL_SECONDS = 60.0
POLL_SECONDS = 0.2
BUSY_TRIES = 10
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


@dataclass(frozen=True)
class Installation:
    """Where a running installation answers, as its data folder says."""

    shop: str
    sandbox: str
    token: str

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """Read the files that the supervisor writes once everything is up."""
        read = [(data_dir / name).read_text(encoding="utf-8").strip() for name in FILES]
        return cls(*read)


FILES = ("shop-url", "sandbox-url", "sandbox-token")


class Shopper:
    """One customer. `http` reaches the shop, `outside` the payment page and the sandbox's control API."""

    def __init__(self, installation: Installation, http: httpx.Client, outside: httpx.Client) -> None:
        self._at = installation
        self._http = http
        self._outside = outside
        self._headers: dict[str, str] = {"Accept-Language": "en"}

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: bool = False
    ) -> Json:
        """One call of the API, again while the shop is busy; `key` sends a fresh idempotency key.

        Raises:
            CommandError: any answer but a success.
        """
        headers = dict(self._headers)
        if key:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        answer = self._send(method, path, body, headers)
        for _try in range(BUSY_TRIES):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
            answer = self._send(method, path, body, headers)
        if not answer.is_success:
            raise CommandError(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        found: Json = answer.json()
        return found

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        return self._http.request(method, f"{self._at.shop}/api/v1{path}", json=body, headers=headers)

    def sign_in(self, login: str, password: str) -> Json:
        """Open a session; returns the customer."""
        session = self.call("POST", "/sessions", {"login": login, "password": password})
        self._headers["Authorization"] = f"Bearer {session['token']}"
        customer: Json = session["customer"]
        return customer

    def lines(self) -> list[Json]:
        """The customer's lines."""
        return list(self.call("GET", "/lines")["data"])

    def line(self, line_id: str) -> Json:
        """One line as it stands."""
        return self.call("GET", f"/lines/{line_id}")

    def plan_for(self, line_id: str, term: str) -> Json:
        """A plan of this term that prolongs the line from its present end, the first the shop offers it."""
        plans = self.call("GET", f"/plans?line={line_id}&term={term}&limit=100")["data"]
        for plan in plans:
            if (plan["term"]["count"], plan["renewal_policy"], plan["start_policy"]) == PROLONGING:
                return dict(plan)
        raise CommandError(f"The shop offers {line_id} no plan of one {term}.")

    def all_plans(self) -> list[Json]:
        """Every plan of the shop, by the public catalogue."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.call(
                "GET", f"/plans?limit=100&cursor={quote(cursor)}" if cursor else "/plans?limit=100"
            )
            found += page["data"]
            cursor = page["next_cursor"]
        return found

    def has_orders(self) -> bool:
        """Whether the customer ever ordered anything."""
        return bool(self.call("GET", "/orders?limit=1")["data"])

    def order(self, line_id: str, plan_id: str) -> tuple[Json, Json]:
        """Ask for a plan's price and order it; returns the quote and the order."""
        offer = self.call("POST", "/quotes", {"line": line_id, "plan": plan_id, "quantity": 1})
        return offer, self.call("POST", "/orders", {"quote": offer["id"]}, key=True)

    def pay(self, order: Json, card: Mapping[str, str] = GOOD_CARD) -> Json:
        """Pay an order on the hosted page; returns the attempt as it was before.

        Raises:
            CommandError: the payment could not be started.
        """
        body = {"method": "card", "return_url": f"{self._at.shop}/"}
        attempt = self.call("POST", f"/orders/{order['id']}/attempts", body, key=True)
        if attempt["next_action"] is None:
            raise CommandError(f"The payment did not start: {attempt['status']} {attempt['failure']}")
        pay_by_card(self._outside, attempt["next_action"]["url"], card)
        return attempt

    def buy(self, line_id: str, plan_id: str) -> tuple[Json, Json, Json]:
        """Quote, order, pay on the hosted page; returns the quote, the attempt and the order at its end."""
        offer, order = self.order(line_id, plan_id)
        attempt = self.pay(order)
        return offer, attempt, self.await_end(order["id"])

    def await_end(self, order_id: str) -> Json:
        """Have everything due done and wait until the order is final and its confirmation is on its way."""
        deadline = time.monotonic() + FINAL_SECONDS
        while time.monotonic() < deadline:
            self.control("POST", "/drain")
            order = self.call("GET", f"/orders/{order_id}")
            if order["status"] in FINAL:
                return order
            time.sleep(POLL_SECONDS)
        raise CommandError(f"The order {order_id} did not come to an end within {FINAL_SECONDS:.0f} s.")

    def mails(self, address: str) -> list[Json]:
        """The mails that the sandbox's gateway accepted for an address, newest first."""
        return list(self.control("GET", f"/messages?to={quote(address)}")["data"])

    def reset_clock(self) -> None:
        """Put the shop's clock back to the machine's time."""
        moved = self.control("GET", "/clock")["offset_seconds"]
        self.control("POST", "/clock", {"advance_seconds": -moved})

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """One call of the sandbox's control API."""
        url, headers = f"{self._at.sandbox}/control{path}", {"X-Sandbox-Token": self._at.token}
        answer = self._outside.request(method, url, headers=headers, json=body)
        if not answer.is_success:
            raise CommandError(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        found: Json = answer.json() if answer.content else {}
        return found
