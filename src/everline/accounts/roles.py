"""Who a member of staff is. What each role may do stands with the staff's pages."""

from enum import StrEnum


class Role(StrEnum):
    """The names of Django's groups; a person has one."""

    OWNER = "owner"
    SUPPORT = "support"
    FINANCE = "finance"
    VIEWER = "viewer"
