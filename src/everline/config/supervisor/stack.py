"""Which programs make up an installation, and in what environment each of them runs."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace

from everline.config.supervisor import ports
from everline.config.supervisor.child import MARK, Program
from everline.config.supervisor.errors import PortError, StartError
from everline.config.supervisor.files import read_or_create_secret, write_private
from everline.config.supervisor.options import Options
from everline.core import env

SHOP_SETTINGS = "everline.config.settings"
SANDBOX_SETTINGS = "everline.sandbox.settings"
#: The program that fills the shop's database.
DEMO_DATA = "prepare"
SANDBOX_PORT_FILE = "sandbox-port"


def with_ports(options: Options, claims: ports.Claims) -> Options:
    """Claim the ports, free ones for 0. The sandbox's is kept in the data folder: open pages stay valid.

    Raises:
        PortError: a chosen port is taken; what was claimed before stays claimed.
    """
    found = replace(options, port=claims.take(options.host, options.port, "EVERLINE_PORT"))
    return with_sandbox_port(found, claims) if options.with_sandbox else found


def with_sandbox_port(options: Options, claims: ports.Claims) -> Options:
    """The same for the sandbox's port alone."""
    return replace(options, sandbox_port=_sandbox_port(options, claims))


def _sandbox_port(options: Options, claims: ports.Claims) -> int:
    if options.sandbox_port:
        return claims.take(options.host, options.sandbox_port, "EVERLINE_SANDBOX_PORT")
    file = options.data_dir / SANDBOX_PORT_FILE
    kept = int(file.read_text(encoding="ascii")) if file.exists() else 0
    try:
        port = claims.take(options.host, kept, "EVERLINE_SANDBOX_PORT")
    except PortError:
        port = claims.take(options.host, 0, "EVERLINE_SANDBOX_PORT")
    if port != kept:
        write_private(file, str(port))
    return port


def write_secrets(options: Options) -> None:
    """Make the keys that the programs read from the data folder.

    Raises:
        StartError: a live installation without a key of its own.
    """
    if options.with_sandbox:
        read_or_create_secret(options.data_dir / "sandbox-token")
        read_or_create_secret(options.data_dir / "secret-key")
    elif not env.secret("EVERLINE_SECRET_KEY"):
        raise StartError("EVERLINE_SECRET_KEY: set it (or EVERLINE_SECRET_KEY_FILE) in live mode.")


def shop_url(options: Options) -> str:
    """Where a person opens the shop."""
    return options.public_url or f"http://localhost:{options.port}"


def sandbox_url(options: Options) -> str:
    """Where this machine reaches the sandbox."""
    return local_url(options, options.sandbox_port)


def local_url(options: Options, port: int) -> str:
    """A program of this installation as its other programs reach it."""
    host = ports.reachable_host(options.host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def environment(options: Options, settings: str) -> dict[str, str]:
    """The environment of a program: ours, with everything that was decided at the start."""
    decided = {
        "DJANGO_SETTINGS_MODULE": settings,
        "EVERLINE_DATABASE_URL": options.shop_database,
        "EVERLINE_DATA_DIR": str(options.data_dir),
        "EVERLINE_HOST": options.host,
        "EVERLINE_MODE": options.mode,
        "EVERLINE_PORT": str(options.port),
        "EVERLINE_PUBLIC_URL": shop_url(options),
        "EVERLINE_SHOP_URL": local_url(options, options.port),
        MARK: str(options.data_dir),
        "PYTHONUNBUFFERED": "1",
    }
    if options.with_sandbox:
        decided["EVERLINE_SANDBOX_DATABASE_URL"] = options.sandbox_database
        decided["EVERLINE_SANDBOX_PORT"] = str(options.sandbox_port)
        decided["EVERLINE_SANDBOX_URL"] = sandbox_url(options)
    inherited = {name: value for name, value in os.environ.items() if not _replaced(name, decided)}
    return inherited | decided


def _replaced(name: str, decided: Mapping[str, str]) -> bool:
    """`NAME_FILE` would win over the value decided for `NAME`."""
    return name in decided or name.removesuffix("_FILE") in decided


def everline(*words: str) -> tuple[str, ...]:
    """The command line of one of our own commands."""
    return (sys.executable, "-m", "everline.config", *words)


def programs(options: Options) -> list[Program]:
    """The programs of an installation, in the order of their start."""
    shop = environment(options, SHOP_SETTINGS)
    found = [Program("web", everline("serve"), shop), Program("worker", everline("worker"), shop)]
    if options.with_sandbox:
        found.insert(0, Program("sandbox", everline("sandbox"), environment(options, SANDBOX_SETTINGS)))
    return found


def preparations(options: Options) -> list[tuple[Program, str, bool]]:
    """What brings each database up to date: the program, the database's URL, whether it has demo data."""
    shop = Program(DEMO_DATA, everline("prepare"), environment(options, SHOP_SETTINGS))
    found = [(shop, options.shop_database, options.with_sandbox)]
    if options.with_sandbox:
        sandbox = Program(
            "prepare-sandbox", everline("prepare-sandbox"), environment(options, SANDBOX_SETTINGS)
        )
        found.append((sandbox, options.sandbox_database, False))
    return found


def static_files(options: Options) -> Program:
    """What collects and compresses the static files."""
    return Program("prepare-static", everline("prepare-static"), environment(options, SHOP_SETTINGS))


def demo_orders(options: Options) -> Program:
    """What gives a new installation's demo customers their past."""
    return Program("demo-orders", everline("demo-orders"), environment(options, SHOP_SETTINGS))
