"""How mails look and read: both bodies of one template, colours anybody can read, no picture needed."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from everline.notifications.looks import ACCENT, READABLE, contrast, look_of
from everline.notifications.markup import flowing, tidy
from everline.notifications.rendering import MissingContext, render, sender_name
from everline.notifications.samples import sample_context
from everline.notifications.types import LOCALES, Kind, Rendered, SecurityEvent
from tests.notifications.conftest import BRAND

RICH = {
    **BRAND,
    "mail_name_en": "leb card service",
    "mail_name_zh": "",
    "accent": "#c2410c",
    "support_url": "https://leb.example/help/",
    "terms_url": "https://leb.example/terms/",
    "privacy_url": "https://leb.example/privacy/",
    "home_url": "https://leb.example/",
}
ACTIONS = {
    Kind.WELCOME: "link",
    Kind.ADDRESS_TAKEN: "sign_in_url",
    Kind.SECURITY_NOTICE: "settings_url",
    Kind.ORDER_CONFIRMATION: "order_url",
    Kind.PAYMENT_FAILED: "retry_url",
    Kind.ORDER_EXPIRED: "plans_url",
    Kind.ORDER_REFUNDED: "order_url",
}


class Body(HTMLParser):
    """What a mail program finds in the HTML: words, links, tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._skipped = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._skipped += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.words += f" {data}"

    def links(self) -> list[str]:
        return [values["href"] for tag, values in self.tags if tag == "a"]


def written(kind: Kind, locale: str = "en", brand: dict[str, Any] = BRAND, **changes: Any) -> Rendered:
    context = {**sample_context(kind, locale), **changes}
    return render(kind=kind, locale=locale, brand=brand, context=context)


def squeezed(text: str) -> str:
    return re.sub(r"[\s:：·|-]+", "", text)


EVERY = pytest.mark.parametrize(
    ("kind", "locale"), [(kind, locale) for kind in Kind for locale in LOCALES], ids=str
)


@EVERY
def test_the_text_says_everything_the_html_says(kind: Kind, locale: str) -> None:
    mail = written(kind, locale, RICH)

    words = Body(mail.html.split("</div>", 1)[1]).words
    text = squeezed(mail.text)
    said = [each for each in re.split(r"[\s:：·,，。.；;()（）]+", words) if each]
    missing = [each for each in said if squeezed(each) not in text]
    assert missing == []


@EVERY
def test_there_is_one_thing_to_do_with_its_address_in_full(kind: Kind, locale: str) -> None:
    mail = written(kind, locale)
    body = Body(mail.html)

    buttons = [values for tag, values in body.tags if tag == "td" and "bgcolor" in values]
    assert len(buttons) == (1 if kind in ACTIONS else 0)
    if kind in ACTIONS:
        url = sample_context(kind, locale)[ACTIONS[kind]]
        assert body.links().count(url) == 2
        assert url in body.words
        assert f"\n{url}\n" in mail.text


@EVERY
def test_it_needs_no_picture_no_script_and_nothing_from_outside(kind: Kind, locale: str) -> None:
    body = Body(written(kind, locale, RICH).html)

    assert {tag for tag, _ in body.tags}.isdisjoint({"img", "script", "link", "iframe", "form", "input"})
    assert not any("url(" in values.get("style", "") for _, values in body.tags)
    assert "leb" in body.words


@EVERY
def test_a_list_of_mails_shows_a_sentence_beside_the_subject(kind: Kind, locale: str) -> None:
    html = written(kind, locale).html

    hidden = re.search(r'<div style="display:none[^>]*>([^<]+)</div>', html)
    assert hidden is not None
    assert 10 <= len(hidden[1]) <= 120


@EVERY
def test_every_text_has_a_colour_for_dark_mode(kind: Kind, locale: str) -> None:
    """Each inline ink belongs to a class that the dark style sheet changes, but that of the button."""
    body = Body(written(kind, locale, RICH).html)

    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in body.tags
    for tag, values in body.tags:
        colour = re.search(r"(?<![-\w])color:(#\w{6})", values.get("style", ""))
        if colour and colour[1] != look_of(RICH["accent"]).accent_ink:
            assert set(values.get("class", "").split()) & {"ink", "soft", "brand"}, (tag, values)


@pytest.mark.parametrize("kind", [Kind.SIGN_IN_CODE, Kind.RECOVERY_CODE, Kind.ADDRESS_CODE])
@pytest.mark.parametrize("locale", LOCALES)
def test_a_code_stands_in_subject_and_alone_in_its_line(kind: Kind, locale: str) -> None:
    mail = written(kind, locale)

    assert "482917" in mail.subject
    assert "\n482917\n" in mail.text
    assert ">482917</p>" in mail.html


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("event", list(SecurityEvent))
def test_every_event_has_its_sentence_and_what_to_do(event: SecurityEvent, locale: str) -> None:
    mail = written(Kind.SECURITY_NOTICE, locale, event=event.value)
    others = {
        written(Kind.SECURITY_NOTICE, locale, event=other.value).subject
        for other in SecurityEvent
        if other != event
    }

    assert mail.subject not in others
    assert {"en": "Not you?", "zh-hans": "不是您本人？"}[locale] in mail.text
    assert "support@leb.example" in mail.text
    assert "https://leb.example/settings/" in mail.text
    assert "2026" in mail.text


