"""How many renewals a second, from the quote to the period, beside the same rows written by bare SQL.

Three ways, against the same server in the same run: through the services in this process, one renewal after
the other; the same with a hundred payments settled and delivered at once; and over HTTP, with a web server, a
worker and a few customers at a time. Payment provider and supplier say yes at once (benchmarks/peers.py), so
the shop alone is measured. Mails are written and not sent.

    python benchmarks/renewals.py [--seconds 6] [--customers 4] [--durable]

An embedded server in a throw-away folder is used, or the one that EVERLINE_DATABASE_URL names. The embedded
one does not wait for the disk unless `--durable` is given: the program is measured, not the machine's disk.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import django

_HERE = Path(__file__).resolve().parent
_FOLDER = tempfile.TemporaryDirectory(prefix="everline-bench-", ignore_cleanup_errors=True)
_PATH = os.pathsep.join([str(_HERE), str(_HERE.parent / "src")])
os.environ |= {
    "EVERLINE_DATA_DIR": _FOLDER.name,
    "EVERLINE_SECRET_KEY": "only-for-benchmarks",
    "EVERLINE_PAYMENT_PROVIDERS": "peers.Provider",
    "EVERLINE_SUPPLIERS": "peers.Supplier",
    "EVERLINE_PAID_ORDERS_PER_HOUR": "1000000",
    "EVERLINE_LOG_LEVEL": "CRITICAL",
    "DJANGO_SETTINGS_MODULE": "everline.config.settings",
    "PYTHONPATH": os.pathsep.join([_PATH, os.environ.get("PYTHONPATH", "")]),
}
sys.path[:0] = _PATH.split(os.pathsep)
django.setup()

import bare  # noqa: E402 - a file of this folder, after Django is set up
import httpx  # noqa: E402
from django.db import connection  # noqa: E402

from everline.accounts.models import AccessToken, Customer, User  # noqa: E402
from everline.accounts.services import ensure_default_brand  # noqa: E402
from everline.accounts.tokens import new_token  # noqa: E402
from everline.catalog.models import PlanVersion  # noqa: E402
from everline.catalog.services import create_plan, publish_version, save_operators  # noqa: E402
from everline.catalog.specs import PriceSpec, VersionSpec  # noqa: E402
from everline.catalog.terms import Term  # noqa: E402
from everline.catalog.types import OperatorView, Text  # noqa: E402
from everline.config.supervisor import ports  # noqa: E402
from everline.config.supervisor.embedded import EmbeddedServer  # noqa: E402
from everline.core import clock, invariants  # noqa: E402
from everline.lines.models import Line  # noqa: E402
from everline.orders.models import Order  # noqa: E402
from everline.orders.services import fulfilment, paying, placing, quoting, settlement  # noqa: E402
from everline.payments import services as payments  # noqa: E402

LINES = 1_000
BATCH = 100
BACK = os.environ.get("EVERLINE_PUBLIC_URL") or "http://localhost:8000"
_KEYS = count(1)


class Shop:
    """A plan, and many customers with a line each; every renewal is another one's turn."""

    def __init__(self) -> None:
        now = clock.now()
        brand = ensure_default_brand()
        self.version = self._plan()
        users = User.objects.bulk_create(User(email=f"bench{n}@example.com") for n in range(LINES))
        self.customers = Customer.objects.bulk_create(
            Customer(
                user=user, brand=brand, locale="en", timezone="Asia/Tokyo", currency="USD", created_at=now
            )
            for user in users
        )
        self.lines = Line.objects.bulk_create(
            Line(customer=customer, iccid=f"8988211{n:012d}", created_at=now)
            for n, customer in enumerate(self.customers)
        )
        self._turn = count()

    def _plan(self) -> PlanVersion:
        save_operators(operators=[("JP", OperatorView("44010", "NTT docomo", "4G/5G"))])
        spec = VersionSpec(
            name=Text("Bench", "基准"),
            summary=Text("Bench", "基准"),
            hotspot=Text("Bench", "基准"),
            term=Term("day", 1),
            data_bytes=10**9,
            voice_seconds=0,
            sms_count=0,
            supplier_code="bench",
            prices=(PriceSpec("USD", 1999, tax_bp=1000),),
            networks=(("JP", "44010"),),
        )
        now = clock.now()
        return publish_version(plan=create_plan(slug="bench", now=now), spec=spec, now=now)

    def next_line(self) -> Line:
        return self.lines[next(self._turn) % LINES]

    def pay(self) -> None:
        """From the quote to the provider's webhook."""
        line, now = self.next_line(), clock.now()
        customer = line.customer
        quote = quoting.create_quote(
            customer=customer, plan_id=self.version.plan_id, line_id=line.id, now=now
        )
        key = f"key-{next(_KEYS)}"
        order = placing.place_order(customer=customer, quote_id=quote.id, key=f"o{key}", now=now)
        request = paying.PaymentRequest(order.object_id, "card", BACK)
        started = paying.start_payment(customer=customer, request=request, key=f"a{key}", now=now)
        attempt_id = started.object_id
        ref = f"{attempt_id}/1999/USD"
        payments.receive_webhook(provider="bench", raw=f"{attempt_id} {ref}".encode(), headers={})

    def deliver(self) -> None:
        """From the webhook to the period."""
        settlement.settle_inbox(clock.now())
        fulfilment.fulfil_due(clock.now())

    def renew(self) -> None:
        self.pay()
        self.deliver()


