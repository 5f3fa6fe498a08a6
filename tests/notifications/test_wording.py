"""Times, amounts and names in mails, in both languages, in every zone; nobody's name becomes a header."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everline.core import clock
from everline.notifications import tasks
from everline.notifications.channels.email.smtp import as_mime
from everline.notifications.formats import format_moment
from everline.notifications.models import Delivery
from everline.notifications.rendering import render
from everline.notifications.services import enqueue
from everline.notifications.types import Kind, OutgoingMail, Rendered
from tests.notifications.conftest import BRAND, CONTEXTS, Gateway, message

STABLE = settings(derandomize=True, database=None, deadline=None, max_examples=60)
ZONES = st.sampled_from(
    [
        "UTC",
        "Asia/Shanghai",
        "Europe/Zurich",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Etc/GMT+12",
    ]
)
INSTANTS = st.integers(1_600_000_000, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
#: What the database keeps of a name: any text but NUL and halves of pairs.
NAMES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)


def _mail(**changes: Any) -> OutgoingMail:
    values = {
        "message_id": "msg_0000000000001",
        "kind": "welcome",
        "to": "li@example.com",
        "sender_name": "leb卡",
        "sender": "no-reply@leb.example",
        "rendered": Rendered("Subject", "Text", "<p>Text</p>"),
        **changes,
    }
    return OutgoingMail(**values)


# Moments


@pytest.mark.parametrize(
    ("instant", "zone", "locale", "shown"),
    [
        ((2027, 3, 28, 0, 59), "Europe/Zurich", "en", "March 28, 2027, 01:59 (GMT+01:00)"),
        ((2027, 3, 28, 1, 0), "Europe/Zurich", "en", "March 28, 2027, 03:00 (GMT+02:00)"),
        ((2027, 1, 1, 0, 0), "Pacific/Kiritimati", "en", "January 1, 2027, 14:00 (GMT+14:00)"),
        ((2026, 12, 31, 16, 0), "Asia/Shanghai", "zh-hans", "2027年1月1日 00:00 (GMT+08:00)"),
        ((2027, 2, 28, 23, 59), "UTC", "zh-hans", "2027年2月28日 23:59 (GMT+00:00)"),
        ((2027, 2, 28, 18, 15), "Asia/Kathmandu", "en", "March 1, 2027, 00:00 (GMT+05:45)"),
    ],
)
def test_a_moment_names_day_time_and_distance(
    instant: tuple[int, ...], zone: str, locale: str, shown: str
) -> None:
    moment = datetime(*instant, tzinfo=UTC)  # type: ignore[arg-type, misc]

    assert format_moment(moment, zone, locale) == shown


@STABLE
@given(INSTANTS, ZONES, st.sampled_from(["en", "zh-hans"]))
def test_a_moment_says_the_local_day_and_minute(instant: datetime, zone: str, locale: str) -> None:
    local = instant.astimezone(ZoneInfo(zone))

    text = format_moment(instant, zone, locale)

    assert str(local.year) in text
    assert f":{local.minute:02d}" in text
    assert "\u202f" not in text
    assert f" {local:%H:%M} " in text
    same = instant.astimezone(ZoneInfo("Asia/Tokyo"))
    assert format_moment(same, zone, locale) == text


@pytest.mark.parametrize("locale", ["en", "zh-hans"])
def test_scenario_21_a_confirmation_shows_the_days_of_the_zone_it_names(locale: str) -> None:
    ends = {"old_ends_at": "2027-01-31T15:59:59+00:00", "new_ends_at": "2027-02-28T16:00:00+00:00"}
    shown = []
    for zone in ("Asia/Shanghai", "America/New_York"):
        context = {**CONTEXTS[Kind.ORDER_CONFIRMATION], **ends, "zone": zone}
        shown.append(render(kind="order_confirmation", locale=locale, brand=BRAND, context=context).text)

    days = ("January 31, 2027", "March 1, 2027") if locale == "en" else ("2027年1月31日", "2027年3月1日")
    assert all(day in shown[0] for day in days)
    assert days[1] not in shown[1]
    assert "-05:00" in shown[1]


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [
        (0, "USD", "$0.00", "US$0.00"),
        (5, "KWD", "KWD0.005", "KWD0.005"),
        (1_234_567, "JPY", "¥1,234,567", "JP¥1,234,567"),
        (99_999_999, "CNY", "CN¥999,999.99", "¥999,999.99"),
    ],
)
def test_scenario_18_amounts_in_mails_have_all_their_digits(
    amount: int, currency: str, english: str, chinese: str
) -> None:
    for locale, shown in (("en", english), ("zh-hans", chinese)):
        context = {**CONTEXTS[Kind.ORDER_REFUNDED], "amount": amount, "currency": currency}
        mail = render(kind="order_refunded", locale=locale, brand=BRAND, context=context)
        assert shown in mail.text.replace("\xa0", "")
        assert shown in mail.html.replace("\xa0", "").replace("&nbsp;", "")


# Names


@STABLE
@given(NAMES, NAMES)
def test_no_name_makes_a_header_or_a_tag(plan: str, brand_name: str) -> None:
    context = {**CONTEXTS[Kind.ORDER_EXPIRED], "plan_name": plan}
    brand = {**BRAND, "name_en": brand_name}

    rendered = render(kind="order_expired", locale="en", brand=brand, context=context)

    assert len(rendered.subject.splitlines()) == 1
    plain = render(kind="order_expired", locale="en", brand=BRAND, context=CONTEXTS[Kind.ORDER_EXPIRED])
    assert rendered.html.count("<script") == 0
    extra = plan.count("<") + brand_name.count("<")
    assert rendered.html.count("<") == plain.html.count("<"), f"{extra} brackets came through"


ATTACKS = [
    "Bcc: everybody@example.com",
    "x\r\nBcc: everybody@example.com",
    "x\nBcc: everybody@example.com",
    "x\u2028Bcc: everybody@example.com",
    "x\x0bBcc: everybody@example.com",
    "x\x85Bcc: everybody@example.com",
    "=?utf-8?q?=0ABcc:_x@example.com?=",
]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_plan_cannot_add_a_recipient(name: str) -> None:
    context = {**CONTEXTS[Kind.PAYMENT_FAILED], "plan_name": name, "order_number": name}
    rendered = render(kind="payment_failed", locale="en", brand=BRAND, context=context)

    raw = as_mime(_mail(rendered=rendered)).as_bytes(policy=email.policy.SMTP)

    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert {name.lower() for name in read} == {
        "subject",
        "from",
        "to",
        "message-id",
        "date",
        "auto-submitted",
        "mime-version",
        "content-type",
    }
    assert read["To"] == "li@example.com"
    assert read["Bcc"] is None


def test_an_encoded_word_in_a_brand_cannot_add_a_recipient() -> None:
    raw = as_mime(_mail(sender_name=ATTACKS[-1])).as_bytes(policy=email.policy.SMTP)

    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert read["Bcc"] is None
    assert [address.addr_spec for address in read["From"].addresses] == ["no-reply@leb.example"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ATTACKS[1:3])
def test_a_brand_that_would_break_a_header_holds_up_no_other_mail(gateway: Gateway, name: str) -> None:
    broken = message("confirm:1", brand={**BRAND, "name_en": name})
    enqueue(broken, message("confirm:2"), now=clock.now())

    assert tasks.deliver() == 2

    assert {post["subject"][:5] for post in gateway.posts} == {"Order"}
    assert Delivery.objects.filter(status="sent").count() == 2
    with pytest.raises(ValueError, match=r"CR|LF|line|header"):
        as_mime(_mail(sender_name=name))


@pytest.mark.parametrize(
    "to",
    [
        "li+esim@example.com",
        "x" * 64 + "@example.com",
        "li@xn--fsqu00a.xn--0zwm56d",
        "o'hara@example.com",
        "a@b.co",
    ],
)
def test_unusual_addresses_stay_one_recipient(to: str) -> None:
    raw = as_mime(_mail(to=to)).as_bytes(policy=email.policy.SMTP)

    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert [address.addr_spec for address in read["To"].addresses] == [to]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@STABLE
@given(NAMES.filter(lambda name: name.isprintable()))
def test_any_printable_brand_is_a_sender_with_one_address(name: str) -> None:
    raw = as_mime(_mail(sender_name=name)).as_bytes(policy=email.policy.SMTP)

    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert [address.addr_spec for address in read["From"].addresses] == ["no-reply@leb.example"]


def test_old_and_new_end_are_never_swapped() -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    for days in (1, 30, 365):
        ends = {
            "old_ends_at": start.isoformat(),
            "new_ends_at": (start + timedelta(days=days)).isoformat(),
        }
        context = {**CONTEXTS[Kind.ORDER_CONFIRMATION], **ends, "zone": "UTC"}
        text = render(kind="order_confirmation", locale="en", brand=BRAND, context=context).text
        before, after = text.index("Valid until, before"), text.index("Valid until, now")
        assert before < text.index("January 1, 2027") < after
