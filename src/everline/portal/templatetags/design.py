"""Tags of the design system: icons, steps, tabs, and the theme of the page."""

from typing import TYPE_CHECKING, Any, Final, TypedDict

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from everline.portal.icons import ICONS

if TYPE_CHECKING:
    from django.template import Context

register = template.Library()

#: The visitor's own choice; without it the page follows the system.
THEME_COOKIE: Final = "theme"
THEMES: Final = ("light", "dark")
_NOTICE_ICONS: Final = {"good": "check", "warn": "warn", "bad": "warn"}


class Step(TypedDict):
    """One step of a path through some pages."""

    label: str
    state: str
    number: int


@register.simple_tag
def icon(name: str, kind: str = "") -> SafeString:
    """A picture beside words that say the same, never alone. `kind`: more CSS classes."""
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        f"icon {kind}".strip(),
        mark_safe(ICONS[name]),  # noqa: S308 - our own drawings
    )


@register.filter
def notice_icon(tone: str) -> str:
    """The icon of a notice, by its tone."""
    return _NOTICE_ICONS.get(tone, "info")


@register.simple_tag
def steps_of(current: int, *labels: str) -> list[Step]:
    """Steps for `parts/steps.html`: those before `current` (counted from 1) are done."""
    return [
        Step(
            label=label,
            state="done" if number < current else "current" if number == current else "todo",
            number=number,
        )
        for number, label in enumerate(labels, 1)
    ]


@register.simple_tag
def repeat(times: int) -> range:
    """Something to loop over that often."""
    return range(times)


@register.simple_tag(takes_context=True)
def page_theme(context: "Context") -> str:
    """The theme this visitor chose; empty while the system decides, and where no request is known."""
    request: Any = context.get("request")
    chosen = request.COOKIES.get(THEME_COOKIE, "") if request is not None else ""
    return chosen if chosen in THEMES else ""