def in_process(shop: Shop, seconds: float, size: int) -> tuple[float, float]:
    """Renewals a second, and per second of this process's CPU, `size` of them settled together."""
    done, begun, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        for _ in range(size):
            shop.pay()
        shop.deliver()
        done += size
    return done / (time.perf_counter() - begun), done / (time.process_time() - cpu)


def over_http(shop: Shop, seconds: float, customers: int) -> tuple[float, float | None]:
    """The same through the API, web server and worker in processes of their own, with their CPU."""
    port = ports.bindable("127.0.0.1", 0)
    origin = f"http://localhost:{port}"
    environment = {**os.environ, "EVERLINE_PORT": str(port), "EVERLINE_PUBLIC_URL": origin}
    tokens = {line.customer_id: _token(line.customer) for line in shop.lines}
    with program("serve", environment) as web, program("worker", environment) as worker:
        _until(lambda: _answers(origin), 60, "the web server did not come up")
        _until(_awake, 60, "the worker did not come up")
        begun, cpu = time.perf_counter(), _cpu(web.pid, worker.pid)
        ends = begun + seconds
        with ThreadPoolExecutor(customers) as pool:
            bought = sum(pool.map(lambda _: _buy(shop, origin, tokens, ends), range(customers)))
        _until(lambda: not Order.objects.exclude(status="fulfilled").exists(), 60, "orders are left")
        spent, used = time.perf_counter() - begun, _cpu(web.pid, worker.pid)
    return bought / spent, bought / (used - cpu) if used is not None and cpu is not None else None


def _buy(shop: Shop, origin: str, tokens: dict[str, str], ends: float) -> int:
    """One customer after the other, as a browser would, until the time is over; returns how many."""
    bought = 0
    with httpx.Client(base_url=origin, timeout=30, trust_env=False) as http:
        while time.perf_counter() < ends:
            line = shop.next_line()
            headers = {"Authorization": f"Bearer {tokens[line.customer_id]}"}
            quote = _post(http, "/api/v1/quotes", headers, {"line": line.id, "plan": shop.version.plan_id})
            order = _post(http, "/api/v1/orders", headers, {"quote": quote["id"]})
            body = {"method": "card", "return_url": origin}
            attempt = _post(http, f"/api/v1/orders/{order['id']}/attempts", headers, body)
            told = http.post("/webhooks/payments/bench", content=f"{attempt['id']} {attempt['id']}/1999/USD")
            told.raise_for_status()
            bought += 1
    return bought


