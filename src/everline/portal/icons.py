"""The portal's own icons by name, from the one file they are drawn in."""

import re
from pathlib import Path
from typing import Final

_SPRITE: Final = Path(__file__).resolve().parent / "icons.svg"
_SYMBOL: Final = re.compile(r'<symbol id="([a-z-]+)" viewBox="0 0 24 24">(.*?)</symbol>')

#: Name → what stands inside the `<svg>`.
ICONS: Final[dict[str, str]] = dict(_SYMBOL.findall(_SPRITE.read_text(encoding="utf-8")))
