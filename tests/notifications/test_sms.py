"""Text messages: short, in both languages, through the sandbox or any HTTPS service."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from everline.core import clock
from everline.core.transactions import InsideTransaction
from everline.notifications import tasks
from everline.notifications.channels.port import TransportError
from everline.notifications.channels.registry import SMS_TRANSPORTS, sms_transport
from everline.notifications.channels.sms.sandbox import SandboxSms
from everline.notifications.channels.sms.webhook import WebhookSms, connect
from everline.notifications.checks import sms_url
from everline.notifications.models import Delivery, Message
from everline.notifications.rendering import MissingContext, render_sms
from everline.notifications.samples import sample_context
from everline.notifications.services import enqueue
from everline.notifications.types import LOCALES, Kind, OutgoingSms, SecurityEvent
from tests.notifications.conftest import BRAND, Gateway, message

HOME = {**BRAND, "home_url": "https://leb.example:8000/"}
CODES = (Kind.SIGN_IN_CODE, Kind.RECOVERY_CODE, Kind.ADDRESS_CODE)
#: Characters of one segment: UCS-2, and the GSM alphabet (3GPP TS 23.038; joined ones hold 67 and 153).
UCS2, TWO_UCS2, GSM, TWO_GSM = 70, 134, 160, 306
_GSM_ALPHABET = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


def said(kind: Kind, locale: str, brand: dict[str, Any] = BRAND, **changes: Any) -> str:
    context = {**sample_context(kind, locale), **changes}
    return render_sms(kind=kind, locale=locale, brand=brand, context=context)


def to_phone(key: str = "sms:1", **changes: Any) -> Any:
    context = {key: value for key, value in sample_context(Kind.SIGN_IN_CODE, "en").items() if key != "code"}
    values = {
        "kind": Kind.SIGN_IN_CODE,
        "channel": "sms",
        "to": "+447700900123",
        "context": context,
        "private": {"code": "482917"},
        "reference": "cus_1",
        **changes,
    }
    return message(key, **values)


# Wording


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_said_in_a_few_words(kind: Kind, locale: str) -> None:
    text = said(kind, locale)

    assert {"en": "leb card", "zh-hans": "【leb卡】"}[locale] in text
    assert text == text.strip()
    assert "{" not in text
    assert "None" not in text
    if locale == "en":
        assert set(text) <= _GSM_ALPHABET, "one strange sign halves what fits"
        assert len(text) <= (GSM if kind in CODES else TWO_GSM)
    else:
        words = " ".join(word for word in text.split() if "://" not in word)
        assert len(words) <= UCS2
        assert len(text) <= TWO_UCS2


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("locale", LOCALES)
def test_a_code_fits_one_segment_and_fills_itself_in_on_its_own_site_only(kind: Kind, locale: str) -> None:
    text = said(kind, locale, HOME)

    first, _, last = text.partition("\n\n")
    assert "482917" in first
    assert "10" in first
    assert last == "@leb.example #482917"
    assert len(text) <= (GSM if locale == "en" else UCS2)


@pytest.mark.parametrize("kind", CODES)
def test_without_a_site_of_its_own_a_code_stands_alone(kind: Kind) -> None:
    assert "@" not in said(kind, "en")


def test_no_other_text_says_where_to_fill_in() -> None:
    for kind in set(Kind) - set(CODES):
        assert "\n" not in said(kind, "en", HOME)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.WELCOME, "link"),
        (Kind.ADDRESS_TAKEN, "sign_in_url"),
        (Kind.SECURITY_NOTICE, "settings_url"),
        (Kind.ORDER_CONFIRMATION, "order_url"),
        (Kind.PAYMENT_FAILED, "retry_url"),
        (Kind.ORDER_EXPIRED, "plans_url"),
        (Kind.ORDER_REFUNDED, "order_url"),
    ],
)
def test_each_leads_to_the_next_step(kind: Kind, name: str, locale: str) -> None:
    url = sample_context(kind, locale)[name]

    text = said(kind, locale)

    assert text.endswith(url), "phones take a full stop for a part of the address"


def test_orders_are_named_by_their_number() -> None:
    for kind in (Kind.ORDER_CONFIRMATION, Kind.PAYMENT_FAILED, Kind.ORDER_EXPIRED, Kind.ORDER_REFUNDED):
        for locale in LOCALES:
            assert "LEB-26-7K3M9Q" in said(kind, locale)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_new_line_leads_to_its_installation(locale: str) -> None:
    text = said(Kind.ORDER_CONFIRMATION, locale, install_url="https://leb.example/lines/ln_1/")

    assert text.endswith("https://leb.example/lines/ln_1/")
    assert "/orders/" not in text


@pytest.mark.parametrize("locale", LOCALES)
def test_an_open_start_is_told(locale: str) -> None:
    text = said(Kind.ORDER_CONFIRMATION, locale, new_ends_at=None)

    assert {"en": "first use", "zh-hans": "首次使用"}[locale] in text
    assert "2026" not in text


@pytest.mark.parametrize("locale", LOCALES)
def test_every_event_has_its_own_words(locale: str) -> None:
    texts = {said(Kind.SECURITY_NOTICE, locale, event=event.value) for event in SecurityEvent}

    assert len(texts) == len(SecurityEvent)
    with pytest.raises(MissingContext):
        said(Kind.SECURITY_NOTICE, locale, event="something_else")


def test_a_name_cannot_end_the_text_or_begin_another_code() -> None:
    text = said(Kind.ADDRESS_CODE, "en", {**HOME, "name_en": "leb\n\n@evil.example #111111"})

    assert text.splitlines()[-1] == "@leb.example #482917"
    assert sum(line.startswith("@") for line in text.splitlines()) == 1


# Delivery


@pytest.mark.django_db
def test_a_text_message_reaches_the_gateway_and_its_code_is_forgotten(gateway: Gateway) -> None:
    (key,) = enqueue(to_phone(), now=clock.now())

    assert tasks.deliver() == 1

    assert set(gateway.texts) == {key}
    sent = gateway.texts[key]
    assert (sent["to"], sent["kind"]) == ("+447700900123", "sign_in_code")
    assert sent["text"].startswith("482917 is your leb card sign-in code")
    assert sent.keys() == {"message_id", "kind", "to", "text"}
    assert gateway.mails == {}
    assert (Delivery.objects.get().status, Message.objects.get().private) == ("sent", {})


@pytest.mark.django_db
def test_mails_and_texts_of_one_batch_go_their_own_ways(gateway: Gateway) -> None:
    mail, text = enqueue(message(), to_phone(), now=clock.now())

    assert tasks.deliver() == 2

    assert (set(gateway.mails), set(gateway.texts)) == ({mail}, {text})


@pytest.mark.django_db
def test_a_broken_sms_address_holds_up_no_mail(gateway: Gateway, settings: Any) -> None:
    settings.EVERLINE_SMS_URL = "pigeon://coop"
    mail, text = enqueue(message(), to_phone(), now=clock.now())

    tasks.deliver()

    states = dict(Delivery.objects.values_list("message_id", "status"))
    assert states == {mail: "sent", text: "queued"}
    assert "EVERLINE_SMS_URL" in Delivery.objects.get(message_id=text).last_error


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["503", "drop_after"])
def test_a_refused_text_is_tried_again_and_comes_once(gateway: Gateway, move_clock: Any, fault: str) -> None:
    (key,) = enqueue(to_phone(), now=clock.now())
    gateway.faults.append(fault)

    tasks.deliver()
    waiting = Delivery.objects.get()
    move_clock(timedelta(seconds=30))
    tasks.deliver()

    assert (waiting.status, waiting.tries) == ("queued", 1)
    assert Delivery.objects.get().status == "sent"
    assert list(gateway.texts) == [key]


# Settings


def test_the_scheme_chooses_the_transport(settings: Any) -> None:
    chosen = {}
    for url in ("sandbox:", "https://t0k3n@sms.example/send", "http://t0k3n@localhost:9/"):
        settings.EVERLINE_SMS_URL = url
        chosen[url.split(":")[0]] = type(sms_transport())
        assert sms_url(None) == []

    assert chosen == {"sandbox": SandboxSms, "https": WebhookSms, "http": WebhookSms}
    assert chosen.keys() == SMS_TRANSPORTS.keys()


@pytest.mark.parametrize(
    "url",
    ["", "pigeon://coop", "https://", "https://sms.example/", "http://t0k3n@sms.example/", "https://t@h:x/"],
)
def test_what_cannot_send_is_found_by_the_checks(settings: Any, url: str) -> None:
    settings.EVERLINE_SMS_URL = url

    (found,) = sms_url(None)

    assert found.id == "notifications.E002"
    assert "t0k3n" not in f"{found.msg}{found.hint}"
    with pytest.raises(ImproperlyConfigured):
        sms_transport()


# Any HTTPS service


@dataclass
class Service:
    """Takes text messages as JSON and answers as told."""

    url: str = ""
    status: int = 202
    calls: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            named = {name.lower(): value for name, value in self.headers.items()}
            found.calls.append((self.path, named, body))
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    found.url = f"http://t0k%2F3n@127.0.0.1:{server.server_port}/v1/send?from=LEB"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


SMS = OutgoingSms(message_id="msg_1", kind="sign_in_code", to="+447700900123", text="482917 是验证码")


def test_a_service_gets_the_message_its_key_and_our_token(service: Service) -> None:
    transport = connect(service.url)

    transport.send(SMS)
    transport._client.close()

    ((path, headers, body),) = service.calls
    assert path == "/v1/send?from=LEB"
    assert headers["authorization"] == "Bearer t0k/3n"
    assert headers["idempotency-key"] == "msg_1"
    assert body == {"id": "msg_1", "kind": "sign_in_code", "to": SMS.to, "text": SMS.text}


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (404, True), (422, True), (429, False), (500, False), (401, False)]
)
def test_what_a_service_answers_decides_about_another_try(
    service: Service, status: int, permanent: bool
) -> None:
    service.status = status
    transport = connect(service.url)

    with pytest.raises(TransportError) as refused:
        transport.send(SMS)
    transport._client.close()

    assert refused.value.permanent is permanent
    assert str(status) in str(refused.value)
    assert "t0k" not in str(refused.value)


def test_a_service_that_is_not_there_is_asked_again_later() -> None:
    transport = connect("http://t0k3n@127.0.0.1:9/")

    with pytest.raises(TransportError) as refused:
        transport.send(SMS)

    assert not refused.value.permanent


@pytest.mark.django_db
def test_no_service_is_called_inside_a_transaction(service: Service) -> None:
    transport = connect(service.url)

    with transaction.atomic(), pytest.raises(InsideTransaction):
        transport.send(SMS)

    assert service.calls == []
