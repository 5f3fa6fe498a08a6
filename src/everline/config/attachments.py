"""What rooms above the messages add to them at delivery: files, and the truth of the moment."""

from collections.abc import Mapping, Sequence

from everline.notifications.carrying import Outdated, Renderer
from everline.orders.selectors import outdated_notices
from everline.orders.services.receipts import receipt_for_mail

RENDERERS: Mapping[str, Renderer] = {"receipt": receipt_for_mail}
OUTDATED: Sequence[Outdated] = (outdated_notices,)
