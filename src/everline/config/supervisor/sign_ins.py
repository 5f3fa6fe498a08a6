"""How a person signs in to the demonstration: kept in the data folder, so that every start can print it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from everline.config.supervisor.files import write_private

FILE = "demo-sign-ins"


@dataclass(frozen=True)
class SignIn:
    """One demo customer: e-mail or phone, and the password."""

    login: str
    password: str


def write(data_dir: Path, people: Iterable[SignIn]) -> None:
    """Keep them."""
    write_private(data_dir / FILE, json.dumps([asdict(person) for person in people], indent=1) + "\n")


def known(data_dir: Path) -> bool:
    """Whether this data folder has them; a new one on a database that is already filled has not."""
    return (data_dir / FILE).exists()


def read(data_dir: Path) -> list[SignIn]:
    """Those of an installation; none where no demo data was loaded."""
    try:
        found = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [SignIn(**person) for person in found]
