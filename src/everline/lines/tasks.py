from datetime import datetime, timedelta

from everline.core.jobs import sweep
from everline.lines import services


@sweep("lines.catch_up_states", every=timedelta(minutes=1))
def catch_up_states(now: datetime) -> int:
    """Let stored service states follow the dates."""
    return services.catch_up_states(now)
