from datetime import UTC, datetime
from typing import Any

import pytest
from django.template import TemplateDoesNotExist

from everline.notifications.formats import format_moment
from everline.notifications.rendering import MissingContext, brand_name, render
from everline.notifications.types import LOCALES, Kind, Rendered
from tests.notifications.conftest import BRAND, CONTEXTS, NEW_END, OLD_END


def _render(kind: Kind, locale: str, **changes: Any) -> Rendered:
    return render(kind=kind, locale=locale, brand=BRAND, context={**CONTEXTS[kind], **changes})


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_speaks_every_language(kind: Kind, locale: str) -> None:
    mail = _render(kind, locale)

    name = brand_name(BRAND, locale)
    assert mail.subject
    assert "\n" not in mail.subject
    assert not mail.subject.startswith("Subject")
    for body in (mail.text, mail.html):
        assert name in body
        assert "support@leb.example" in body
        assert "{{" not in body
        assert "{%" not in body
        assert "None" not in body
        assert "missing" not in body
    assert "<" not in mail.text
    assert "Subject:" not in mail.text
    assert mail.html.startswith("<!DOCTYPE html>")
    assert 'lang="zh-Hans"' in mail.html if locale == "zh-hans" else 'lang="en"' in mail.html


@pytest.mark.parametrize("kind", list(Kind))
def test_the_languages_differ_and_chinese_is_chinese(kind: Kind) -> None:
    chinese, english = _render(kind, "zh-hans"), _render(kind, "en")

    assert "您好" in chinese.text
    assert "您好" in chinese.html
    assert english.subject.isascii()
    assert chinese.subject != english.subject
    assert "Hello" not in chinese.text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Kind.WELCOME, ["link"]),
        (Kind.ADDRESS_TAKEN, ["sign_in_url"]),
        (Kind.ORDER_CONFIRMATION, ["order_number", "plan_name", "order_url"]),
        (Kind.PAYMENT_FAILED, ["order_number", "plan_name", "reason", "retry_url"]),
        (Kind.ORDER_EXPIRED, ["order_number", "plan_name", "plans_url"]),
        (Kind.ORDER_REFUNDED, ["order_number", "plan_name", "reason", "order_url"]),
    ],
)
def test_text_and_html_both_say_what_matters(kind: Kind, names: list[str], locale: str) -> None:
    mail = _render(kind, locale)

    for name in names:
        assert CONTEXTS[kind][name] in mail.text
        assert CONTEXTS[kind][name] in mail.html


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_message_that_lacks_something_is_not_written_out(kind: Kind, locale: str) -> None:
    optional = {
        "old_ends_at",
        "new_ends_at",
        "quantity",
        "line_label",
        "receipt_attached",
        "device",
        "country",
    }
    for name in set(CONTEXTS[kind]) - optional:
        context = {key: value for key, value in CONTEXTS[kind].items() if key != name}
        with pytest.raises(MissingContext, match=name):
            render(kind=kind, locale=locale, brand=BRAND, context=context)


def test_a_confirmation_shows_amount_old_and_new_expiry_in_the_customers_zone() -> None:
    english = _render(Kind.ORDER_CONFIRMATION, "en")
    chinese = _render(Kind.ORDER_CONFIRMATION, "zh-hans", currency="CNY", amount=13900)

    assert "$19.99" in english.text
    assert "before: November 30, 2026, 23:59 (GMT+08:00)" in english.text
    assert "now: December 30, 2026, 23:59 (GMT+08:00)" in english.text
    assert "¥139.00" in chinese.text
    assert "原有效期至：2026年11月30日 23:59 (GMT+08:00)" in chinese.text
    assert "现有效期至：2026年12月30日 23:59 (GMT+08:00)" in chinese.text


@pytest.mark.parametrize(("amount", "currency", "shown"), [(1999, "JPY", "1,999"), (19990, "KWD", "19.990")])
def test_amounts_keep_the_digits_of_their_currency(amount: int, currency: str, shown: str) -> None:
    mail = _render(Kind.ORDER_CONFIRMATION, "en", amount=amount, currency=currency)

    assert shown in mail.text
    assert shown in mail.html


