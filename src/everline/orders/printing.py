"""One A4 sheet of words and figures as a PDF, in a font that has Chinese.

Knows nothing of orders. The font is a subset of Noto Sans SC (`tools/make_receipt_font.py`); only the signs
that stand on the sheet are loaded and embedded. Signs that the font has not are shown as an empty box.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, WrapMode, XPos, YPos

from everline.core.transactions import refuse_inside_transaction
from everline.notifications.looks import look_of
from everline.orders.sheets import Sheet

if TYPE_CHECKING:
    from fpdf.fonts import TTFFont

FONT = Path(__file__).parent / "fonts" / "NotoSansSC-Receipts.otf"
_FAMILY = "receipt"
_BOX = "\u25a1"
_MARGIN, _WIDTH, _LABEL, _AMOUNT = 20, 170, 48, 52
_INK, _SOFT, _RULE = (20, 24, 31), (86, 96, 114), (214, 219, 227)
_LARGE, _TITLE, _TEXT, _SMALL = 20, 14, 10.5, 9
_LINE, _NARROW = 6.2, 5.2


def print_sheet(sheet: Sheet) -> bytes:
    """The sheet as a PDF; equal sheets give equal bytes.

    Raises:
        InsideTransaction: it is slow, and nobody may wait for it holding rows.
    """
    refuse_inside_transaction()
    used = {sign for text in sheet.texts() for sign in _plain(text)} & covered()
    page = _Page(sheet, used | {_BOX, " "})
    page.head()
    page.facts()
    page.account()
    page.close()
    return page.bytes()


@lru_cache(maxsize=1)
def covered() -> frozenset[str]:
    """The signs of the font, read once per process."""
    pdf = FPDF()
    pdf.add_font(_FAMILY, fname=str(FONT))
    font = cast("TTFFont", pdf.fonts[_FAMILY])
    font.close()
    return frozenset(map(chr, font.cmap))


def _plain(text: str) -> str:
    """A text on one line; letters that the font has not, without their accents."""
    line = " ".join(text.split())
    return "".join(sign if sign in covered() else unicodedata.normalize("NFKD", sign)[0] for sign in line)


class _Page:
    """A cursor that goes down the sheet; texts that do not fit their width go on in the next line."""

    def __init__(self, sheet: Sheet, signs: set[str]) -> None:
        self._sheet = sheet
        self._signs = signs
        self._wrap = WrapMode.CHAR if sheet.wraps_anywhere else WrapMode.WORD
        pdf = self._pdf = FPDF(format="A4", unit="mm")
        pdf.set_creation_date(sheet.made_at)
        pdf.set_title(f"{sheet.title} {sheet.facts[0][1]}")
        pdf.set_author(sheet.brand)
        pdf.set_creator("Everline")
        pdf.add_font(_FAMILY, fname=str(FONT), unicode_range=sorted(map(ord, signs)))
        pdf.set_margins(_MARGIN, _MARGIN, _MARGIN)
        pdf.set_auto_page_break(auto=True, margin=_MARGIN)
        pdf.c_margin = 0
        pdf.add_page()

    def bytes(self) -> bytes:
        content = bytes(self._pdf.output())
        cast("TTFFont", self._pdf.fonts[_FAMILY]).close()
        return content

    def head(self) -> None:
        """Whose receipt it is."""
        accent = look_of(self._sheet.accent).accent
        colour = (int(accent[1:3], 16), int(accent[3:5], 16), int(accent[5:7], 16))
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(_MARGIN, _MARGIN, _WIDTH, 1.6, style="F")
        self._pdf.set_y(_MARGIN + 7)
        self._write(self._sheet.brand, size=_LARGE, colour=colour, height=9)
        self._write(self._sheet.title, size=_TITLE, height=8)
        self._pdf.ln(5)

    def facts(self) -> None:
        """Names on the left, what they are on the right."""
        for label, value in self._sheet.facts:
            self._pair(label, value, left=_LABEL, align=Align.L)
        self._pdf.ln(5)

    def account(self) -> None:
        """What was bought and paid, one row each, rules between."""
        left, right = self._sheet.heads
        self._pair(left, right, left=_WIDTH - _AMOUNT, align=Align.R, value_ink=_SOFT)
        self._rule()
        for row in self._sheet.rows:
            size = _TEXT + 1.5 if row.loud else _TEXT
            self._pair(row.text, row.amount, left=_WIDTH - _AMOUNT, align=Align.R, size=size, label_ink=_INK)
            for line in row.below:
                self._write(line, size=_SMALL, colour=_SOFT, height=_NARROW)
            self._rule()
        self._pdf.ln(2)

    def close(self) -> None:
        """What else is to be known."""
        for note in self._sheet.notes:
            self._write(note, size=_TEXT)
        self._write(self._sheet.closing, size=_SMALL, colour=_SOFT, height=_NARROW)

    def _pair(
        self,
        label: str,
        value: str,
        *,
        left: float,
        align: Align,
        size: float = _TEXT,
        label_ink: tuple[int, int, int] = _SOFT,
        value_ink: tuple[int, int, int] = _INK,
    ) -> None:
        """Two texts side by side, each as high as it must be; they never part over two pages."""
        needed = max(self._height(label, left - 4, size), self._height(value, _WIDTH - left, size))
        if self._pdf.will_page_break(needed):
            self._pdf.add_page()
        top = self._pdf.get_y()
        self._write(label, size=size, colour=label_ink, width=left - 4)
        below = self._pdf.get_y()
        self._pdf.set_xy(_MARGIN + left, top)
        self._write(value, size=size, colour=value_ink, width=_WIDTH - left, align=align)
        self._pdf.set_xy(_MARGIN, max(below, self._pdf.get_y()))

    def _write(
        self,
        text: str,
        *,
        size: float,
        colour: tuple[int, int, int] = _INK,
        height: float = _LINE,
        width: float = _WIDTH,
        align: Align = Align.L,
    ) -> None:
        self._pdf.set_font(_FAMILY, size=size)
        self._pdf.set_text_color(*colour)
        self._pdf.multi_cell(
            width,
            height,
            self._shown(text),
            align=align,
            wrapmode=self._wrap,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def _height(self, text: str, width: float, size: float) -> float:
        self._pdf.set_font(_FAMILY, size=size)
        high = self._pdf.multi_cell(
            width,
            _LINE,
            self._shown(text),
            wrapmode=self._wrap,
            dry_run=True,
            output=MethodReturnValue.HEIGHT,
        )
        return cast("float", high)

    def _rule(self) -> None:
        y = self._pdf.get_y() + 1.2
        self._pdf.set_draw_color(*_RULE)
        self._pdf.line(_MARGIN, y, _MARGIN + _WIDTH, y)
        self._pdf.set_y(y + 1.8)

    def _shown(self, text: str) -> str:
        return "".join(sign if sign in self._signs else _BOX for sign in _plain(text))
