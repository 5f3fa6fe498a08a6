"""The gateways, `/gateway`: `202` means that the message was accepted, once per message id."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from everline.core import clock
from everline.sandbox import faults
from everline.sandbox.faults import At
from everline.sandbox.models import Message
from everline.sandbox.wire import Body, api, bad, read_json, stamp

MAX_TEXT = 1_000_000
MAX_ATTACHMENTS = 20
MAX_ATTACHMENT = 14_000_000
_BASE64_GROUP, _BASE64_BYTES = 4, 3


@api("POST")
def mail(request: HttpRequest) -> HttpResponse:
    """`{message_id, kind, to, from, subject, text, html, attachments: [{name, type, content_base64}]}`."""
    body = read_json(request)
    message = _message("email", body)
    message.sender = body.text("from", most=320, default="")
    message.subject = body.text("subject", most=998, default="")
    message.html = body.text("html", most=MAX_TEXT, default="")
    if "attachments" in body.data:
        message.attachments = [_attachment(item) for item in body.items("attachments", most=MAX_ATTACHMENTS)]
    return _accept(At.MAIL, message)


@api("POST")
def sms(request: HttpRequest) -> HttpResponse:
    """`{message_id, kind, to, text}`."""
    return _accept(At.SMS, _message("sms", read_json(request)))


@api("POST")
def push(request: HttpRequest) -> HttpResponse:
    """`{message_id, kind, to, subject?, text}`."""
    body = read_json(request)
    message = _message("push", body)
    message.subject = body.text("subject", most=998, default="")
    return _accept(At.PUSH, message)


def _message(channel: str, body: Body) -> Message:
    return Message(
        channel=channel,
        message_id=body.text("message_id", most=200),
        kind=body.text("kind", most=60, default=""),
        recipient=body.text("to", most=320),
        text=body.text("text", most=MAX_TEXT, default=""),
        at=clock.now(),
    )


def _attachment(item: Body) -> dict[str, Any]:
    """Name, type and size in bytes; the content itself is not kept."""
    content = item.text("content_base64", most=MAX_ATTACHMENT, default="")
    if len(content) % _BASE64_GROUP:
        raise bad("attachments.content_base64", "must be base64 with its padding")
    size = len(content) // _BASE64_GROUP * _BASE64_BYTES - content[-2:].count("=")
    return {
        "name": item.text("name"),
        "type": item.text("type", default="application/octet-stream"),
        "size": size,
    }


def _accept(at: At, message: Message) -> HttpResponse:
    def work(_: faults.Fired | None) -> HttpResponse:
        # Two at once with one id: the second insert finds the first and does nothing.
        Message.objects.bulk_create([message], ignore_conflicts=True)
        return JsonResponse({"id": message.message_id, "status": "accepted"}, status=202)

    return faults.exposed(at, work, scope=message.channel, key=message.message_id)


def show(message: Message) -> dict[str, Any]:
    """A message as the control API lists it."""
    return {
        "id": message.message_id,
        "channel": message.channel,
        "to": message.recipient,
        "from": message.sender,
        "kind": message.kind,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": message.attachments,
        "at": stamp(message.at),
    }
