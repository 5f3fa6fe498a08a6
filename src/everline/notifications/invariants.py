from datetime import datetime, timedelta

from django.db.models import Q

from everline.core.invariants import invariant
from everline.notifications.models import Delivery, Message
from everline.notifications.services import CLOCK_STEP, MIN_TRIES, PATIENCE, PAUSES
from everline.notifications.states import DeliveryState

#: How late the sweep may come before a queued message counts as forgotten.
_SLACK = timedelta(minutes=15)
_SHOWN = 20


@invariant("notifications.sent_given_up_or_in_retry_window")
def every_message_goes_its_way(now: datetime) -> list[str]:
    """Every notification due is sent, given up with a reason, or in its retry window (domain, 7)."""
    orphans = Message.objects.filter(delivery__isnull=True).values_list("id", flat=True)[:_SHOWN]
    queued = Delivery.objects.filter(status=DeliveryState.QUEUED)
    forgotten = queued.filter(
        Q(next_try_at__lt=now - _SLACK)
        | Q(next_try_at__gt=now + PAUSES[-1] + CLOCK_STEP, decided_at__lte=now + CLOCK_STEP)
        | Q(tries__gte=MIN_TRIES, decided_at__gt=now - _SLACK, queued_at__lt=now - PATIENCE - PAUSES[-1])
    ).values_list("message_id", flat=True)[:_SHOWN]
    return [
        *(f"message {key} has no delivery" for key in orphans),
        *(f"message {key} is queued and outside its retry window" for key in forgotten),
    ]
