"""The sandbox as a process of its own: aborted connections, late answers, the engine, real concurrency."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connections

from everline.core import clock, sandbox_link
from everline.sandbox.db import alias
from tests.sandbox.shop import Shop
from tests.sandbox.world import TOKEN, wanted, with_commits

pytestmark = with_commits
LAUNCH = """
import sys
from granian.constants import Interfaces, Loops
from granian.server import Server
Server("everline.sandbox.asgi:application", address="127.0.0.1", port=int(sys.argv[1]),
       interface=Interfaces.ASGI, loop=Loops.asyncio, websockets=False, workers_kill_timeout=10).serve()
"""


@dataclass
class World:
    """A running sandbox and the shop it talks to."""

    url: str
    shop: Shop
    process: subprocess.Popen[bytes]

    def __post_init__(self) -> None:
        key = sandbox_link.api_key(TOKEN)
        headers = {"Authorization": f"Bearer {key}", "X-Sandbox-Token": TOKEN}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False)

    def start(self, **changes: Any) -> httpx.Response:
        body = wanted(**changes)
        return self.http.post(
            "/provider/v1/payments", json=body, headers={"Idempotency-Key": body["reference"]}
        )

    def pay(self, payment: dict[str, Any], number: str = "4242424242424242") -> httpx.Response:
        form = {"method": "card", "number": number, "expiry": "12/40", "cvc": "123"}
        with httpx.Client(trust_env=False) as browser:
            return browser.post(payment["redirect_url"], data=form)

    def plan(self, *entries: dict[str, Any]) -> None:
        assert self.http.post("/control/faults", json={"seed": 1, "plan": entries}).status_code == 200

    def payments(self, reference: str) -> list[dict[str, Any]]:
        answer = self.http.get("/provider/v1/payments", params={"reference": reference})
        return list(answer.json()["data"])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _database_url() -> str:
    settings = connections[alias()].settings_dict
    user, host, port = settings["USER"], settings["HOST"], settings["PORT"]
    password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    if host.startswith("/"):
        return f"postgresql://{user}{password}@/{settings['NAME']}?host={host}"
    return f"postgresql://{user}{password}@{host}:{port}/{settings['NAME']}"


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the sandbox ended at once"
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
    raise AssertionError("the sandbox did not come up")


@pytest.fixture
def world(transactional_db: None, tmp_path: Path, shop: Shop) -> Iterator[World]:
    port = _free_port()
    environment = os.environ | {
        "EVERLINE_DATA_DIR": str(tmp_path),
        "EVERLINE_HOST": "127.0.0.1",
        "EVERLINE_MODE": "sandbox",
        "EVERLINE_SANDBOX_DATABASE_URL": _database_url(),
        "EVERLINE_SHOP_URL": shop.url,
    }
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "sandbox.log").open("wb") as log:
        command = [sys.executable, "-c", LAUNCH, str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_ready(process, url)
        running = World(url, shop, process)
        yield running
        running.http.close()
    finally:
        process.terminate()
        process.wait(30)


def test_a_drop_aborts_the_connection_at_once(world: World) -> None:
    world.plan({"at": "charge", "fault": "drop_before"}, {"at": "charge", "fault": "drop_after"})

    for reference in ("att_before", "att_after"):
        body = wanted(reference=reference)
        with pytest.raises(httpx.RemoteProtocolError):  # aborted, and not a timeout, within a second
            world.http.post(
                "/provider/v1/payments", json=body, headers={"Idempotency-Key": reference}, timeout=1
            )

    assert world.payments("att_before") == []
    assert [row["status"] for row in world.payments("att_after")] == ["requires_action"]


def test_a_slow_answer_comes_late_but_its_effect_does_not(world: World) -> None:
    world.plan({"at": "charge", "fault": "slow", "seconds": 600})

    body = wanted(reference="att_slow")
    with pytest.raises(httpx.ReadTimeout):
        world.http.post(
            "/provider/v1/payments", json=body, headers={"Idempotency-Key": "att_slow"}, timeout=1
        )

    assert [row["status"] for row in world.payments("att_slow")] == ["requires_action"]


def test_slow_answers_hold_nobody_up(world: World) -> None:
    world.plan({"at": "charge", "fault": "slow", "seconds": 600, "times": 20})

    def start(number: int) -> type[Exception] | None:
        body = wanted(reference=f"att_{number}")
        key = {"Idempotency-Key": body["reference"]}
        try:
            world.http.post("/provider/v1/payments", json=body, headers=key, timeout=2)
        except httpx.TransportError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(20) as pool:
        outcomes = set(pool.map(start, range(20)))

    assert outcomes == {httpx.ReadTimeout}
    assert len(world.http.get("/control/charges").json()["data"]) == 20


def test_the_engine_delivers_at_once_and_by_itself(world: World) -> None:
    payment = world.start().json()

    assert world.pay(payment).status_code == 303

    request = world.shop.wait_for(1)[0]
    assert request.json["data"]["payment"] == payment["id"]
    secret = sandbox_link.webhook_secret(TOKEN)
    stamp = clock.real_now().timestamp()
    assert sandbox_link.verify(secret, request.headers["Sandbox-Signature"], request.body, real_time=stamp)


def test_a_refused_webhook_comes_again_by_itself(world: World) -> None:
    world.shop.answers.append(500)

    world.pay(world.start().json())

    assert len({request.body for request in world.shop.wait_for(2)}) == 1


def test_the_clock_is_seen_by_the_process_when_the_call_returns(world: World) -> None:
    payment = world.start().json()

    answer = world.http.post("/control/clock", json={"advance_seconds": 86_400})

    assert answer.status_code == 200
    assert world.pay(payment).status_code == 410
    world.shop.wait_for(1)
    assert world.payments(payment["reference"])[0]["failure"]["code"] == "expired"


def test_drain_waits_for_what_the_engine_holds(world: World) -> None:
    payments = [world.start().json() for _ in range(10)]
    for payment in payments:
        world.pay(payment)

    assert world.http.post("/control/drain", json={}).status_code == 200

    assert {r.json["data"]["payment"] for r in world.shop.webhooks} == {payment["id"] for payment in payments}
    assert len(world.shop.webhooks) == 10


def test_paying_twice_at_the_same_moment_captures_once(world: World) -> None:
    payment = world.start().json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.pay(payment), range(8)))

    assert {answer.status_code for answer in answers} == {303}
    world.http.post("/control/drain", json={})
    assert [request.json["type"] for request in world.shop.webhooks] == ["payment.captured"]
    charge = world.http.get("/control/charges").json()["data"]
    assert [(row["captured"], row["refunded"]) for row in charge] == [(1999, 0)]


def test_starting_twice_at_the_same_moment_makes_one_payment(world: World) -> None:
    body = wanted(reference="att_twice")

    def start(_: int) -> httpx.Response:
        return world.http.post("/provider/v1/payments", json=body, headers={"Idempotency-Key": "att_twice"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(world.payments("att_twice")) == 1


def test_refunds_at_the_same_moment_never_exceed_the_capture(world: World) -> None:
    payment = world.start().json()
    world.pay(payment)

    def refund(number: int) -> httpx.Response:
        body = {"reference": f"ref_{number}", "amount": 1000, "reason": ""}
        path = f"/provider/v1/payments/{payment['id']}/refunds"
        return world.http.post(path, json=body, headers={"Idempotency-Key": f"ref_{number}"})

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(refund, range(6)))

    assert statuses == [200, 400, 400, 400, 400, 400]
    assert world.payments(payment["reference"])[0]["refunded"] == 1000


def test_one_top_up_and_one_mail_however_often_they_are_sent_at_once(world: World) -> None:
    top_up = {"reference": "sup-1", "iccid": "8988299000000000012", "plan_code": "EU", "quantity": 1}
    mail = {"message_id": "m1", "kind": "welcome", "to": "a@example.com", "text": "Hi"}

    with ThreadPoolExecutor(8) as pool:
        tops = list(pool.map(lambda _: world.http.post("/supplier/v1/topups", json=top_up), range(8)))
        mails = list(pool.map(lambda _: world.http.post("/gateway/mail", json=mail), range(8)))

    assert {answer.status_code for answer in tops} == {200}
    assert len({answer.json()["supplier_ref"] for answer in tops}) == 1
    assert {answer.status_code for answer in mails} == {202}
    assert len(world.http.get("/control/messages").json()["data"]) == 1


def test_a_huge_body_is_refused_without_being_kept(world: World) -> None:
    answer = world.http.post("/gateway/mail", content=b"x" * (17 * 1024 * 1024))

    assert answer.status_code == 413


def test_another_host_name_is_refused(world: World) -> None:
    assert world.http.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_pages_need_no_cookie(world: World) -> None:
    payment = world.start().json()

    with httpx.Client(trust_env=False) as browser:
        page = browser.get(payment["redirect_url"])

    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert page.headers["content-length"] == str(len(page.content))


def test_a_card_number_appears_in_no_log(world: World, tmp_path: Path) -> None:
    payment = world.start().json()
    world.plan({"at": "webhook", "fault": "drop_before"})
    world.pay(payment, "4000000000009995")
    world.pay(payment, "4000000000009996")

    world.http.post("/control/drain", json={})

    assert b"400000000000999" not in (tmp_path / "sandbox.log").read_bytes()
    everything = [world.http.get(f"/control/{name}").text for name in ("charges", "webhooks", "messages")]
    assert "400000000000999" not in json.dumps(everything)


def test_it_stops_when_told(world: World) -> None:
    world.plan({"at": "charge", "fault": "drop_before"})
    with pytest.raises(httpx.TransportError):
        world.start()

    world.process.terminate()

    assert world.process.wait(15) == 0
