"""Compile the catalogues under src/everline/locale that are newer than their .mo; needs Babel only.

`python tools/compile_messages.py` from anywhere. Exit 1 with the reasons if a catalogue cannot be compiled.
"""

import os
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "src" / "everline" / "locale"


def compile_catalogues(folder: Path = LOCALE) -> list[str]:
    """Write the .mo files that are missing or stale, each atomically; returns what is wrong."""
    problems = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        problems += _compile(source, target)
    return problems


def _compile(source: Path, target: Path) -> list[str]:
    name = source.parent.parent.name
    with source.open("rb") as file:
        catalogue = read_po(file)
    # Without this header Babel writes the English plural rule, and Django shows it without a word.
    if str(catalogue.locale_identifier) != name:
        return [f"{source}: the header must say Language: {name}, not {catalogue.locale_identifier}"]
    if catalogue.fuzzy:
        return [f"{source}: the header is marked fuzzy, so nothing would be compiled"]
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        write_mo(file, catalogue)
    temporary.replace(target)
    return []


if __name__ == "__main__":
    found = compile_catalogues()
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    sys.exit(1 if found else 0)
