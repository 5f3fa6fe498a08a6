from typing import Any

import pytest
from django.test import Client

from everline.sandbox.models import Message
from tests.sandbox.world import in_database, post

pytestmark = in_database


def mail(shop_api: Client, **changes: Any) -> Any:
    body = {
        "message_id": "msg-1",
        "kind": "order_confirmation",
        "to": "Ada@example.com",
        "from": "hello@brand.example",
        "subject": "订单已完成",
        "text": "Plain",
        "html": "<p>Rich</p>",
        "attachments": [{"name": "receipt.pdf", "type": "application/pdf", "content_base64": "aGVsbG8="}],
    }
    return post(shop_api, "/gateway/mail", body | changes)


def test_a_mail_is_accepted_and_shown(shop_api: Client, control: Client) -> None:
    answer = mail(shop_api)

    assert answer.status_code == 202
    shown = control.get("/control/messages").json()["data"]
    assert shown == [
        {
            "id": "msg-1",
            "channel": "email",
            "to": "Ada@example.com",
            "from": "hello@brand.example",
            "kind": "order_confirmation",
            "subject": "订单已完成",
            "text": "Plain",
            "html": "<p>Rich</p>",
            "attachments": [{"name": "receipt.pdf", "type": "application/pdf", "size": 5}],
            "at": shown[0]["at"],
        }
    ]
    assert shown[0]["at"].endswith("Z")


def test_a_message_id_counts_once(shop_api: Client, control: Client) -> None:
    answers = [mail(shop_api), mail(shop_api), mail(shop_api, subject="Another")]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    shown = control.get("/control/messages").json()["data"]
    assert [message["subject"] for message in shown] == ["订单已完成"]


def test_channels_count_apart(shop_api: Client, control: Client) -> None:
    mail(shop_api, message_id="same")
    post(
        shop_api, "/gateway/sms", {"message_id": "same", "kind": "code", "to": "+15550100", "text": "123456"}
    )
    post(shop_api, "/gateway/push", {"message_id": "same", "to": "device", "subject": "Hi", "text": "There"})

    shown = control.get("/control/messages").json()["data"]

    assert [message["channel"] for message in shown] == ["push", "sms", "email"]
    assert shown[1]["text"] == "123456"
    assert (shown[0]["subject"], shown[0]["html"], shown[0]["attachments"]) == ("Hi", "", [])


def test_messages_are_newest_first_and_narrowed_by_recipient(shop_api: Client, control: Client) -> None:
    for number in range(3):
        mail(shop_api, message_id=f"m{number}", subject=str(number))
    mail(shop_api, message_id="other", to="bob@example.com")

    shown = control.get("/control/messages?to=ada@EXAMPLE.com").json()["data"]

    assert [message["subject"] for message in shown] == ["2", "1", "0"]
    assert control.get("/control/messages?to=nobody@example.com").json() == {"data": []}
    assert len(control.get("/control/messages?kind=order_confirmation&channel=email").json()["data"]) == 4
    assert control.get("/control/messages", {"to": "+15550100"}).json() == {"data": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"message_id": ""},
        {"message_id": None},
        {"message_id": "x" * 201},
        {"to": ""},
        {"to": ["a@example.com"]},
        {"subject": 5},
        {"text": "a\x00b"},
        {"html": "x" * 1_000_001},
        {"attachments": {}},
        {"attachments": ["x"]},
        {"attachments": [{"name": ""}]},
        {"attachments": [{"name": "a", "content_base64": "abc"}]},
        {"attachments": [{"name": "a"}] * 21},
    ],
)
def test_a_mail_of_the_wrong_shape_is_refused(shop_api: Client, changes: dict[str, Any]) -> None:
    assert mail(shop_api, **changes).status_code == 400
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("encoded", "size"), [("", 0), ("YQ==", 1), ("YWI=", 2), ("YWJj", 3), ("YWJjZA==", 4)]
)
def test_the_size_of_an_attachment_is_that_of_its_bytes(
    shop_api: Client, control: Client, encoded: str, size: int
) -> None:
    mail(shop_api, attachments=[{"name": "a", "content_base64": encoded}])

    shown = control.get("/control/messages").json()["data"][0]["attachments"]

    assert shown == [{"name": "a", "type": "application/octet-stream", "size": size}]
