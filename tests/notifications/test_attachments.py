"""Files that travel with mails: made at delivery, outside transactions, sent by both transports."""

import base64
import email
import email.policy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from everline.core import clock
from everline.core.transactions import InsideTransaction, in_transaction
from everline.notifications import carrying, delivery, tasks
from everline.notifications.carrying import AttachmentFailed, load_tables, make_attachments
from everline.notifications.channels.email.smtp import as_mime
from everline.notifications.checks import tables
from everline.notifications.models import Delivery, Message
from everline.notifications.services import enqueue
from everline.notifications.types import Attachment, AttachmentRef, OutgoingMail, Rendered
from tests.notifications.conftest import CONFIRMATION, Gateway, message

pytestmark = pytest.mark.django_db

LATE = "not true any more: the code has expired"
CONTENT = bytes(range(256)) * 40
REF = AttachmentRef("receipt", "ord_0000000000009")
#: What the tables below did, in order.
CALLS: list[tuple[str, str, bool]] = []
ANSWERS: dict[str, Any] = {}


def printer(reference: str, locale: str) -> Attachment:
    CALLS.append((reference, locale, in_transaction()))
    if error := ANSWERS.get("error"):
        raise error
    return Attachment("receipt-LEB-26-7K3M9Q.pdf", "application/pdf", CONTENT)


def overtaken(messages: Any) -> dict[tuple[str, str], str]:
    CALLS.append(("looked", str(len(messages)), in_transaction()))
    return {pair: ANSWERS["stale"] for pair in messages if "stale" in ANSWERS}


RENDERERS = {"receipt": printer}
OUTDATED = (overtaken,)


@pytest.fixture(autouse=True)
def _tables(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EVERLINE_ATTACHMENTS = f"{__name__}.RENDERERS"
    settings.EVERLINE_OUTDATED = f"{__name__}.OUTDATED"
    monkeypatch.setattr(delivery, "BUDGET", 3600.0)
    CALLS.clear()
    ANSWERS.clear()


def with_file(key: str = "confirm:1", **changes: Any) -> Any:
    return message(
        key,
        attachments=(REF,),
        context={**CONFIRMATION, "receipt_attached": True},
        locale="zh-hans",
        **changes,
    )


def test_a_file_is_made_when_its_mail_is_delivered_and_not_before(gateway: Gateway) -> None:
    with transaction.atomic():
        (key,) = enqueue(with_file(), now=clock.now())
    before = list(CALLS)

    tasks.deliver()

    assert before == []
    looked, made = CALLS
    assert (looked, made) == (("looked", "1", False), (REF.reference, "zh-hans", False))
    (file,) = gateway.mails[key]["attachments"]
    assert (file["name"], file["type"]) == ("receipt-LEB-26-7K3M9Q.pdf", "application/pdf")
    assert base64.b64decode(file["content_base64"]) == CONTENT
    assert Message.objects.get().attachments == [{"kind": "receipt", "reference": REF.reference}]


def test_a_file_that_cannot_be_made_is_recorded_and_tried_again(
    gateway: Gateway, move_clock: Callable[[timedelta], Any]
) -> None:
    with_it, without = enqueue(with_file(), message("confirm:2"), now=clock.now())
    ANSWERS["error"] = OSError("no ink")

    tasks.deliver()
    waiting = Delivery.objects.get(message_id=with_it)
    sent_alone = list(gateway.mails)
    del ANSWERS["error"]
    move_clock(timedelta(seconds=30))
    tasks.deliver()

    assert (waiting.status, waiting.tries) == ("queued", 1)
    assert waiting.last_error == f"receipt of {REF.reference}: OSError('no ink')"
    assert sent_alone == [without], "the others are not kept waiting, and nothing goes without its file"
    assert Delivery.objects.get(message_id=with_it).status == "sent"
    assert len(gateway.mails[with_it]["attachments"]) == 1
    assert len(gateway.posts) == 2


def test_an_unknown_kind_of_file_waits_for_whoever_knows_it() -> None:
    with pytest.raises(AttachmentFailed, match="KeyError"):
        make_attachments([AttachmentRef("ticket", "tkt_1")], "en")


def test_no_file_is_made_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(InsideTransaction):
        make_attachments([REF], "en")

    assert CALLS == []


def test_what_is_not_true_any_more_is_given_up_with_the_reason(gateway: Gateway) -> None:
    enqueue(with_file(private={"link": "secret"}), now=clock.now())
    ANSWERS["stale"] = "the order is refunded"

    assert tasks.deliver() == 1

    row = Delivery.objects.get()
    assert (row.status, row.last_error) == ("given_up", "not true any more: the order is refunded")
    assert Message.objects.get().private == {}
    assert gateway.posts == []
    assert [call[0] for call in CALLS] == ["looked"], "nothing was printed for it"


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (timedelta(minutes=9), "sent"),
        (timedelta(minutes=10), "given_up"),
        (-timedelta(minutes=20), "given_up"),
    ],
)
def test_a_code_is_sent_only_while_it_is_good(
    gateway: Gateway, move_clock: Callable[[timedelta], datetime], after: timedelta, status: str
) -> None:
    code = {"kind": "sign_in_code", "context": {"minutes": 10}, "private": {"code": "204816"}}
    enqueue(message(**code), now=clock.now())

    move_clock(after)
    tasks.deliver()

    row = Delivery.objects.get()
    late = status == "given_up"
    assert (row.status, row.last_error) == (status, LATE if late else "")
    assert len(gateway.mails) == (0 if late else 1)
    assert Message.objects.get().private == {}


