"""The style sheets: readable in both themes with any brand, and small; templates without inline code."""

import gzip
import re
from pathlib import Path

import pytest

from everline.accounts.colours import ColourUnfit, dark_palette, light_palette
from everline.portal.icons import ICONS
from everline.portal.views.gallery import COLOURS
from tests.portal import sheet

SOURCE = Path(__file__).resolve().parents[2] / "src" / "everline"
STATIC = SOURCE / "portal" / "static" / "portal"
SANDBOX_SHEET = SOURCE / "sandbox" / "static" / "sandbox" / "sandbox.css"
TEMPLATES = sorted([*SOURCE.glob("portal/templates/**/*.html"), *SOURCE.glob("sandbox/templates/**/*.html")])
READABLE, VISIBLE = 4.5, 3.0
#: Edges of controls, the focus ring, bars and rings against what lies below them.
EDGES = [
    ("line", "card"),
    ("line", "paper"),
    ("accent", "card"),
    ("accent", "paper"),
    ("accent", "fill"),
    ("bad", "card"),
    ("bad", "paper"),
]
#: Accents as different as brands are; the light and the dark one of each are fit by the rule for brands.
BRANDS = [
    ("#0a6b60", "#6fd3c3"),
    ("#7a1fa2", "#e3a8f5"),
    ("#a3320b", "#ffb08f"),
    ("#1d4ed8", "#9db8ff"),
    ("#000000", "#ffffff"),
    ("#5a5a00", "#d6d65a"),
]
INLINE = re.compile(
    r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|<script\b(?![^>]*\bsrc=)", re.IGNORECASE
)


def brand_tokens(light: str, dark: str) -> dict[str, str]:
    """What a brand's own sheet says."""
    bright, dim = light_palette(light), dark_palette(dark)
    return {
        "brand-accent": bright.accent,
        "brand-accent-ink": bright.ink,
        "brand-accent-dark": dim.accent,
        "brand-accent-dark-ink": dim.ink,
    }


def too_faint(colours: dict[str, str]) -> list[str]:
    """The pairs that somebody could not read or see."""
    texts = [(ink, ground, READABLE) for ground, inks in COLOURS.items() for ink in inks.split()]
    edges = [(edge, ground, VISIBLE) for edge, ground in EDGES]
    return [
        f"{ink} on {ground}: {sheet.contrast(colours[ink], colours[ground]):.2f}"
        for ink, ground, needed in texts + edges
        if sheet.contrast(colours[ink], colours[ground]) < needed
    ]


def test_the_formula_is_that_of_the_guidelines() -> None:
    assert sheet.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert sheet.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert sheet.contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("mixing", [True, False], ids=["mixing", "old browsers"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_of_colours_can_be_read(theme: str, mixing: bool) -> None:
    assert too_faint(sheet.colours(theme, mixing=mixing)) == []


@pytest.mark.parametrize(("light", "dark"), BRANDS)
def test_every_pair_can_be_read_with_any_brand(light: str, dark: str) -> None:
    brand = brand_tokens(light, dark)

    assert too_faint(sheet.colours("light", brand)) == []
    assert too_faint(sheet.colours("dark", brand)) == []


@pytest.mark.parametrize("accent", ["#7fdc8a", "#ff9900", "#8a8a8a"])
def test_an_accent_that_nobody_can_read_is_no_brands(accent: str) -> None:
    with pytest.raises(ColourUnfit):
        light_palette(accent)


def test_the_system_and_the_visitor_mean_the_same_darkness() -> None:
    dark = sheet.block(sheet.PLACES["dark"])

    assert dark == sheet.block(sheet.PLACES["system dark"])
    assert set(dark) == set(sheet.block(sheet.PLACES["light"]))


def test_what_is_used_is_defined() -> None:
    text = sheet.text()
    defined = set(re.findall(r"--([a-z0-9-]+)\s*:", text))
    own = {path: path.read_text(encoding="utf-8") for path in STATIC.glob("*.css")}

    for path, styles in own.items():
        used = {name for name in re.findall(r"var\(--([a-z0-9-]+)", styles) if not name.startswith("brand-")}
        assert used <= defined | set(re.findall(r"--([a-z0-9-]+)\s*:", styles)), path.name


def test_motion_rests_for_whoever_wants_it_so() -> None:
    text = sheet.text()
    moving = text.partition("@media (prefers-reduced-motion: no-preference) {")[2].partition("\n}")[0]

    assert text.count("animation:") == moving.count("animation:") + 1  # the one that switches them off
    assert "prefers-reduced-motion: reduce" in text


def test_sheets_are_small_and_fetch_nothing() -> None:
    sizes = {
        path.name: len(gzip.compress(path.read_bytes())) for path in [*STATIC.glob("*.css"), SANDBOX_SHEET]
    }

    assert sizes["design.css"] <= 10_000
    assert sizes["sandbox.css"] <= 4_000
    assert all(size <= 4_000 for name, size in sizes.items() if name != "design.css"), sizes
    for path in [*STATIC.glob("*.css"), SANDBOX_SHEET]:
        assert "url(" not in path.read_text(encoding="utf-8"), path.name
        assert "@import" not in path.read_text(encoding="utf-8"), path.name


def test_sandbox_pages_can_be_read_in_both_themes() -> None:
    text = SANDBOX_SHEET.read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part.partition("}")[0]))
        for part in text.split(":root {")[1:]
    )
    pairs = [
        ("ink", "paper", READABLE),
        ("ink", "card", READABLE),
        ("ink", "fill", READABLE),
        ("ink", "accent-paper", READABLE),
        ("soft", "paper", READABLE),
        ("soft", "card", READABLE),
        ("soft", "fill", READABLE),
        ("accent", "card", READABLE),
        ("accent", "accent-paper", READABLE),
        ("accent-ink", "accent", READABLE),
        ("accent-ink", "accent-hover", READABLE),
        ("good", "good-paper", READABLE),
        ("wrong", "card", READABLE),
        ("wrong", "wrong-paper", READABLE),
        ("line", "card", VISIBLE),
    ]

    for theme in (light, light | dark):
        faint = [pair for pair in pairs if sheet.contrast(theme[pair[0]], theme[pair[1]]) < pair[2]]
        assert faint == []
    assert sheet.contrast(light["banner"], light["banner-ink"]) >= READABLE


def test_templates_hold_no_inline_code() -> None:
    assert len(TEMPLATES) > 50

    found = {
        f"{path.relative_to(SOURCE)}: {hit.group(0).strip()}"
        for path in TEMPLATES
        for hit in INLINE.finditer(path.read_text(encoding="utf-8"))
    }

    assert found == set()


def test_every_icon_that_is_asked_for_exists() -> None:
    asked = {
        name
        for path in TEMPLATES
        for name in re.findall(r"\{% icon \"([^\"]+)\"", path.read_text(encoding="utf-8"))
        + re.findall(
            r"parts/(?:empty|badge)\.html\" with [^%]*\bicon=\"([^\"]+)\"", path.read_text(encoding="utf-8")
        )
    }

    assert asked
    assert asked <= set(ICONS)


def test_icons_are_strokes_without_code_or_colours_of_their_own() -> None:
    assert len(ICONS) >= 50
    for name, drawing in ICONS.items():
        tags = set(re.findall(r"<(\w+)", drawing))
        assert tags <= {"path", "circle", "rect"}, name
        assert "stroke=" not in drawing, name
        assert set(re.findall(r'fill="([^"]+)"', drawing)) <= {"currentColor"}, name
