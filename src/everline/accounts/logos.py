"""A brand's logo: SVG that can only be looked at. What is not known to be harmless is refused, not mended."""

import re
from xml.etree import ElementTree as ET

SVG = "http://www.w3.org/2000/svg"
MAX_BYTES = 20_000
_ELEMENT = re.compile(
    r"""
    svg | g | path | rect | circle | ellipse | line | polyline | polygon | title | desc | defs
    | linearGradient | radialGradient | stop | clipPath | mask
    """,
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(
    r"""
    id | viewBox | width | height | preserveAspectRatio | d | x | y | x1 | y1 | x2 | y2 | cx |
    cy | r | rx | ry | fx | fy | points | transform | offset | fill | fill-opacity | fill-rule
    | clip-rule | clip-path | mask | opacity | stroke | stroke-width | stroke-linecap |
    stroke-linejoin | stroke-miterlimit | stroke-dasharray | stroke-dashoffset
    | stroke-opacity | stop-color | stop-opacity | gradientUnits | gradientTransform | spreadMethod |
    clipPathUnits | maskUnits | role | aria-label | aria-hidden
    """,
    re.VERBOSE,
)
#: Letters, figures and what coordinates and colours are written with; a reference only to a part of itself.
_VALUE = re.compile(r"(?:[\w\s.,#%()+*/:'-]*)", re.ASCII)
_REFERENCE = re.compile(r"url\(\s*#[\w-]+\s*\)", re.ASCII)


class LogoRefused(ValueError):
    """Not an SVG picture, or one that could do or fetch something."""


def clean_logo(text: str) -> str:
    """The logo as it is served: parsed and written anew, in the SVG name space and with nothing else in it.

    Raises:
        LogoRefused: the reason in plain words.
    """
    if len(text.encode()) > MAX_BYTES:
        raise LogoRefused(f"The logo is larger than {MAX_BYTES} bytes.")
    if "<!" in text or "<?" in text.replace("<?xml ", "", 1):
        raise LogoRefused("The logo holds declarations, comments or instructions.")
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - no entity can be declared: "<!" was refused
    except ET.ParseError as error:
        raise LogoRefused(f"The logo is not well-formed: {error}") from None
    if root.tag != f"{{{SVG}}}svg" or not root.get("viewBox"):
        raise LogoRefused("The logo is not an <svg> of the SVG name space with a viewBox.")
    for element in root.iter():
        _check(element)
    return _written(root)


def _check(element: "ET.Element[str]") -> None:
    space, _, name = str(element.tag).rpartition("}")
    if space != "{" + SVG or not _ELEMENT.fullmatch(name):
        raise LogoRefused(f"The logo holds <{name}>.")
    for attribute, value in element.attrib.items():
        if not _ATTRIBUTE.fullmatch(attribute):
            raise LogoRefused(f"The logo holds the attribute {attribute.rpartition('}')[2]}.")
        rest = _REFERENCE.sub("", value)
        outside = "url" in rest.lower() or ":" in rest
        if attribute != "aria-label" and (outside or not _VALUE.fullmatch(rest)):
            raise LogoRefused(f"The attribute {attribute} refers to something outside.")


def _written(root: "ET.Element[str]") -> str:
    ET.register_namespace("", SVG)
    return ET.tostring(root, encoding="unicode")


def default_logo(colour: str) -> str:
    """A SIM card with a wave in this colour (`#rrggbb`), for a brand without a logo of its own."""
    return (
        f'<svg xmlns="{SVG}" viewBox="0 0 32 32">'
        f'<path fill="{colour}" d="M8 2h11l7 7v17a4 4 0 0 1-4 4H8a4 4 0 0 1-4-4V6a4 4 0 0 1 4-4z"/>'
        '<path fill="none" stroke="#fff" stroke-linecap="round" stroke-width="2.6" '
        'd="M10 19.5a7.5 7.5 0 0 1 12 0M13 23.5a3.6 3.6 0 0 1 6 0"/></svg>'
    )
