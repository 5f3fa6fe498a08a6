"""The catalogues are complete, compiled, and read by Django with the right plural."""

import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.utils import translation
from django.utils.translation import gettext, ngettext

from tools import check_translations as checker
from tools import compile_messages as compiler

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
HEADER = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'


def test_every_message_of_the_product_is_translated() -> None:
    used = checker.used_messages()
    catalogue = polib.pofile(str(checker.LOCALES / "zh_Hans" / "LC_MESSAGES" / "django.po"))

    assert list(checker.check(catalogue, used)) == []
    assert len(used.places) > 400


def test_chinese_has_one_plural_and_english_two() -> None:
    for language, expected in (
        ("zh-hans", ["剩余 1 天", "剩余 5 天"]),
        ("en", ["1 day left", "5 days left"]),
    ):
        with translation.override(language):
            found = [ngettext("%(count)d day left", "%(count)d days left", n) % {"count": n} for n in (1, 5)]

        assert found == expected


def test_english_pages_do_not_fall_back_to_chinese() -> None:
    with translation.override("en"):
        assert gettext("Place the order") == "Place the order"


def test_the_compiled_catalogue_says_one_plural() -> None:
    compiled = polib.mofile(str(ROOT / "src/everline/locale/zh_Hans/LC_MESSAGES/django.mo"))

    assert "nplurals=1" in compiled.metadata["Plural-Forms"]


class TestChecker:
    """What it must notice."""

    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(checker, "ROOT", tmp_path)
        (tmp_path / "room" / "templates").mkdir(parents=True)
        (tmp_path / "room" / "views.py").write_text(
            "from x import gettext as _, ngettext\n"
            '_("Pay %(amount)s")\nngettext("%(n)d day", "%(n)d days", 2)\n'
        )
        (tmp_path / "room" / "templates" / "page.html").write_text(
            "{% load i18n %}\n<p>\n    {% translate 'Home' %}</p>\n"
            "  {% blocktranslate with a=b trimmed %}\n   Hello\n   {{ a }}\n  {% endblocktranslate %}\n"
            "{% blocktranslate count n=n %}one{% plural %}many{% endblocktranslate %}\n"
        )
        return tmp_path

    def catalogue(self, **changes: str) -> polib.POFile:
        texts = {
            "Pay %(amount)s": "支付 %(amount)s",
            "Home": "首页",
            "Hello %(a)s": "%(a)s，您好",
            **changes,
        }
        found = polib.POFile()
        found.extend(polib.POEntry(msgid=key, msgstr=text) for key, text in texts.items())
        found.append(
            polib.POEntry(msgid="%(n)d day", msgid_plural="%(n)d days", msgstr_plural={0: "%(n)d 天"})
        )
        found.append(polib.POEntry(msgid="one", msgid_plural="many", msgstr_plural={0: "若干"}))
        return found

    def problems(self, source: Path, catalogue: polib.POFile) -> list[str]:
        return list(checker.check(catalogue, checker.used_messages(source)))

    def test_nothing_wrong(self, source: Path) -> None:
        assert self.problems(source, self.catalogue()) == []

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "not translated"),
            ("支付", "placeholders differ"),
            ("支付 %(sum)s", "placeholders differ"),
            ("支付 %(amount)d", "placeholders differ"),
        ],
    )
    def test_a_wrong_translation(self, source: Path, text: str, says: str) -> None:
        [problem] = self.problems(source, self.catalogue(**{"Pay %(amount)s": text}))

        assert problem.startswith(says)

    def test_a_fuzzy_one(self, source: Path) -> None:
        catalogue = self.catalogue()
        catalogue[0].flags.append("fuzzy")

        assert self.problems(source, catalogue) == ["fuzzy: 'Pay %(amount)s'"]

    def test_one_that_nobody_uses(self, source: Path) -> None:
        assert self.problems(source, self.catalogue(Gone="没了")) == ["obsolete: 'Gone'"]

    def test_one_that_is_missing(self, source: Path) -> None:
        catalogue = self.catalogue()
        catalogue.remove(catalogue.find("Home"))

        assert self.problems(source, catalogue) == ["missing: 'Home' (room/templates/page.html:3)"]

    def test_an_english_plural_in_chinese(self, source: Path) -> None:
        catalogue = self.catalogue()
        catalogue[-1].msgstr_plural = {0: "一", 1: "若干"}

        assert self.problems(source, catalogue) == ["Chinese has one form of the plural: 'one'"]

    def test_update_adds_what_is_new_and_drops_what_is_gone(self, source: Path) -> None:
        catalogue = self.catalogue(Gone="没了")
        catalogue.remove(catalogue.find("Home"))
        used = checker.used_messages(source)

        checker.update(catalogue, used)

        assert catalogue.find("Gone") is None
        assert list(checker.check(catalogue, used)) == ["not translated: 'Home'"]


class TestCompiler:
    def write(self, folder: Path, header: str) -> Path:
        target = folder / "zh_Hans" / "LC_MESSAGES" / "django.po"
        target.parent.mkdir(parents=True)
        target.write_text(header + '\nmsgid "%(n)d day"\nmsgid_plural "%(n)d days"\nmsgstr[0] "%(n)d 天"\n')
        return target

    def test_compiles_what_is_stale_only(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, HEADER.format("zh_Hans"))
        target = source.with_suffix(".mo")

        assert compiler.compile_catalogues(tmp_path) == []
        written = target.stat().st_mtime_ns
        assert compiler.compile_catalogues(tmp_path) == []

        assert target.stat().st_mtime_ns == written
        assert sorted(path.name for path in source.parent.iterdir()) == ["django.mo", "django.po"]
        assert "nplurals=1" in polib.mofile(str(target)).metadata["Plural-Forms"]

    @pytest.mark.parametrize(
        "header", [HEADER.format(""), HEADER.format("en"), "#, fuzzy\n" + HEADER.format("zh_Hans")]
    )
    def test_refuses_headers_that_would_break_the_plural_silently(self, tmp_path: Path, header: str) -> None:
        source = self.write(tmp_path, header)

        problems = compiler.compile_catalogues(tmp_path)

        assert len(problems) == 1
        assert not source.with_suffix(".mo").exists()

    def test_both_tools_run_from_anywhere(self, tmp_path: Path) -> None:
        for name in ("compile_messages", "check_translations"):
            done = subprocess.run(
                [sys.executable, str(TOOLS / f"{name}.py")],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )

            assert done.returncode == 0, done.stderr
