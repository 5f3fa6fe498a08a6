"""The one table of who hears which news (house: news upward)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from everline.notifications.events import MessageGivenUp, MessageSent
from everline.orders.services import notices, refunds, settlement
from everline.payments.events import AttemptFailed, RefundSettled

HANDLERS: Mapping[type[Any], Sequence[Callable[[list[Any]], None]]] = {
    MessageSent: (notices.note_messages_sent,),
    MessageGivenUp: (notices.note_messages_given_up,),
    AttemptFailed: (settlement.note_attempts_failed,),
    RefundSettled: (refunds.note_refunds_settled,),
}
