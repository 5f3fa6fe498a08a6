import pytest
from django.core.exceptions import ImproperlyConfigured

from everline.notifications.channels.email.sandbox import SandboxMail
from everline.notifications.channels.email.smtp import SmtpMail
from everline.notifications.channels.registry import EMAIL_TRANSPORTS, email_transport
from everline.notifications.checks import email_url


@pytest.mark.parametrize(
    ("url", "transport"),
    [("sandbox:", SandboxMail), ("smtp://127.0.0.1", SmtpMail), ("smtps://mail.example", SmtpMail)],
)
def test_the_scheme_chooses_the_transport(
    settings: pytest.FixtureRequest, url: str, transport: type[object]
) -> None:
    settings.EVERLINE_EMAIL_URL = url  # type: ignore[attr-defined]

    assert isinstance(email_transport(), transport)
    assert email_url(None) == []


@pytest.mark.parametrize("url", ["", "pigeon://coop", "smtp://", "smtp://a:b@mail.example", "no url"])
def test_a_transport_that_cannot_be_made_is_found_by_the_checks(
    settings: pytest.FixtureRequest, url: str
) -> None:
    settings.EVERLINE_EMAIL_URL = url  # type: ignore[attr-defined]

    (found,) = email_url(None)

    assert found.id == "notifications.E001"
    assert "EVERLINE_EMAIL_URL" in str(found.msg)
    with pytest.raises(ImproperlyConfigured):
        email_transport()


def test_a_password_in_the_url_is_not_repeated_in_the_finding(settings: pytest.FixtureRequest) -> None:
    settings.EVERLINE_EMAIL_URL = "smtp://user:t0p-s3cret@mail.example"  # type: ignore[attr-defined]

    (found,) = email_url(None)

    assert "t0p-s3cret" not in f"{found.msg}{found.hint}"


def test_every_scheme_names_a_transport_that_can_be_loaded(settings: pytest.FixtureRequest) -> None:
    for scheme in EMAIL_TRANSPORTS:
        settings.EVERLINE_EMAIL_URL = f"{scheme}://127.0.0.1"  # type: ignore[attr-defined]
        assert callable(email_transport().send)
