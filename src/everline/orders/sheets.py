"""What stands on a printed sheet: words and figures, written out in their language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the account: what, how much, and smaller lines below."""

    text: str
    amount: str
    below: Sequence[str] = ()
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed; every text is written out in its language already."""

    brand: str
    accent: str
    title: str
    made_at: datetime
    facts: Sequence[tuple[str, str]]
    heads: tuple[str, str]
    rows: Sequence[Row]
    notes: Sequence[str]
    closing: str
    #: Chinese may be broken between any two signs, English between words.
    wraps_anywhere: bool = field(default=False)

    def texts(self) -> Iterator[str]:
        """Every text of the sheet."""
        yield from (self.brand, self.title, *self.heads, self.closing, *self.notes)
        for fact in self.facts:
            yield from fact
        for row in self.rows:
            yield from (row.text, row.amount, *row.below)
