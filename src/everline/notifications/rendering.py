"""Messages written out from the templates of their kind, channel and language."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.template import Context, Engine

from everline.notifications.formats import MISSING
from everline.notifications.looks import look_of
from everline.notifications.markup import flowing, tidy
from everline.notifications.types import Rendered

_FOLDER = Path(__file__).parent / "templates" / "notifications"
_TAGS = ["everline.notifications.formats", "everline.notifications.markup"]
_MISSING_NAME = re.compile("\x00missing (.*?)\x00")
#: Characters that end a line, hide, or turn the writing round: names have no use for them in a mail.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
#: Within emoji; harmless.
_JOINER = "\u200d"
_BRAND_EXTRAS = ("support_url", "community_url", "terms_url", "privacy_url", "home_url")


class MissingContext(ValueError):
    """A template names something that the message does not carry."""


def _engine(*, autoescape: bool) -> Engine:
    return Engine(dirs=[str(_FOLDER)], builtins=_TAGS, autoescape=autoescape, string_if_invalid=MISSING)


_PLAIN = _engine(autoescape=False)
_HTML = _engine(autoescape=True)


def brand_name(brand: Mapping[str, Any], locale: str) -> str:
    """The brand's name in this language."""
    return str(brand["name_zh"] if locale.startswith("zh") else brand["name_en"])


def sender_name(brand: Mapping[str, Any], locale: str) -> str:
    """The name that mails of this brand come from: its own for mails where it has one."""
    own = brand.get("mail_name_zh" if locale.startswith("zh") else "mail_name_en")
    return str(own or brand_name(brand, locale))


def render(*, kind: str, locale: str, brand: Mapping[str, Any], context: Mapping[str, Any]) -> Rendered:
    """The message as an e-mail: subject, text and HTML, both made of one template.

    Raises:
        MissingContext: the template needs something that `context` or `brand` lacks.
        TemplateDoesNotExist: no such kind or language.
    """
    name = f"mail/{kind}.{locale}.txt"
    values = _values(locale, brand, context)
    parts, text = _written(_PLAIN, name, values)
    marked, body = _written(_HTML, name, values)
    _, closing = _written(_PLAIN, f"mail/footer.{locale}.txt", values)
    _, footer = _written(_HTML, f"mail/footer.{locale}.txt", values)
    frame = {**values, **marked, "subject": parts["subject"], "body": body, "footer": footer}
    _, html = _written(_HTML, "mail/layout.html", frame)
    return Rendered(
        subject=parts["subject"], text=f"{tidy(text)}\n\n-- \n{tidy(closing)}\n", html=html.strip() + "\n"
    )


def render_sms(*, kind: str, locale: str, brand: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """The message as a text message: a few words, and last the line that lets a phone fill in a code.

    Raises:
        MissingContext: the template needs something that `context` or `brand` lacks.
        TemplateDoesNotExist: no such kind or language.
    """
    _, text = _written(_PLAIN, f"sms/{kind}.{locale}.txt", _values(locale, brand, context))
    said, _, autofill = text.strip().partition("\n@")
    return flowing(said) + (f"\n\n@{autofill.strip()}" if autofill else "")


def _values(locale: str, brand: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    known = {**dict.fromkeys(_BRAND_EXTRAS, ""), **{key: _seen(value) for key, value in brand.items()}}
    return {
        **{key: _seen(value) for key, value in context.items()},
        "locale": locale,
        "brand": {**known, "name": _seen(brand_name(brand, locale))},
        "domain": urlsplit(str(known["home_url"])).hostname or "",
        "look": look_of(brand.get("accent")),
    }


def _seen(value: Any) -> Any:
    """A text on one line, without characters that are not seen; everything else as it is."""
    if not isinstance(value, str):
        return value
    kept = (" " if _is_unseen(sign) else sign for sign in value)
    return " ".join("".join(kept).split())


def _is_unseen(sign: str) -> bool:
    return sign != _JOINER and unicodedata.category(sign) in _UNSEEN


def _written(engine: Engine, name: str, values: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    parts: dict[str, str] = {"subject": "", "preheader": ""}
    output = engine.get_template(name).render(
        Context({**values, "parts": parts}, autoescape=engine.autoescape)
    )
    missing = _MISSING_NAME.search(" ".join((*parts.values(), output)))
    if missing:
        raise MissingContext(f"{name} needs {missing.group(1)}")
    return parts, output