def _post(http: httpx.Client, path: str, headers: dict[str, str], body: dict[str, object]) -> dict[str, str]:
    answer = http.post(path, json=body, headers={**headers, "Idempotency-Key": f"key-{next(_KEYS)}"})
    if answer.status_code != httpx.codes.CREATED:
        raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:500]}")
    made: dict[str, str] = answer.json()
    return made


def _token(customer: Customer) -> str:
    token, token_hash = new_token()
    now = clock.now()
    AccessToken.objects.create(
        token_hash=token_hash,
        customer=customer,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=1),
    )
    return token


@contextmanager
def program(name: str, environment: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    """One of the product's programs, ended at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "everline.config", name],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/api/v1/plans", trust_env=False, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _awake() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM procrastinate_workers)")
        return bool(cursor.fetchone() == (True,))


def _until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise SystemExit(otherwise)
        threading.Event().wait(0.05)


def _cpu(*pids: int) -> float | None:
    """Seconds of CPU of these processes and their descendants so far; None where /proc cannot tell."""
    try:
        table = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            fields = path.read_text().rpartition(")")[2].split()
            table[int(path.parent.name)] = (int(fields[1]), sum(map(int, fields[11:13])))
    except OSError:
        return None
    family, ticks = set(pids), 0
    for pid in sorted(table):
        parent, used = table[pid]
        if pid in family or parent in family:
            family.add(pid)
            ticks += used
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else None


def report(name: str, rate: float, baseline: float, per_cpu: float | None = None) -> None:
    cpu = "" if per_cpu is None else f"{per_cpu:>8,.0f} per CPU-second"
    print(f"{name:<48}{rate:>8,.0f} renewals/s  {rate / baseline:>6.3f} of bare{cpu}", flush=True)


def run(seconds: float, customers: int, url: str) -> None:
    shop = Shop()
    for _ in range(5):
        shop.renew()
    rows = bare.rows_left_by(shop.renew)
    bare.make_copies(list(rows))
    print(f"a renewal leaves {sum(map(len, rows.values()))} rows in {len(rows)} tables", flush=True)

    def write_bare() -> float:
        rate, program_name = bare.measure(rows, url, Path(_FOLDER.name), max(1, round(seconds / 4)))
        report(f"bare rows by {program_name}, one connection", rate, rate)
        return rate

    baselines = [write_bare()]
    one, one_cpu = in_process(shop, seconds, 1)
    many, many_cpu = in_process(shop, seconds, BATCH)
    baselines.append(write_bare())
    wire, wire_cpu = over_http(shop, seconds, customers)
    baselines.append(write_bare())
    baseline = statistics.median(baselines)
    report("services, one process, one after the other", one, baseline, one_cpu)
    report(f"services, one process, {BATCH} settled at once", many, baseline, many_cpu)
    report(f"HTTP, web server and worker, {customers} customers", wire, baseline, wire_cpu)
    if broken := {name: found[:3] for name, found in invariants.run_all(clock.now()).items() if found}:
        raise SystemExit(f"the books do not hold: {broken}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=6, help="how long each way is measured")
    parser.add_argument("--customers", type=int, default=4, help="at a time, over HTTP")
    parser.add_argument("--durable", action="store_true", help="wait for the disk at every commit")
    options = parser.parse_args()
    with ExitStack() as stack:
        if not os.environ.get("EVERLINE_DATABASE_URL"):
            stack.enter_context(EmbeddedServer(Path(_FOLDER.name), durable=options.durable))
        name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
        stack.callback(connection.creation.destroy_test_db, "", verbosity=0)
        url = EmbeddedServer(Path(_FOLDER.name)).url(name)
        if given := os.environ.get("EVERLINE_DATABASE_URL"):
            url = f"{given.rpartition('/')[0]}/{name}"
        os.environ["EVERLINE_DATABASE_URL"] = url
        run(options.seconds, options.customers, url)
        connection.close()


if __name__ == "__main__":
    main()
