"""What the environment says about an installation, read without Django's settings."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from everline.config.supervisor import databases, embedded
from everline.core import env

SANDBOX_SUFFIX = "_sandbox"


@dataclass(frozen=True)
class Options:
    """One installation. `database_url` is None for the embedded server; port 0 means any free one."""

    host: str
    port: int
    sandbox_port: int
    data_dir: Path
    mode: str
    database_url: str | None
    sandbox_database_url: str | None
    public_url: str | None

    @property
    def with_sandbox(self) -> bool:
        """Whether the sandbox belongs to this installation."""
        return self.mode == "sandbox"

    @property
    def shop_database(self) -> str:
        """URL of the shop's database, the embedded server's included."""
        return self.database_url or embedded.database_url(self.data_dir)

    @property
    def sandbox_database(self) -> str:
        """URL of the sandbox's database: as set, else the shop's name with `_sandbox` on the same server."""
        return self.sandbox_database_url or databases.renamed(
            self.shop_database, f"{database_name(self.shop_database)}{SANDBOX_SUFFIX}"
        )


def read_options() -> Options:
    """Read the environment.

    Raises:
        ImproperlyConfigured: a variable holds nonsense; the text names it.
    """
    return Options(
        host=env.text("EVERLINE_HOST", "127.0.0.1"),
        port=env.integer("EVERLINE_PORT", 8000, low=0, high=65535),
        sandbox_port=env.integer("EVERLINE_SANDBOX_PORT", 0, low=0, high=65535),
        data_dir=env.path("EVERLINE_DATA_DIR", "var"),
        mode=env.choice("EVERLINE_MODE", "sandbox", ("sandbox", "live")),
        database_url=env.secret("EVERLINE_DATABASE_URL") or None,
        sandbox_database_url=env.secret("EVERLINE_SANDBOX_DATABASE_URL") or None,
        public_url=env.url("EVERLINE_PUBLIC_URL", "", ("http", "https")) or None,
    )


def database_name(url: str) -> str:
    """The database's name in a URL.

    Raises:
        ImproperlyConfigured: there is none.
    """
    name = databases.name_of(url)
    if not name:
        raise ImproperlyConfigured("EVERLINE_DATABASE_URL: the database's name is missing")
    return name


def apply_database(options: Options) -> None:
    """Name both databases in the environment, for this process's settings and for its children."""
    os.environ["EVERLINE_DATABASE_URL"] = options.shop_database
    os.environ.pop("EVERLINE_DATABASE_URL_FILE", None)
    if options.with_sandbox:
        os.environ["EVERLINE_SANDBOX_DATABASE_URL"] = options.sandbox_database
        os.environ.pop("EVERLINE_SANDBOX_DATABASE_URL_FILE", None)
