"""The design system to look at, `/ui/`: every token, icon and part in all its states. Sandbox mode only."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from everline.core.errors import Kind
from everline.portal.answers import show
from everline.portal.gate import public
from everline.portal.icons import ICONS

if TYPE_CHECKING:
    from everline.accounts.models import Customer

#: Token → the grounds on which it stands.
COLOURS: Final = {
    "paper": "ink soft accent accent-text good warn bad",
    "card": "ink soft accent accent-text good warn bad",
    "fill": "ink soft accent-text",
    "accent": "accent-ink",
    "accent-hover": "accent-ink",
    "accent-paper": "ink soft accent-text",
    "good-paper": "good",
    "warn-paper": "warn",
    "bad-paper": "bad",
}
SECTIONS: Final = (
    "colours",
    "type",
    "icons",
    "buttons",
    "forms",
    "choices",
    "messages",
    "surfaces",
    "figures",
    "wayfinding",
    "layers",
    "states",
)
ERRORS: Final = {400: "errors/400", 403: "errors/403", 404: "errors/404", 429: "problem", 503: "problem"}
_TOKEN = re.compile(r"^  --(space-\d|radius|radius-s|gap|motion|text-[a-z]+): ([^;]+);", re.MULTILINE)
_STYLE = Path(__file__).resolve().parent.parent / "static" / "portal" / "design.css"


@dataclass(frozen=True, slots=True)
class Sample:
    """What stands for a refusal where the gallery shows one."""

    detail: str
    field: str = ""
    kind: str = Kind.INVALID
    retry_after: int = 0

    @property
    def extra(self) -> dict[str, int]:
        """As domain errors have it."""
        return {"retry_after": self.retry_after}


@require_safe
@public
def gallery(request: HttpRequest, customer: "Customer | None") -> HttpResponse:
    """Every part in both themes side by side."""
    _only_in_a_sandbox()
    return show(request, customer, "gallery/index", _samples() | {"robots": "noindex"})


@require_safe
@public
def error_page(request: HttpRequest, customer: "Customer | None", code: int) -> HttpResponse:
    """An error page to look at, with the status it has in earnest."""
    _only_in_a_sandbox()
    if code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return HttpResponse(render_to_string("500.html"), status=code)
    if code not in ERRORS:
        raise Http404
    problem = None
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        problem = Sample(_("Too many tries. Please wait a little."), kind=Kind.RATE_LIMITED, retry_after=30)
    elif code == HTTPStatus.SERVICE_UNAVAILABLE:
        problem = Sample(_("Please try again in a few minutes."), kind=Kind.UNAVAILABLE)
    return show(request, customer, ERRORS[code], {"problem": problem}, status=code)


def _only_in_a_sandbox() -> None:
    if settings.EVERLINE_MODE != "sandbox":
        raise Http404


def _samples() -> dict[str, object]:
    titles = {
        "colours": (_("Colours"), _("Name a colour for what it says, never for how it looks.")),
        "type": (_("Type and space"), _("One heading of the first level on a page; figures in even widths.")),
        "icons": (_("Icons"), _("Beside words that say the same, never alone.")),
        "buttons": (
            _("Buttons"),
            _("One main button in a view; it keeps its size while the form is on its way."),
        ),
        "forms": (_("Forms"), _("Label above, hint below it, and the error beside the field it is about.")),
        "choices": (_("Choices"), _("Few options are shown, many go into a list.")),
        "messages": (_("Messages"), _("Say what happened, then what to do next.")),
        "surfaces": (_("Cards and lists"), _("A card holds one thing and its next step.")),
        "figures": (_("Figures"), _("Rings and bars show what the words beside them say.")),
        "wayfinding": (_("Finding the way"), _("Always say where one is and how to get back.")),
        "layers": (_("Layers"), _("What is needed now and then waits folded up; it opens without a script.")),
        "states": (
            _("Empty, loading, failed"),
            _("No screen is ever blank: each of them names a next step."),
        ),
    }
    return {
        "sections": [(name, *titles[name], f"portal/gallery/{name}.html") for name in SECTIONS],
        "themes": [("light", _("Light")), ("dark", _("Dark"))],
        "colours": [(ground, inks.split()) for ground, inks in COLOURS.items()],
        "tokens": _TOKEN.findall(_STYLE.read_text(encoding="utf-8")),
        "icons": list(ICONS),
        "wrong": Sample(_("Enter an e-mail address, for example ann@example.com."), "wrong-light"),
        "options": [("jp", _("Japan")), ("kr", _("South Korea"))],
        "days": _days(),
        "steps": [
            {"label": _("Plan"), "state": "done", "url": "#wayfinding"},
            {"label": pgettext("step", "Offer"), "state": "current"},
            {"label": _("Pay"), "state": "todo"},
        ],
        "tabs": [
            {"label": _("Days"), "url": "#wayfinding", "current": True, "icon": "calendar"},
            {"label": _("Months"), "url": "#wayfinding"},
            {"label": _("Years"), "url": "#wayfinding"},
        ],
        "errors": [*ERRORS, int(HTTPStatus.INTERNAL_SERVER_ERROR)],
    }


def _days() -> list[dict[str, object]]:
    """Two weeks of usage, a quiet day among them."""
    shares = (12, 30, 22, 64, 100, 41, 0, 18, 26, 33, 71, 55, 20, 9)
    return [
        {"label": str(day), "value_text": f"{share * 12} MB", "percent": share, "title": str(day)}
        for day, share in enumerate(shares, 1)
    ]
