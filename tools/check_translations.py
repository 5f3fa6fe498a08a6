"""Are the translations complete? Compares what the code says with what the catalogues hold.

Fails on a message without translation, one nobody uses any more, a fuzzy one, placeholders that differ, and
forms of the plural that are missing. `--update` adds new messages (empty) and drops unused ones.

Python code is read with Babel, Django templates are first turned into such code by Django itself, so no
gettext tools are needed.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polib
from babel.messages.extract import extract
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "everline"
LOCALES = SOURCE / "locale"
#: Function name to the places of message, plural and context among its arguments.
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_PLACES = re.compile(r"%\((\w+)\)[#0\- +]*\d*(?:\.\d+)?([a-z])|%([a-z%])")


@dataclass(frozen=True)
class Key:
    """What makes a message one message."""

    message: str
    plural: str = ""
    context: str = ""


@dataclass
class Used:
    """Where each message is used, as paths from the root with line numbers."""

    places: dict[Key, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, key: Key, path: Path, line: int) -> None:
        """Note one use."""
        self.places.setdefault(key, []).append((str(path.relative_to(ROOT)), str(line)))


def used_messages(source: Path = SOURCE) -> Used:
    """All messages in Python files and templates below a folder."""
    if not settings.configured:
        settings.configure(USE_I18N=True)
    found = Used()
    for path in sorted(source.rglob("*.py")):
        _extract(path.read_bytes(), path, found)
    for path in sorted([*source.rglob("templates/**/*.html"), *source.rglob("templates/**/*.txt")]):
        code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        # A template's indentation is none that Python would read.
        _extract("\n".join(line.strip() for line in code.splitlines()).encode(), path, found)
    return found


def _extract(code: bytes, path: Path, found: Used) -> None:
    for line, messages, _comments, context in extract("python", io.BytesIO(code), KEYWORDS):
        parts = messages if isinstance(messages, tuple) else (messages,)
        plural = parts[1] if len(parts) > 1 else ""
        found.add(Key(parts[0], plural or "", context or ""), path, line)


def check(catalogue: polib.POFile, used: Used) -> Iterator[str]:
    """What is wrong with a catalogue, one sentence each."""
    known = {}
    for entry in catalogue:
        key = Key(entry.msgid, entry.msgid_plural or "", entry.msgctxt or "")
        if entry.obsolete or key not in used.places:
            yield f"obsolete: {entry.msgid!r}"
            continue
        known[key] = entry
        yield from _entry_problems(entry)
    for key in used.places.keys() - known.keys():
        yield f"missing: {key.message!r} ({':'.join(used.places[key][0])})"


def _entry_problems(entry: polib.POEntry) -> Iterator[str]:
    if entry.fuzzy:
        yield f"fuzzy: {entry.msgid!r}"
    texts = [entry.msgstr] if not entry.msgid_plural else [entry.msgstr_plural.get(0, "")]
    if entry.msgid_plural and len(entry.msgstr_plural) != 1:
        yield f"Chinese has one form of the plural: {entry.msgid!r}"
    for text in texts:
        if not text.strip():
            yield f"not translated: {entry.msgid!r}"
        elif _places(text) not in (_places(entry.msgid), _places(entry.msgid_plural or entry.msgid)):
            yield f"placeholders differ: {entry.msgid!r} and {text!r}"


def _places(text: str) -> list[str]:
    return sorted(match.group(0) for match in _PLACES.finditer(text) if match.group(3) != "%")


def update(catalogue: polib.POFile, used: Used) -> None:
    """Bring a catalogue up to what is used: new messages come empty, unused ones go."""
    old = {Key(each.msgid, each.msgid_plural or "", each.msgctxt or ""): each for each in catalogue}
    catalogue.clear()
    for key, places in sorted(used.places.items(), key=lambda item: item[1][0][0]):
        entry = old.get(key) or polib.POEntry(
            msgid=key.message,
            msgid_plural=key.plural or None,
            msgctxt=key.context or None,
            msgstr_plural={0: ""} if key.plural else None,
        )
        # Files without line numbers: a catalogue should change when words do.
        entry.occurrences = [(path, "") for path in dict.fromkeys(path for path, _ in places)]
        entry.flags = ["python-format"] if _places(key.message) else []
        entry.obsolete = False
        catalogue.append(entry)


def main() -> int:
    """Check (or update) every catalogue; the exit status for the shell."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--update", action="store_true", help="add new messages, drop unused ones")
    wanted = arguments.parse_args()
    used = used_messages()
    failed = False
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/django.po")):
        catalogue = polib.pofile(str(path), wrapwidth=110)
        if wanted.update:
            update(catalogue, used)
            catalogue.save()
        for problem in check(catalogue, used):
            failed = True
            print(f"{path.relative_to(ROOT)}: {problem}", file=sys.stderr)
    if not failed:
        print(f"translations complete: {len(used.places)} messages")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
