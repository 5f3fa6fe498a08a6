"""Which database the sandbox's tables are in.

In its own process that is the only one. Where sandbox and shop share a process (the test suite), settings
name a second database "sandbox" and route by `SandboxRouter`.
"""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models, transaction
from django.db.transaction import Atomic

SHARED_ALIAS = "sandbox"


def alias() -> str:
    """The name of the sandbox's database in the current settings."""
    return SHARED_ALIAS if SHARED_ALIAS in settings.DATABASES else DEFAULT_DB_ALIAS


def atomic() -> Atomic:
    """A transaction on the sandbox's database."""
    return transaction.atomic(using=alias())


class SandboxRouter:
    """Keeps the sandbox's tables and the shop's apart where one process holds both databases."""

    def db_for_read(self, model: type[models.Model], **_: Any) -> str | None:
        """The sandbox's database for its own models, no opinion on others."""
        return alias() if model._meta.app_label == "sandbox" else None  # noqa: SLF001 - Django's public name for it

    def db_for_write(self, model: type[models.Model], **_: Any) -> str | None:
        """The same as for reading."""
        return self.db_for_read(model)

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        """Only the sandbox's tables in its database, and none of them elsewhere."""
        if SHARED_ALIAS not in settings.DATABASES:
            return None
        return (app_label == "sandbox") == (db == SHARED_ALIAS)
