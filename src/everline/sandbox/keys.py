"""Idempotency keys: the first use of a key decides which object it stands for."""

from everline.sandbox.models import SavedKey
from everline.sandbox.wire import WireError


def claim(scope: str, key: str, fingerprint: str, candidate: str) -> str:
    """The id of the object that this key stands for: `candidate` at its first use, else the earlier one.

    Call inside the transaction that makes the object: a twin waits for its commit.

    Raises:
        WireError: 409 `idempotency_mismatch`, the key was used with another body; 500, the key is broken.
    """
    fresh = SavedKey(scope=scope, key=key, fingerprint=fingerprint, object_id=candidate)
    SavedKey.objects.bulk_create([fresh], ignore_conflicts=True)
    saved = SavedKey.objects.get(scope=scope, key=key)
    if saved.broken:
        raise WireError(500, "internal_error", "Something went wrong on our side.")
    if saved.fingerprint != fingerprint:
        raise WireError(409, "idempotency_mismatch", "This key was used with another body.")
    return saved.object_id
