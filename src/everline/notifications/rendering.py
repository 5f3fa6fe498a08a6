"""Messages written out from the templates of their kind and language."""

import re
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from everline.notifications.formats import MISSING
from everline.notifications.types import Rendered

_FOLDER = Path(__file__).parent / "templates" / "notifications"
_TAGS = ["everline.notifications.formats"]
_MISSING_NAME = re.compile("\x00missing (.*?)\x00")
_SUBJECT = "Subject:"


class MissingContext(ValueError):
    """A template names something that the message does not carry."""


def _engine(*, autoescape: bool) -> Engine:
    return Engine(dirs=[str(_FOLDER)], builtins=_TAGS, autoescape=autoescape, string_if_invalid=MISSING)


_PLAIN = _engine(autoescape=False)
_HTML = _engine(autoescape=True)


def brand_name(brand: dict[str, Any], locale: str) -> str:
    """The brand's name in this language."""
    return str(brand["name_zh"] if locale.startswith("zh") else brand["name_en"])


def render(*, kind: str, locale: str, brand: dict[str, Any], context: dict[str, Any]) -> Rendered:
    """The message as subject, text and HTML. The text template's first line is the subject.

    Raises:
        MissingContext: the templates need something that `context` lacks.
        TemplateDoesNotExist: no such kind or language.
    """
    values = {**context, "locale": locale, "brand": {**brand, "name": brand_name(brand, locale)}}
    plain = _written(_PLAIN, f"{kind}.{locale}.txt", values)
    head, _, text = plain.partition("\n")
    subject = " ".join(head.removeprefix(_SUBJECT).split())
    html = _written(_HTML, f"{kind}.{locale}.html", {**values, "subject": subject})
    return Rendered(subject=subject, text=text.strip() + "\n", html=html.strip() + "\n")


def _written(engine: Engine, name: str, values: dict[str, Any]) -> str:
    output = engine.get_template(name).render(Context(values, autoescape=engine.autoescape))
    missing = _MISSING_NAME.search(output)
    if missing:
        raise MissingContext(f"{name} needs {missing.group(1)}")
    return output
