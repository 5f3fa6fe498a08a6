from typing import Any

import pytest
from django.core.checks import run_checks

from everline.config import checks

LIVE = {
    "EVERLINE_MODE": "live",
    "EVERLINE_SECRET_KEY_GIVEN": True,
    "EVERLINE_PUBLIC_URL": "https://shop.example",
    "EVERLINE_PAYMENT_PROVIDERS": ["stripe"],
    "EVERLINE_SUPPLIERS": ["wholesaler"],
    "EVERLINE_EMAIL_URL": "smtps://mail.example",
}


def _ids() -> set[str]:
    return {each.id or "" for each in run_checks() if (each.id or "").startswith("everline.E")}


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
