from typing import Any

import pytest
from django.core.checks import run_checks

from everline.config import checks
from everline.config.hosts import Hosts

LIVE = {
    "EVERLINE_MODE": "live",
    "EVERLINE_SECRET_KEY_GIVEN": True,
    "EVERLINE_PUBLIC_URL": "https://shop.example",
    "EVERLINE_PAYMENT_PROVIDERS": ["stripe"],
    "EVERLINE_SUPPLIERS": ["wholesaler"],
    "EVERLINE_EMAIL_URL": "smtps://mail.example",
    "EVERLINE_SMS_URL": "https://sms.example",
}


@pytest.fixture(autouse=True)
def _own_hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = Hosts(["localhost"], "everline.accounts.selectors.brand_hosts")


def _ids(kind: str = "E") -> set[str]:
    return {each.id or "" for each in run_checks() if (each.id or "").startswith(f"everline.{kind}")}


def test_a_sandbox_needs_nothing() -> None:
    assert _ids() == set()


@pytest.mark.parametrize(
    ("name", "number"), [("EVERLINE_PAYMENT_PROVIDERS", "E006"), ("EVERLINE_SUPPLIERS", "E007")]
)
def test_an_adapter_that_does_not_exist_is_named(settings: Any, name: str, number: str) -> None:
    setattr(settings, name, ["no.such.Adapter"])

    [found] = [each for each in run_checks() if each.id == f"everline.{number}"]

    assert name in str(found.msg)


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("EVERLINE_SECRET_KEY_GIVEN", False, "E001"),
        ("EVERLINE_PUBLIC_URL", "http://shop.example", "E002"),
        ("EVERLINE_PAYMENT_PROVIDERS", ["sandbox"], "E003"),
        ("EVERLINE_PAYMENT_PROVIDERS", [], "E003"),
        ("EVERLINE_SUPPLIERS", ["simulator"], "E004"),
        ("EVERLINE_EMAIL_URL", "sandbox:", "E005"),
    ],
)
def test_a_live_installation_is_held_to_the_real_world(
    settings: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: object, number: str
) -> None:
    monkeypatch.setattr(checks, "providers", dict)
    monkeypatch.setattr(checks, "suppliers", dict)
    for key, good in LIVE.items():
        setattr(settings, key, good)
    assert _ids() == set()

    setattr(settings, name, value)

    assert _ids() == {f"everline.{number}"}


@pytest.mark.parametrize("host", ["*", ".shop.example"])
def test_hosts_are_named_one_by_one(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = Hosts(["localhost", host], "everline.accounts.selectors.brand_hosts")

    assert _ids() == {"everline.E008"}


@pytest.mark.parametrize("name", ["HTTP_CF COUNTRY", "x:y", "-"])
def test_a_header_that_is_none_is_refused(settings: Any, name: str) -> None:
    settings.EVERLINE_COUNTRY_HEADER = name

    assert _ids() == {"everline.E009"}


def test_the_country_is_believed_from_a_proxy_only(settings: Any) -> None:
    settings.EVERLINE_COUNTRY_HEADER = "CF-IPCountry"
    alone = _ids("W")

    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert alone == {"everline.W001"}
    assert _ids("W") == set()
    assert _ids() == set()


def test_links_that_lead_nowhere_are_found(settings: Any) -> None:
    settings.EVERLINE_LINKS = {**settings.EVERLINE_LINKS, "club": "/club/{member}/"}

    [found] = [each for each in run_checks() if each.id == "everline.E010"]

    assert "club" in str(found.msg)
    assert "order" not in str(found.msg)


def test_a_live_shop_is_told_that_its_text_messages_reach_nobody(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "providers", dict)
    monkeypatch.setattr(checks, "suppliers", dict)
    for key, good in {**LIVE, "EVERLINE_SMS_URL": "sandbox:"}.items():
        setattr(settings, key, good)

    assert _ids() == set()
    assert _ids("W") == {"everline.W002"}
