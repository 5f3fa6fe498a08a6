"""Use cases of the usage room: open, take back and move periods; take usage records in."""

from everline.usage.services.moving import Revocation, catch_up_periods, lapse_periods, revoke_periods
from everline.usage.services.opening import OpenOrder, open_periods
from everline.usage.services.recording import MAX_RECORDS, record_usage

__all__ = [
    "MAX_RECORDS",
    "OpenOrder",
    "Revocation",
    "catch_up_periods",
    "lapse_periods",
    "open_periods",
    "record_usage",
    "revoke_periods",
]
