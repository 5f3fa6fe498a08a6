"""What the orders room hands out: plain frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a keyed request did: the object it made, the answer's status, and whether it was a repeat."""

    object_id: str
    status: int
    replayed: bool
