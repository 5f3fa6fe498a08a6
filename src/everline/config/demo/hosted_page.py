"""Pays on the sandbox's hosted page as a browser would: fetch it, fill its one form, follow the redirect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from everline.config.outcome import CommandError

GOOD_CARD = {"number": "4242424242424242", "expiry": "12/40", "cvc": "123"}
REFUSED_CARD = {**GOOD_CARD, "number": "4000000000000002"}


@dataclass
class Form:
    """A form's target, method and the values it would send as it stands; `fields` are all its names."""

    action: str = ""
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        elif self.forms and tag in {"input", "select", "button", "textarea"} and "name" in values:
            form, name = self.forms[-1], values["name"]
            form.fields.add(name)
            chosen = values.get("type") not in {"radio", "checkbox", "submit"} or "checked" in values
            if tag == "input" and chosen:
                form.values[name] = values.get("value", "")


def only_form(html: str) -> Form:
    """The one form of a page.

    Raises:
        CommandError: there is none, or more than one.
    """
    reader = _Forms()
    reader.feed(html)
    if len(reader.forms) != 1:
        raise CommandError(f"The payment page has {len(reader.forms)} forms instead of one.")
    return reader.forms[0]


def pay_by_card(http: httpx.Client, url: str, card: Mapping[str, str] = GOOD_CARD) -> str:
    """Pay with a card, one that is always accepted if none is given; returns where the page leads back to."""
    page = http.get(url)
    form = only_form(page.raise_for_status().text)
    answer = http.post(
        urljoin(str(page.url), form.action or str(page.url)),
        data={**form.values, **card, "method": "card", "action": "pay"},
        follow_redirects=False,
    )
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise CommandError(f"The payment page answered {answer.status_code} instead of 303.")
    return urljoin(url, answer.headers["Location"])
