"""Work on sets: all at once, and by halves where one bad member would stop the others."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


def bisect(
    items: Sequence[T], work: Callable[[Sequence[T]], int], failed: Callable[[T, Exception], None]
) -> int:
    """Do `work` on all items in one go; where it raises, on halves, down to the one that fails.

    `work` opens its own transaction and returns how many items it did; `failed` gets each item that fails
    alone, with the error. Returns how many items were done.
    """
    if not items:
        return 0
    try:
        return work(items)
    except Exception as error:
        if len(items) == 1:
            logger.exception("one item failed")
            failed(items[0], error)
            return 0
        logger.warning("a batch of %s failed, trying halves: %s", len(items), error)
    middle = len(items) // 2
    return bisect(items[:middle], work, failed) + bisect(items[middle:], work, failed)
