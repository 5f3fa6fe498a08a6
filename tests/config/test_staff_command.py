import io
from typing import Any

import pytest

from everline.accounts.models import User
from everline.config.commands.staff import staff
from everline.config.outcome import CommandError
from everline.core.models import AuditEntry

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-lantern-42"


def create(monkeypatch: pytest.MonkeyPatch, *words: str, password: str = PASSWORD) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return staff(["create", "--email", "sue@example.com", "--role", "support", "--password-stdin", *words])


def test_a_member_of_staff_is_made_with_rights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(monkeypatch, "--reason", "starts on Monday") == 0

    user = User.objects.get(email="sue@example.com")
    assert user.check_password(PASSWORD)
    assert user.has_perm("backoffice.cancel_order")
    assert not user.has_perm("backoffice.manage_api_keys")
    assert AuditEntry.objects.get().reason == "starts on Monday"
    said = capsys.readouterr()
    assert PASSWORD not in said.out + said.err


def test_what_is_wrong_is_said_and_makes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError):
        create(monkeypatch, password="short")
    with pytest.raises(SystemExit):
        staff(["create", "--email", "sue@example.com", "--role", "king"])

    assert not User.objects.exists()


def test_the_staff_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    create(monkeypatch)
    capsys.readouterr()

    assert staff(["list"]) == 0

    assert capsys.readouterr().out == "sue@example.com  support  active  no second factor yet\n"


def test_a_factor_is_reset_for_a_reason(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    create(monkeypatch)

    assert staff(["reset-factor", "--email", "sue@example.com", "--reason", "lost her phone"]) == 0

    assert AuditEntry.objects.latest("id").action == "staff.factor_reset"
    with pytest.raises(CommandError):
        staff(["reset-factor", "--email", "nobody@example.com", "--reason", "lost it"])
