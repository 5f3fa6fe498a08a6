"""The API under generated requests, good and bad: never a 5xx, never an answer that is not described."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connection
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from everline.accounts.services import create_api_key
from everline.core import clock, ids, streams
from everline.orders.live import listener
from everline.payments import registry
from tests.api.test_orders import placed
from tests.api.world import Api, World
from tests.payments import fakes

EXAMPLES = 40
#: Whether mail can be sent to an address, or a password is hard to guess, stands in no schema.
BEYOND_SCHEMAS = [positive_data_acceptance]

schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@dataclass
class Caller:
    """Somebody whose token opens doors, and the things behind them."""

    world: World
    api: Api
    operator: str
    line: str
    plan: str
    order: str
    attempt: str

    def token(self, operation: str) -> str:
        if operation == "recordUsage":
            return self.operator
        if operation == "closeSession":
            return self.world.signed_in()[0].token
        return self.api.token

    def headers(self, case: Any, operation: str) -> dict[str, str]:
        """A token, unless the case is about headers that are missing or wrong."""
        spoilt = case.meta.components.get(ParameterLocation.HEADER)
        if spoilt is not None and spoilt.mode == GenerationMode.NEGATIVE:
            return {}
        return {"Authorization": f"Bearer {self.token(operation)}"}

    def aim(self, case: Any, number: int) -> None:
        """Let every other well-formed request hit something that exists."""
        if number % 2 or case.meta.generation.mode != GenerationMode.POSITIVE:
            return
        for name in case.path_parameters or {}:
            case.path_parameters[name] = getattr(self, name.removesuffix("_id"))
        if isinstance(case.body, dict):
            for name in ("line", "plan"):
                if name in case.body:
                    case.body[name] = getattr(self, name)
            if "quote" in case.body:
                case.body["quote"] = self.api.post("/quotes", {"plan": self.plan}).json()["id"]
            if "return_url" in case.body:
                case.body |= {"return_url": "http://localhost/", "method": "card"}
            for record in case.body.get("records", []):
                record["line"] = self.line
        if case.query and "line" in case.query:
            case.query["line"] = self.line


@pytest.fixture
def caller(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    settings.EVERLINE_PAYMENT_PROVIDERS = ["tests.payments.fakes.build"]
    monkeypatch.setattr(streams, "LIFETIME", 0.0)
    fakes.Current.provider = fakes.FakeProvider()
    registry._load.cache_clear()
    monkeypatch.setattr(connection, "close", lambda: None)  # after each request; it holds the whole test
    world = World()
    api, customer = world.signed_in()
    version = world.plan()
    line = world.line(customer)
    world.serve(line, version)
    order = placed(world, api)
    body = {"method": "card", "return_url": "http://testserver/"}
    attempt = api.post(f"/orders/{order['id']}/attempts", body, key="k").json()
    key = create_api_key(name="n", scopes=["usage-records:write"], brand=world.brand, now=clock.now())
    yield Caller(world, api, key.secret, line.id, version.plan_id, order["id"], attempt["id"])
    registry._load.cache_clear()
    listener.stop()


_number = 0


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_nothing_generated_surprises(case: Any, caller: Caller) -> None:
    global _number  # noqa: PLW0603 - generated cases take turns
    _number += 1
    caller.aim(case, _number)
    operation = case.operation.definition.raw["operationId"]
    headers = caller.headers(case, operation)
    if "Idempotency-Key" in (case.headers or {}) and case.meta.generation.mode == GenerationMode.POSITIVE:
        headers["Idempotency-Key"] = ids.new_id("key")

    case.call_and_validate(headers=headers, excluded_checks=BEYOND_SCHEMAS)