def test_a_first_order_has_no_old_expiry() -> None:
    mail = _render(Kind.ORDER_CONFIRMATION, "en", old_ends_at=None)

    assert "before" not in mail.text
    assert "Valid until, now: December 30, 2026" in mail.text


@pytest.mark.parametrize("locale", LOCALES)
def test_an_open_start_says_until_when_to_use_it(locale: str) -> None:
    mail = _render(Kind.ORDER_CONFIRMATION, locale, new_ends_at=None, opens_by=NEW_END)
    undated = _render(Kind.ORDER_CONFIRMATION, locale, new_ends_at=None)

    first_use = {"en": "counted from first use", "zh-hans": "自首次使用起计算"}[locale]
    assert first_use in mail.text
    assert first_use in mail.html
    assert "2026" in mail.text.split(first_use)[1]
    assert "2026" not in undated.text.split(first_use)[1].split("https://", maxsplit=1)[0]


@pytest.mark.parametrize("locale", LOCALES)
def test_line_and_quantity_are_shown_where_there_are_any(locale: str) -> None:
    with_both = _render(Kind.ORDER_CONFIRMATION, locale, line_label="Travel phone", quantity=3)
    single = _render(Kind.ORDER_CONFIRMATION, locale, line_label="", quantity=1)

    assert "Europe 30 days × 3" in with_both.text
    assert "Travel phone" in with_both.text
    assert "×" not in single.text
    assert "Europe 30 days × 3" in with_both.html


def test_html_is_escaped_and_text_is_not() -> None:
    mail = _render(Kind.ORDER_CONFIRMATION, "en", plan_name='<b>R&D</b> "plan"')

    assert '<b>R&D</b> "plan"' in mail.text
    assert "<b>R&D</b>" not in mail.html
    assert "&lt;b&gt;R&amp;D&lt;/b&gt; &quot;plan&quot;" in mail.html


def test_a_link_cannot_leave_its_attribute() -> None:
    mail = _render(Kind.PAYMENT_FAILED, "en", retry_url='https://leb.example/"><script>alert(1)</script>')

    assert "<script>" not in mail.html


def test_the_subject_stays_one_line_whatever_the_names_hold() -> None:
    mail = _render(Kind.ORDER_CONFIRMATION, "en", plan_name="Europe\r\nBcc: all@example.com")

    assert mail.subject.splitlines() == [mail.subject]
    assert "\r" not in mail.subject


def test_what_the_brand_does_not_say_is_missing_too() -> None:
    brand = {key: value for key, value in BRAND.items() if key != "support_email"}

    with pytest.raises(MissingContext, match="support_email"):
        render(kind=Kind.ADDRESS_TAKEN, locale="en", brand=brand, context=CONTEXTS[Kind.ADDRESS_TAKEN])


@pytest.mark.parametrize(("kind", "locale"), [("welcome", "de"), ("spam", "en"), ("../welcome", "en")])
def test_an_unknown_kind_or_language_has_no_template(kind: str, locale: str) -> None:
    with pytest.raises(TemplateDoesNotExist):
        render(kind=kind, locale=locale, brand=BRAND, context={})


@pytest.mark.parametrize(
    ("zone", "locale", "shown"),
    [
        ("UTC", "en", "November 30, 2026, 15:59 (GMT+00:00)"),
        ("America/New_York", "en", "November 30, 2026, 10:59 (GMT-05:00)"),
        ("Asia/Kathmandu", "zh-hans", "2026年11月30日 21:44 (GMT+05:45)"),
        ("Pacific/Auckland", "zh-hans", "2026年12月1日 04:59 (GMT+13:00)"),
    ],
)
def test_a_moment_is_written_in_its_zone_and_language(zone: str, locale: str, shown: str) -> None:
    assert format_moment(datetime.fromisoformat(OLD_END), zone, locale) == shown


def test_the_two_halves_of_a_fold_are_told_apart() -> None:
    summer = format_moment(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin", "en")
    winter = format_moment(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin", "en")

    assert summer == "October 25, 2026, 02:30 (GMT+02:00)"
    assert winter == "October 25, 2026, 02:30 (GMT+01:00)"
