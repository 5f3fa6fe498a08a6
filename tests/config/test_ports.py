import socket

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
