from everline.core.events import event


@event("notifications.MessageSent")
class MessageSent:
    """A transport accepted a message. `at` is ISO 8601."""

    message_id: str
    kind: str
    reference: str
    dedupe_key: str
    channel: str
    at: str


@event("notifications.MessageGivenUp")
class MessageGivenUp:
    """A message will not be tried again. `at` is ISO 8601, `reason` is for staff."""

    message_id: str
    kind: str
    reference: str
    dedupe_key: str
    channel: str
    reason: str
    at: str
