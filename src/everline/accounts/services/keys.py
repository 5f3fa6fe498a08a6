from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from everline.accounts.errors import OriginInvalid
from everline.accounts.models import ApiKey, Brand
from everline.accounts.scopes import checked
from everline.accounts.tokens import new_token
from everline.accounts.types import NewApiKey
from everline.core.errors import NotFound
from everline.core.ids import require

_SHOWN = 10


def create_api_key(
    *,
    name: str,
    scopes: Iterable[str],
    brand: Brand,
    allowed_return_origins: Iterable[str] = (),
    now: datetime,
) -> NewApiKey:
    """Make an operator key; its secret is in the answer and nowhere else.

    Raises:
        ScopeUnknown, OriginInvalid: nothing was made.
    """
    secret, key_hash = new_token("ek_")
    key = ApiKey.objects.create(
        name=name,
        brand=brand,
        prefix=secret[:_SHOWN],
        key_hash=key_hash,
        scopes=checked(scopes),
        allowed_return_origins=[_origin(text) for text in allowed_return_origins],
        created_at=now,
    )
    return NewApiKey(key=key, secret=secret)


def revoke_api_key(*, key_id: str, now: datetime) -> ApiKey:
    """Make a key worthless from `now` on; the first time counts.

    Raises:
        NotFound: no such key.
    """
    ApiKey.objects.filter(id=require("apk", key_id), revoked_at__isnull=True).update(revoked_at=now)
    key = ApiKey.objects.select_related("brand").filter(id=key_id).first()
    if key is None:
        raise NotFound
    return key


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise OriginInvalid from None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    origin = f"{parts.scheme}://{host}{port}"
    if parts.scheme not in {"http", "https"} or not host or text.lower() != origin:
        raise OriginInvalid
    return origin