def test_an_event_that_nobody_knows_is_not_written_out() -> None:
    with pytest.raises(MissingContext):
        written(Kind.SECURITY_NOTICE, event="sold")


@pytest.mark.parametrize("locale", LOCALES)
def test_where_a_sign_in_came_from_is_left_out_when_nobody_knows(locale: str) -> None:
    known = written(Kind.SECURITY_NOTICE, locale, device="Firefox", country="Kenya")
    unknown = written(Kind.SECURITY_NOTICE, locale, device=None, country="")

    assert "Firefox" in known.text
    assert "Kenya" in known.html
    labels = {"en": ("Device", "Where from"), "zh-hans": ("设备：", "地区：")}[locale]
    assert not any(label in unknown.text for label in labels)
    assert "None" not in unknown.text + unknown.html


@pytest.mark.parametrize("locale", LOCALES)
def test_a_new_line_s_confirmation_is_about_installing(locale: str) -> None:
    url = "https://leb.example/lines/ln_1/"
    mail = written(Kind.ORDER_CONFIRMATION, locale, install_url=url)

    assert Body(mail.html).links().count(url) == 2
    assert "eSIM" in mail.text
    assert "/orders/" in mail.text, "the order stays a link"
    assert "PDF" in mail.text
    assert "PDF" not in written(Kind.ORDER_CONFIRMATION, locale, receipt_attached=False).text


def test_the_footer_names_what_the_brand_has_and_nothing_else() -> None:
    rich, plain = written(Kind.WELCOME, "en", RICH), written(Kind.WELCOME, "en")

    for url in ("https://leb.example/help/", "https://leb.example/terms/", "https://leb.example/privacy/"):
        assert url in Body(rich.html).links()
        assert url in rich.text
    assert "Terms" not in plain.text
    assert plain.text.rstrip().endswith("leb card")


def test_mails_come_from_the_brand_s_name_for_mails() -> None:
    assert sender_name(RICH, "en") == "leb card service"
    assert sender_name(RICH, "zh-hans") == "leb卡"
    assert sender_name(BRAND, "en") == "leb card"


# Colours


@pytest.mark.parametrize(
    "accent", ["#c2410c", "#ffffff", "#000000", "#ffff00", "#0b6e6e", "#7f7f7f", "#FF0000", "#00ff00"]
)
def test_any_accent_can_be_read(accent: str) -> None:
    look = look_of(accent)

    assert contrast(look.accent, "#ffffff") >= READABLE
    assert contrast(look.accent_ink, look.accent) >= READABLE
    assert contrast(look.accent_dark, "#1b2029") >= READABLE


@pytest.mark.parametrize(
    "accent", [None, "", "red", "#fff", "#12345g", "#c2410c;background:url(x)", "#c2410c\n"]
)
def test_what_is_no_colour_is_our_own(accent: object) -> None:
    assert look_of(accent) == look_of(ACCENT)
    mail = written(Kind.WELCOME, "en", {**BRAND, "accent": accent})
    assert "url(" not in mail.html


def test_a_readable_accent_stays_as_it_is() -> None:
    assert look_of("#C2410C").accent == "#c2410c"
    assert "#c2410c" in written(Kind.WELCOME, "en", RICH).html


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#777777", 1.0)]
)
def test_contrast_is_measured_as_the_guidelines_say(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio)


# Names


@pytest.mark.parametrize(
    "attack",
    [
        "<img src=x onerror=alert(1)>",
        '"><a href="https://evil.example">here</a>',
        "a\n\nSubject: free money",
        "\u202egpj.exe",
        "\u200bx",
        "{{ code }}{% load x %}",
    ],
)
@pytest.mark.parametrize("kind", [Kind.ORDER_CONFIRMATION, Kind.ORDER_REFUNDED])
def test_no_name_becomes_mark_up_or_a_line_of_its_own(kind: Kind, attack: str) -> None:
    clean = Body(written(kind).html)

    mail = written(kind, plan_name=attack, reason=attack, line_label=attack)

    body = Body(mail.html)
    assert [tag for tag, _ in body.tags] == [tag for tag, _ in clean.tags]
    assert body.links() == clean.links()
    assert not any(line.startswith("Subject:") for line in mail.text.splitlines())
    assert len(mail.subject.splitlines()) == 1
    assert not {"\u202e", "\u200b"} & set(mail.subject + mail.text + mail.html)


def test_emoji_of_several_people_stay_together() -> None:
    assert "👩‍👧" in written(Kind.ORDER_CONFIRMATION, line_label="👩‍👧").text


def test_paragraphs_flow_and_chinese_has_no_gaps() -> None:
    assert flowing("one\n  two\tthree ") == "one two three"
    assert flowing("中文\n  继续，\n好 word\n二") == "中文继续，好 word 二"
    assert tidy("\n\na\n\n\n\n b \n\n") == "a\n\nb"
