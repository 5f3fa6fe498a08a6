"""Waiting for the thread that hears the database's news."""

from django.db import connection


def await_listener(but: int = 0) -> int:
    """Until the process listens, with another backend than `but`: news of before are nobody's."""
    with connection.cursor() as cursor:
        found = None
        while found is None:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND query LIKE 'LISTEN%%' AND state = 'idle' AND pid <> %s",
                [but],
            )
            found = cursor.fetchone()
    return int(found[0])
