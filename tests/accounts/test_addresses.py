import pytest

from everline.accounts.addresses import Login, normal_email, normal_phone, parse_login
from everline.accounts.errors import EmailInvalid, PhoneInvalid


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("li@example.com", "li@example.com"),
        ("  Li.Wei+esim@Example.COM ", "li.wei+esim@example.com"),
        ("wei@bücher.example", "wei@xn--bcher-kva.example"),
        ("O'Hara@example.com", "o'hara@example.com"),
    ],
)
def test_an_email_address_has_one_spelling(typed: str, stored: str) -> None:
    assert normal_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "li",
        "@example.com",
        "li@",
        "li@@example.com",
        "li wei@example.com",
        '"li wei"@example.com',
        "li@[127.0.0.1]",
        "li@example.com\nBcc: all@example.com",
        "li\x00@example.com",
        "李@example.com",
        "\u212aelvin@example.com",
        "li@" + "a" * 64 + ".com",
        "l" * 250 + "@example.com",
        "li@exa\ud800mple.com",
        "li@.example.com",
    ],
)
def test_what_mail_cannot_reach_is_refused(typed: str) -> None:
    with pytest.raises(EmailInvalid) as refused:
        normal_email(typed)

    assert (refused.value.code, refused.value.field) == ("email_invalid", "email")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("+8613800138000", "+8613800138000"),
        (" +86 138 0013 8000 ", "+8613800138000"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("+1 (555) 123-4567", "+15551234567"),
        ("＋８６１３８００１３８０００", "+8613800138000"),
        ("+49.1512.3456789", "+4915123456789"),
    ],
)
def test_a_phone_number_becomes_e164(typed: str, stored: str) -> None:
    assert normal_phone(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "13800138000",
        "0044 7700 900123",
        "+",
        "+86",
        "+86 138",
        "+999 123456789",
        "+8613800138000 ext. 5",
        "+1-800-FLOWERS",
        "+861380013800013800138000",
        "+86138001\x0038000",
        "+" + "1" * 5000,
        "+86\ud800",
    ],
)
def test_what_is_no_international_number_is_refused(typed: str) -> None:
    with pytest.raises(PhoneInvalid) as refused:
        normal_phone(typed)

    assert (refused.value.code, refused.value.field) == ("phone_invalid", "phone")


def test_a_login_is_an_email_or_a_phone() -> None:
    assert parse_login("LI@example.com") == Login("email", "li@example.com")
    assert parse_login("+86 138 0013 8000") == Login("phone", "+8613800138000")


@pytest.mark.parametrize("text", ["", "li", "li@", "13800138000", "\x00", "\ud800", "' OR 1=1 --"])
def test_a_login_that_can_be_nobodys_is_none(text: str) -> None:
    assert parse_login(text) is None
