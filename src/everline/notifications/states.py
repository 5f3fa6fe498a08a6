from enum import StrEnum

from everline.core.states import Machine


class DeliveryState(StrEnum):
    """Where a delivery stands. `sent` means that the transport accepted it."""

    QUEUED = "queued"
    SENT = "sent"
    GIVEN_UP = "given_up"


DELIVERY = Machine(
    {
        DeliveryState.QUEUED: frozenset({DeliveryState.SENT, DeliveryState.GIVEN_UP}),
        # Staff may give it a new chance, with a reason.
        DeliveryState.GIVEN_UP: frozenset({DeliveryState.QUEUED}),
    }
)
