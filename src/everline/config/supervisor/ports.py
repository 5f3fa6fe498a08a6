"""TCP ports: is one free, which one is."""

import errno
import http.client
import socket

from everline.config.supervisor.errors import PortError

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - asked about, not bound


def bindable(host: str, port: int) -> int:
    """The port, or a free one for 0, after having listened on it for a moment.

    Raises:
        OSError: it is taken, not ours to take, or the address is not this machine's.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)
        return int(probe.getsockname()[1])


def claim(host: str, port: int, variable: str) -> int:
    """Like `bindable`, with an error that tells a person what to change."""
    try:
        return bindable(host, port)
    except OSError as error:
        reason = "is in use by another program" if error.errno == errno.EADDRINUSE else error.strerror
        raise PortError(f"Port {port} on {host} {reason}. Set {variable} to another port, or 0.") from error


def reachable_host(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    return ANY_ADDRESS.get(host, host)


def healthy(host: str, port: int) -> bool:
    """Whether `GET /healthz` answers 200 there now."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