def test_a_batch_is_looked_at_once(gateway: Gateway) -> None:
    enqueue(*[message(f"confirm:{n}", reference=f"ord_{n}") for n in range(5)], now=clock.now())

    tasks.deliver()

    assert CALLS == [("looked", "5", False)]


def test_what_the_tables_lead_to_is_checked(settings: Any) -> None:
    found = [tables(None)]
    settings.EVERLINE_ATTACHMENTS = f"{__name__}.NOTHING"
    found.append(tables(None))
    settings.EVERLINE_ATTACHMENTS = f"{__name__}.OUTDATED"
    found.append(tables(None))

    assert [[each.id for each in some] for some in found] == [
        [],
        ["notifications.E003"],
        ["notifications.E003"],
    ]


def test_the_product_s_own_tables_can_be_loaded(settings: Any) -> None:
    settings.EVERLINE_ATTACHMENTS = "everline.config.attachments.RENDERERS"
    settings.EVERLINE_OUTDATED = "everline.config.attachments.OUTDATED"

    renderers, checks = load_tables()

    assert set(renderers) == {"receipt"}
    assert len(checks) == 1
    assert carrying.outdated([("welcome", "cus_1")]) == {}


@pytest.mark.parametrize("name", ["receipt-LEB-26-7K3M9Q.pdf", "收据.pdf", 'a "b" c.pdf'])
def test_a_file_over_smtp_keeps_its_name_and_bytes(name: str) -> None:
    mail = OutgoingMail(
        message_id="msg_1",
        kind="order_confirmation",
        to="li@example.com",
        sender_name="leb卡",
        sender="no-reply@leb.example",
        rendered=Rendered("Subject", "Text", "<p>Text</p>"),
        attachments=(Attachment(name, "application/pdf", CONTENT),),
    )

    raw = as_mime(mail).as_bytes(policy=email.policy.SMTP)

    read = email.message_from_bytes(raw, policy=email.policy.default)
    (file,) = read.iter_attachments()
    assert read.get_content_type() == "multipart/mixed"
    assert file.get_content_type() == "application/pdf"
    assert file.get_content() == CONTENT
    assert read["Bcc"] is None
    assert file.get_filename() == name
    assert "Text" in read.get_body(("plain",)).get_content()
    assert "<p>" in read.get_body(("html",)).get_content()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
