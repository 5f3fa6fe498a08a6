"""How an eSIM gets onto a device: activation code, links, QR code. Pure.

Sources: activation code SGP.22 4.1; the iOS link is Apple's universal link (iOS 17.4 and later); the Android
link is a custom of the trade (Android 10 and later), so QR code and manual entry always stand beside it.
"""

import io
import re
from urllib.parse import quote

import segno

from everline.lines.errors import InvalidInstallData
from everline.lines.types import InstallData

_IOS = "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata="
_ANDROID = "https://esimsetup.android.com/esim_qrcode_provisioning?carddata="
_FIELD = re.compile(r"[!-#%-~]*")  # printable ASCII but for the separator `$`


def activation_code(
    smdp_address: str, matching_id: str, *, oid: str = "", confirmation_required: bool = False
) -> str:
    """The text of the QR code: `LPA:1$<SM-DP+ address>$<matching id>[$<OID>][$1]`.

    An empty OID keeps its separator where the confirmation flag follows.

    Raises:
        InvalidInstallData: no address, or a field that holds `$` or is not printable ASCII.
    """
    fields = (smdp_address, matching_id, oid)
    if not smdp_address or not all(_FIELD.fullmatch(field) for field in fields):
        raise InvalidInstallData
    code = f"LPA:1${smdp_address}${matching_id}"
    if confirmation_required:
        return f"{code}${oid}$1"
    return f"{code}${oid}" if oid else code


def install_data(
    *, smdp_address: str, matching_id: str, confirmation_code: str, apn: str
) -> InstallData | None:
    """Everything a device asks for; None while the supplier has not named an SM-DP+ address."""
    if not smdp_address:
        return None
    code = activation_code(smdp_address, matching_id, confirmation_required=bool(confirmation_code))
    carried = quote(code, safe="")
    return InstallData(
        smdp_address=smdp_address,
        matching_id=matching_id,
        confirmation_code=confirmation_code,
        lpa=code,
        ios_url=f"{_IOS}{carried}",
        android_url=f"{_ANDROID}{carried}",
        apn=apn,
    )


def qr_svg(code: str, *, sized: bool = True) -> str:
    """An SVG picture of the activation code: dark on an explicit white ground, quiet zone of 4 modules.

    Without a size of its own it takes the one of the place where it stands.
    """
    picture = io.BytesIO()
    segno.make(code, error="m", micro=False).save(
        picture, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False, omitsize=not sized
    )
    return picture.getvalue().decode().strip()
