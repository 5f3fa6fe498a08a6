"""Rate limits, links, the sandbox's secrets, batches, errors, invariants."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import InternalError, connections
from django.utils import translation

from everline.core import clock, invariants, links, ratelimit, sandbox_link
from everline.core.batches import bisect
from everline.core.errors import DomainError, NotFound, RateLimited
from everline.core.models import RateWindow
from everline.core.transactions import one_snapshot

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
def test_a_window_takes_its_number_of_tries_and_then_opens_anew() -> None:
    now = clock.now()
    for _ in range(3):
        ratelimit.hit("sign-in", "ann", limit=3, per=MINUTE, now=now)

    with pytest.raises(RateLimited) as refused:
        ratelimit.hit("sign-in", "ann", limit=3, per=MINUTE, now=now + timedelta(seconds=20))

    assert 40 <= refused.value.extra["retry_after"] <= 41
    ratelimit.hit("sign-in", "bob", limit=3, per=MINUTE, now=now)
    ratelimit.hit("sign-in", "ann", limit=3, per=MINUTE, now=now + timedelta(seconds=61))


@pytest.mark.django_db
def test_a_window_is_forgotten_on_success_with_age_and_when_the_clock_goes_back() -> None:
    now = clock.now()
    ratelimit.hit("s", "ann", limit=1, per=MINUTE, now=now)
    ratelimit.forget("s", "ann")
    ratelimit.hit("s", "ann", limit=1, per=MINUTE, now=now)
    ratelimit.hit("s", "ann", limit=1, per=MINUTE, now=now - timedelta(days=1))

    ratelimit.forget_old(now + timedelta(days=2))

    ratelimit.hit("s", "ann", limit=1, per=MINUTE, now=now - timedelta(days=1))


def test_links_are_absolute_and_their_parts_quoted(settings: Any) -> None:
    settings.EVERLINE_PUBLIC_URL = "https://shop.example/"

    assert links.url("order", order="ord_1/../x?y") == "https://shop.example/orders/ord_1%2F..%2Fx%3Fy/"
    assert links.own_origin() == "https://shop.example"
    with pytest.raises(KeyError):
        links.url("nowhere")


def test_the_sandbox_is_known_by_two_files(settings: Any, tmp_path: Path) -> None:
    settings.EVERLINE_DATA_DIR = tmp_path
    with pytest.raises(sandbox_link.SandboxMissing):
        sandbox_link.base_url()

    (tmp_path / "sandbox-url").write_text("http://127.0.0.1:1/\n")
    (tmp_path / "sandbox-token").write_text("secret\n")

    assert (sandbox_link.base_url(), sandbox_link.token()) == ("http://127.0.0.1:1", "secret")
    assert len({sandbox_link.api_key("secret"), sandbox_link.webhook_secret("secret"), "secret"}) == 3


@pytest.mark.parametrize(
    ("header", "body", "good"),
    [
        (sandbox_link.signature("s", 1000, b"{}"), b"{}", True),
        (sandbox_link.signature("s", 1000, b"{}"), b"{ }", False),
        (sandbox_link.signature("other", 1000, b"{}"), b"{}", False),
        (sandbox_link.signature("s", 600, b"{}"), b"{}", False),
        (sandbox_link.signature("s", 1401, b"{}"), b"{}", False),
        ("t=1000", b"{}", False),
        ("t=x,v1=y", b"{}", False),
        ("t=１０００,v1=ü", b"{}", False),
        ("", b"{}", False),
    ],
)
def test_only_what_the_other_side_signed_lately_is_believed(header: str, body: bytes, good: bool) -> None:
    assert sandbox_link.verify("s", header, body, real_time=1100, tolerance=300) is good


def test_halves_isolate_what_fails() -> None:
    failed: list[int] = []
    tried: list[list[int]] = []

    def work(items: Sequence[int]) -> int:
        tried.append(list(items))
        if 5 in items:
            raise RuntimeError("five")
        return len(items)

    done = bisect(list(range(8)), work, lambda item, error: failed.append(item))

    assert (done, failed) == (7, [5])
    assert len(tried) <= 7
    assert bisect([], work, lambda *_: None) == 0


class _Refusal(DomainError):
    code = "refused"
    message = "At most %(most)s."


def test_an_error_says_its_sentence_with_its_figures() -> None:
    assert _Refusal(most=3).detail == "At most 3."
    assert str(_Refusal(most=3)) == "refused: At most 3."
    assert _Refusal("another", most=3, field="x").field == "x"
    with translation.override("en"):
        assert NotFound().detail.startswith("We could not find")


def test_a_truth_has_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "_RULES", {})
    invariants.invariant("test.always")(lambda _now: [])

    class Elsewhere:
        __module__ = "somewhere.else"

        def __call__(self, _now: object) -> list[str]:
            return []

    with pytest.raises(ValueError, match="two invariants"):
        invariants.invariant("test.always")(Elsewhere())


@pytest.mark.django_db(transaction=True)
def test_reads_within_one_snapshot_see_one_instant_and_write_nothing() -> None:
    def add() -> None:
        RateWindow.objects.create(key="elsewhere", window_start=clock.now(), count=1)
        connections.close_all()

    with one_snapshot():
        assert RateWindow.objects.count() == 0
        with ThreadPoolExecutor(1) as pool:
            pool.submit(add).result()
        assert RateWindow.objects.count() == 0
    assert RateWindow.objects.count() == 1

    with pytest.raises(InternalError), one_snapshot():
        RateWindow.objects.all().delete()
