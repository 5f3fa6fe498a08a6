"""Every word of the sandbox stands in both languages."""

import io
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

import everline.sandbox

ROOT = Path(everline.sandbox.__file__).parent
CATALOGUE = ROOT.parent / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None}


def _words(path: Path) -> set[str]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        source = templatize(source)
    found = extract("python", io.BytesIO(source.encode()), KEYWORDS)
    return {message for _, message, _, _ in found if isinstance(message, str)}


def _used() -> set[str]:
    paths = [*ROOT.rglob("*.py"), *ROOT.rglob("*.html")]
    return set().union(*(_words(path) for path in paths))


def _translated() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    used = _used()
    return {str(each.id): str(each.string) for each in catalogue if each.id in used and not each.fuzzy}


def test_every_text_is_translated() -> None:
    assert {key for key, text in _translated().items() if text} == _used()


@pytest.mark.parametrize("name", ["last4", "amount"])
def test_placeholders_survive_translation(name: str) -> None:
    with_place = {key: text for key, text in _translated().items() if f"%({name})s" in key}

    assert with_place
    assert all(f"%({name})s" in text for text in with_place.values())


def test_chinese_is_chinese() -> None:
    same = {key for key, text in _translated().items() if key == text}

    assert same == {"PayPal"}
