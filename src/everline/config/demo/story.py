"""`everline demo`: a customer renews a line on an installation made for it, and everything is looked at."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from everline.config.demo.shopper import FILES, TIMEOUT, Installation, Json, Shopper
from everline.config.outcome import CommandError
from everline.config.supervisor import launch, processes, sign_ins, stack
from everline.core.money import Money

START_SECONDS = 170.0
STOP_SECONDS = 40.0
TERM = "month"


def run(*, keep: bool = False) -> int:
    """Tell the story; 0 only if the order is fulfilled and every invariant holds. The folder goes."""
    folder = Path(tempfile.mkdtemp(prefix="everline-demo-"))
    environment = {**os.environ, **_throw_away(folder)}
    supervisor = _start(environment)
    try:
        _await_start(supervisor, folder)
        fulfilled = _renew(folder)
        holds = subprocess.run(stack.everline("check"), env=environment, check=False).returncode == 0
    finally:
        _stop(supervisor)
        if keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("demo: the line is renewed and every invariant holds" if fulfilled and holds else "demo: FAILED")
    return 0 if fulfilled and holds else 1


def _throw_away(folder: Path) -> dict[str, str]:
    """An installation of its own: nothing of the caller's is touched."""
    return {
        "EVERLINE_DATA_DIR": str(folder),
        "EVERLINE_DATABASE_URL": "",
        "EVERLINE_DATABASE_URL_FILE": "",
        "EVERLINE_SANDBOX_DATABASE_URL": "",
        "EVERLINE_SANDBOX_DATABASE_URL_FILE": "",
        "EVERLINE_MODE": "sandbox",
        "EVERLINE_HOST": "127.0.0.1",
        "EVERLINE_PORT": "0",
        "EVERLINE_SANDBOX_PORT": "0",
        "EVERLINE_PUBLIC_URL": "",
    }


def _start(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """The supervisor as a child that cannot outlive us."""
    options = ["--deathsig", str(int(signal.SIGTERM)), "--parent", str(os.getpid())]
    command = [sys.executable, "-I", "-S", launch.__file__, *options, "--", *stack.everline("run")]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)


def _await_start(supervisor: "subprocess.Popen[bytes]", folder: Path) -> None:
    last = folder / FILES[1]
    processes.wait_until(lambda: last.exists() or supervisor.poll() is not None, START_SECONDS)
    if not last.exists():
        raise CommandError("The demonstration's installation did not come up.")


def _stop(supervisor: "subprocess.Popen[bytes]") -> None:
    """End the installation cleanly, and by force if it does not obey: nothing may be left behind."""
    if supervisor.poll() is None:
        supervisor.terminate()
        processes.wait_until(lambda: supervisor.poll() is not None, STOP_SECONDS)
    if supervisor.poll() is None:
        supervisor.kill()
    supervisor.wait()


def _renew(folder: Path) -> bool:
    """One renewal through the public API; prints what a person would see of it."""
    person = sign_ins.read(folder)[0]
    installation = Installation.of(folder)
    with httpx.Client(timeout=TIMEOUT) as http, httpx.Client(timeout=TIMEOUT) as outside:
        shopper = Shopper(installation, http, outside)
        shopper.sign_in(person.login, person.password)
        before = shopper.lines()[0]
        plan = shopper.plan_for(before["id"], TERM)
        quote, attempt, order = shopper.buy(before["id"], plan["id"])
        after = shopper.line(before["id"])
        mails = [
            mail for mail in shopper.mails(person.login) if order["number"] in mail["subject"] + mail["text"]
        ]
    _tell(before, plan, quote, attempt, order, after, mails)
    renewed = order["status"] == "fulfilled" and after["valid_until"] == quote["ends_at"]
    return renewed and len(mails) == 1


def _tell(
    before: Json, plan: Json, quote: Json, attempt: Json, order: Json, after: Json, mails: list[Json]
) -> None:
    total = quote["total"]
    price = Money(total["amount"], total["currency"]).to_decimal()
    term = f"{plan['term']['count']} {plan['term']['unit']}"
    paid = next(each for each in order["attempts"] if each["id"] == attempt["id"])
    print(f"line     {before['label']}  {before['iccid']}  {before['service_state']}")
    print(f"plan     {plan['name']}  ({term}, version {plan['version']})")
    print(f"payment  {price} {total['currency']} by {paid['method']}: {paid['status']}")
    print(f"order    {order['number']}: {order['status']}")
    for entry in order["timeline"]:
        print(f"         {entry['at']}  {entry['event']}")
    for mail in mails:
        print(f"mail     {mail['kind']} to {mail['to']}: {mail['subject']}")
    print(f"expiry   {before['valid_until']}  ->  {after['valid_until']}")
