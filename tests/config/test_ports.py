import errno
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from everline.config.supervisor import ports
from everline.config.supervisor.errors import PortError


def test_port_zero_is_any_free_one() -> None:
    first = ports.claim("127.0.0.1", 0, "EVERLINE_PORT")

    assert first > 0
    assert ports.claim("127.0.0.1", first, "EVERLINE_PORT") == first


def test_a_taken_port_is_refused_with_the_variable_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortError, match=f"Port {port} .*in use.*EVERLINE_SANDBOX_PORT"):
            ports.claim("127.0.0.1", port, "EVERLINE_SANDBOX_PORT")


HOLDER = """
import sys, time
from everline.config.supervisor.ports import Claims
print(Claims().take("127.0.0.1", int(sys.argv[1]), "EVERLINE_PORT"), flush=True)
time.sleep(600)
"""


def test_a_claim_of_another_process_is_refused_until_that_one_is_killed() -> None:
    command = [sys.executable, "-c", HOLDER, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        try:
            with ports.Claims() as claims:
                with pytest.raises(PortError, match=f"Port {port} .*in use.*Set EVERLINE_PORT"):
                    claims.take("127.0.0.1", port, "EVERLINE_PORT")
                with pytest.raises(PortError, match="in use"):  # every address of the machine is covered
                    claims.take("0.0.0.0", port, "EVERLINE_PORT")
        finally:
            holder.kill()
            holder.wait()

    with ports.Claims() as claims:
        assert claims.take("127.0.0.1", port, "EVERLINE_PORT") == port


def test_shop_and_sandbox_cannot_claim_one_port() -> None:
    with ports.Claims() as claims:
        port = claims.take("127.0.0.1", 0, "EVERLINE_PORT")

        with pytest.raises(PortError, match="EVERLINE_SANDBOX_PORT"):
            claims.take("127.0.0.1", port, "EVERLINE_SANDBOX_PORT")


def test_a_port_that_is_listened_on_is_not_left_claimed() -> None:
    with ports.Claims() as claims:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(PortError):
                claims.take("127.0.0.1", port, "EVERLINE_PORT")

        assert claims.take("127.0.0.1", port, "EVERLINE_PORT") == port


def test_a_free_port_is_looked_for_until_one_can_be_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ports.Claims() as others, ports.Claims() as claims:
        claimed = others.take("127.0.0.1", 0, "EVERLINE_PORT")
        free = ports.claim("127.0.0.1", 0, "EVERLINE_PORT")
        offers = iter([claimed, free])
        monkeypatch.setattr(ports, "bindable", lambda _host, port: port or next(offers))

        assert claims.take("127.0.0.1", 0, "EVERLINE_PORT") == free


@pytest.mark.parametrize("hold", [ports.hold_name, ports.hold_file])
def test_one_holder_at_a_time_on_every_system(
    hold: Callable[[int], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if hold is ports.hold_name and not sys.platform.startswith("linux"):
        return
    monkeypatch.setattr(ports, "LOCK_FOLDER", tmp_path)
    port = ports.claim("127.0.0.1", 0, "EVERLINE_PORT")
    monkeypatch.setattr(ports, "HOLD", hold)

    with ports.Claims() as claims:
        assert claims.take("127.0.0.1", port, "EVERLINE_PORT") == port
        with pytest.raises(OSError, match="in use") as refusal:
            hold(port)

    assert refusal.value.errno == errno.EADDRINUSE
    assert ports.claim("127.0.0.1", port, "EVERLINE_PORT") == port


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortError, match="EVERLINE_PORT"):
        ports.claim("192.0.2.1", 0, "EVERLINE_PORT")


def test_nothing_there_is_not_healthy() -> None:
    port = ports.claim("127.0.0.1", 0, "EVERLINE_PORT")

    assert not ports.healthy("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.5", "10.0.0.5")]
)
def test_how_a_listening_address_is_reached(host: str, reached: str) -> None:
    assert ports.reachable_host(host) == reached
