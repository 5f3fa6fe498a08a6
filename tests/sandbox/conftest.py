"""The sandbox's tests run its views, its urls and its database inside the suite's process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from everline.core import clock, sandbox_link
from tests.sandbox.shop import Shop
from tests.sandbox.world import TOKEN, Starter, post, wanted


@pytest.fixture(autouse=True)
def _sandbox(settings: Any, tmp_path: Path) -> None:
    """The settings of the sandbox's own process, but for the database; a data folder with a token."""
    settings.ROOT_URLCONF = "everline.sandbox.urls"
    settings.MIDDLEWARE = []
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
    settings.EVERLINE_DATA_DIR = tmp_path
    settings.LANGUAGE_CODE = "en"
    (tmp_path / "sandbox-token").write_text(TOKEN)
    clock.reset()


@pytest.fixture
def control() -> Client:
    """Whoever steers the sandbox."""
    return Client(headers={"X-Sandbox-Token": TOKEN}, REMOTE_ADDR="127.0.0.1", raise_request_exception=False)


@pytest.fixture
def shop_api() -> Client:
    """The shop's side of the interfaces."""
    key = sandbox_link.api_key(TOKEN)
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


@pytest.fixture
def browser() -> Client:
    """A customer without cookies or scripts."""
    return Client(headers={"Accept-Language": "en"}, raise_request_exception=False)


@pytest.fixture
def shop(settings: Any, tmp_path: Path) -> Iterator[Shop]:
    """A listening shop that records what it is sent."""
    running = Shop(tmp_path / "clock-offset")
    settings.EVERLINE_SHOP_URL = running.url
    yield running
    running.close()


@pytest.fixture
def start(shop_api: Client) -> Starter:
    """Start a payment; members of the body may be given."""

    def do(**changes: Any) -> dict[str, Any]:
        body = wanted(**changes)
        answer = post(shop_api, "/provider/v1/payments", body, key=body["reference"])
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    return do
