"""How people sign in to the demonstration: kept in the data folder, so that every start can print it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from everline.config.supervisor.files import write_private

FILE = "demo-sign-ins"
DESK = "/backoffice/"
#: Stands in the data folder while the demo customers live through their past, with the clock put back.
UNFINISHED = "demo-history"


@dataclass(frozen=True)
class SignIn:
    """One demo customer: e-mail or phone, and the password; or, with a `role`, somebody of the staff.

    `host` is the brand's own, empty for the shop's. `lines` is false for a customer who has none yet.
    """

    login: str
    password: str
    host: str = ""
    lines: bool = True
    role: str = ""

    def announced(self, shop_url: str) -> str:
        """The sentence that a start prints."""
        if self.role:
            return f"staff ({self.role}): {self.login}, password {self.password}, at {shop_url}{DESK}"
        if not self.lines:
            return f"new here, without lines: {self.login}, the same password"
        said = f"sign in as {self.login} with the password {self.password}"
        return f"{said} at {_on_host(shop_url, self.host)}" if self.host else said


def _on_host(shop_url: str, host: str) -> str:
    parts = urlsplit(shop_url)
    return parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()


def write(data_dir: Path, people: Iterable[SignIn]) -> None:
    """Keep them."""
    write_private(data_dir / FILE, json.dumps([asdict(person) for person in people], indent=1) + "\n")


def known(data_dir: Path) -> bool:
    """Whether this data folder has them; a new one on a database that is already filled has not."""
    return (data_dir / FILE).exists()


def unfinished(data_dir: Path) -> bool:
    """Whether the customers' past was broken off: then the clock may still be put back."""
    return (data_dir / UNFINISHED).exists()


def read(data_dir: Path) -> list[SignIn]:
    """The customers of an installation; none where no demo data was loaded."""
    return [person for person in everybody(data_dir) if not person.role]


def everybody(data_dir: Path) -> list[SignIn]:
    """The customers, then the staff."""
    try:
        found = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [SignIn(**person) for person in found]
