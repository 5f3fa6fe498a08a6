"""What other rooms add to a message when it is delivered: files made for it, and whether it is still true.

Both come from tables by dotted path in the settings: this room knows nobody's orders.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from everline.core.transactions import refuse_inside_transaction
from everline.notifications.types import Attachment, AttachmentRef

#: By kind of attachment: the file made of an object's id, in a language. Slow; called outside transactions.
Renderer = Callable[[str, str], Attachment]
#: Of messages as (kind, reference): those that are not true any more, with the reason.
Outdated = Callable[[Collection[tuple[str, str]]], Mapping[tuple[str, str], str]]


class AttachmentFailed(Exception):
    """A file could not be made; the message waits and is tried again."""


def load_tables() -> tuple[Mapping[str, Renderer], Sequence[Outdated]]:
    """The two tables that the settings name.

    Raises:
        ImportError: a dotted path leads nowhere.
        TypeError: what it names is no table.
    """
    renderers = import_string(settings.EVERLINE_ATTACHMENTS)
    checks = import_string(settings.EVERLINE_OUTDATED)
    if not isinstance(renderers, Mapping) or not isinstance(checks, Sequence):
        raise TypeError("a mapping of renderers and a sequence of checks are needed")
    return renderers, checks


def make_attachments(refs: Sequence[AttachmentRef], locale: str) -> tuple[Attachment, ...]:
    """The files of one message, in its language.

    Raises:
        AttachmentFailed: one of them could not be made.
    """
    refuse_inside_transaction()
    renderers, _ = load_tables()
    made = []
    for ref in refs:
        try:
            made.append(renderers[ref.kind](ref.reference, locale))
        except Exception as error:
            raise AttachmentFailed(f"{ref.kind} of {ref.reference}: {error!r}") from error
    return tuple(made)


def outdated(messages: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Which of these messages, as (kind, reference), are not true any more, and why."""
    _, checks = load_tables()
    found: dict[tuple[str, str], str] = {}
    for check in checks:
        found |= check(messages)
    return found
