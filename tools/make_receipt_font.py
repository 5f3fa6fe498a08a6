"""Makes the font that receipts are printed with, once, from the whole Noto Sans SC.

    python tools/make_receipt_font.py NotoSansSC-Regular.otf src/everline/orders/fonts/NotoSansSC-Receipts.otf

What GBK can write (20,902 Chinese signs, simplified and traditional), Latin, Greek and Cyrillic letters,
punctuation and every currency sign stay; layout features, vertical metrics and hints go. The same input gives
the same bytes. Source: https://github.com/notofonts/noto-cjk, SIL Open Font License 1.1 (beside the font).
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

#: Latin with its extensions; Greek and Cyrillic; general punctuation; currency signs (Unicode 16 blocks).
_BLOCKS = (range(0x20, 0x250), range(0x370, 0x500), range(0x2000, 0x2070), range(0x20A0, 0x20D0))
_UNUSED = ("BASE", "DSIG", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx")


def wanted() -> set[int]:
    """The code points to keep."""
    chinese = {code for code in range(0x20, 0x10000) if _in_gbk(chr(code))}
    return chinese.union(*_BLOCKS)


def _in_gbk(sign: str) -> bool:
    try:
        return bool(sign.encode("gbk"))
    except UnicodeEncodeError:
        return False


def make(source: Path, target: Path) -> int:
    """Write the smaller font; returns how many signs it has."""
    font = TTFont(source, recalcTimestamp=False)
    kept = wanted() & set(font.getBestCmap())
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True)
    options.drop_tables += _UNUSED
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=kept)
    subsetter.subset(font)
    font.save(target)
    return len(kept)


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), Path(sys.argv[2])), "signs")
