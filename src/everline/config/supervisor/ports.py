"""TCP ports: is one free, which one is, and which ones are ours for as long as we live."""

import errno
import fcntl
import http.client
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from everline.config.supervisor.errors import PortError

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - asked about, not bound
#: Where systems without abstract sockets keep their locks: TMPDIR may differ from user to user.
LOCK_FOLDER = Path("/tmp")  # noqa: S108 - opened without following links, never written


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


def hold_name(port: int) -> int:
    """The abstract socket that stands for a port: one holder per network namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as holder:
        holder.bind(f"\0everline-port-{port}")
        return holder.detach()


def hold_file(port: int) -> int:
    """The locked file that stands for a port: one holder per machine, whoever made the file."""
    path = LOCK_FOLDER / f"everline-port-{port}.lock"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except PermissionError:  # some systems let nobody create over another user's file
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)) from error
    return descriptor


HOLD = hold_name if sys.platform.startswith("linux") else hold_file


class Claims:
    """Ports that no other installation gets until they are released, or the kernel ends us.

    The web server listens with SO_REUSEPORT, later than we ask and again after each restart: two of them on
    one port would share its customers, so that being able to bind proves nothing. A claim counts for every
    address of the machine, because 0.0.0.0 and 127.0.0.1 share too. Children do not inherit it.
    """

    def __init__(self) -> None:
        self._held: list[int] = []

    def take(self, host: str, port: int, variable: str) -> int:
        """Claim a port, or any free one for 0, and return it.

        Raises:
            PortError: it is claimed, taken or not ours to take; the text says what to change.
        """
        try:
            return self._take(host, port) if port else self._take_any(host)
        except OSError as error:
            reason = "is in use by another program" if error.errno == errno.EADDRINUSE else error.strerror
            message = f"Port {port} on {host} {reason}. Set {variable} to another port, or 0."
            raise PortError(message) from error

    def release(self) -> None:
        """Let all of them go; harmless when there are none."""
        while self._held:
            os.close(self._held.pop())

    def _take(self, host: str, port: int) -> int:
        """The claim comes first: two that try to listen at the same moment would refuse each other."""
        descriptor = HOLD(port)
        try:
            bindable(host, port)
        except OSError:
            os.close(descriptor)
            raise
        self._held.append(descriptor)
        return port

    def _take_any(self, host: str) -> int:
        while True:
            found = bindable(host, 0)
            try:
                return self._take(host, found)
            except OSError as error:  # somebody was quicker: the next one
                if error.errno != errno.EADDRINUSE:
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def claim(host: str, port: int, variable: str) -> int:
    """Like `Claims.take`, only for a moment: the port is for a program that makes the claim itself."""
    with Claims() as claims:
        return claims.take(host, port, variable)


def reachable_host(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    return ANY_ADDRESS.get(host, host)


def healthy(host: str, port: int) -> bool:
    """Whether `GET /healthz` answers 200 there now. That it is ours follows from holding the claim."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
