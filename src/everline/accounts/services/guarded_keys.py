"""Operator keys as staff make and revoke them: with a reason that is kept."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from everline.accounts.models import ApiKey
from everline.accounts.selectors import brand_by_id
from everline.accounts.services.blocking import AlreadySo
from everline.accounts.services.keys import create_api_key, revoke_api_key
from everline.accounts.types import NewApiKey
from everline.core import audit
from everline.core.ids import require


@transaction.atomic
def issue_api_key(
    *, name: str, scopes: Iterable[str], brand_id: str, actor: str, reason: str, now: datetime
) -> NewApiKey:
    """Make a key; its secret is in the answer and nowhere else.

    Raises:
        NotFound: no such brand.
        ScopeUnknown, ReasonMissing: nothing was made.
    """
    made = create_api_key(name=name, scopes=scopes, brand=brand_by_id(brand_id), now=now)
    audit.record(
        actor=actor,
        action="api_key.created",
        object_kind="api_key",
        object_id=made.key.id,
        reason=reason,
        after={"name": name, "scopes": list(made.key.scopes), "brand": brand_id},
        now=now,
    )
    return made


@transaction.atomic
def withdraw_api_key(*, key_id: str, actor: str, reason: str, now: datetime) -> ApiKey:
    """Make a key worthless from now on.

    Raises:
        NotFound: no such key.
        AlreadySo: it was revoked before, and that moment counts.
        ReasonMissing: nothing was done.
    """
    before = ApiKey.objects.select_for_update().filter(id=require("apk", key_id)).first()
    if before is not None and before.revoked_at is not None:
        raise AlreadySo
    key = revoke_api_key(key_id=key_id, now=now)
    audit.record(
        actor=actor,
        action="api_key.revoked",
        object_kind="api_key",
        object_id=key.id,
        reason=reason,
        after={"revoked_at": key.revoked_at.isoformat() if key.revoked_at else None},
        now=now,
    )
    return key
