"""The gates through which other floors obtain an attempt."""

from everline.core import ids
from everline.core.errors import NotFound
from everline.payments.models import Attempt


def get_attempt_for_payable(*, payable: str, attempt_id: str, lock: bool = False) -> Attempt:
    """The attempt, known to belong to the payable (whose owner the caller has checked).

    Raises:
        NotFound: no such attempt of this payable.
    """
    rows = Attempt.objects.select_for_update() if lock else Attempt.objects.all()
    attempt = rows.filter(pk=ids.require("att", attempt_id), payable=payable).first()
    if attempt is None:
        raise NotFound
    return attempt
