"""Transactions that meet contention, and the rule that no network call happens inside one."""

import functools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 6
#: serialization_failure and deadlock_detected (PostgreSQL, appendix A).
_RETRYABLE = {"40001", "40P01"}
_FIRST_PAUSE = 0.005


class InsideTransaction(RuntimeError):
    """A network call was about to happen while a transaction was open: a programming error."""


def in_transaction() -> bool:
    """Whether the default connection is inside a transaction that is not the test case's own.

    `_from_testcase` is Django's private mark (5.2); a test pins it.
    """
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def refuse_inside_transaction() -> None:
    """Raise InsideTransaction where a transaction is open."""
    if in_transaction():
        raise InsideTransaction("money and network: commit first, then call")


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let every read inside see the database as of one instant; nothing can be written.

    Several statements about one object would else see different instants. Inside a transaction that is open
    already nothing changes: its isolation is settled.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function that opens its own transaction again when PostgreSQL says that trying again helps.

    Inside an outer transaction the function runs once: only the outermost one can be repeated.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if in_transaction():
            return function(*args, **kwargs)
        for tried in range(1, _TRIES):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) not in _RETRYABLE:
                    raise
                time.sleep(_FIRST_PAUSE * 2**tried * random.random())  # noqa: S311 - spreads retries, no secret
        return function(*args, **kwargs)

    return wrapper
