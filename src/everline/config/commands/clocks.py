"""`everline clock`."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import django

from everline.config.outcome import CommandError
from everline.core import clock as business_clock


def clock(words: Sequence[str]) -> int:
    """`everline clock`: the business clock; in sandbox mode it can be moved, for every process at once."""
    arguments = argparse.ArgumentParser("everline clock", description=clock.__doc__)
    moves = arguments.add_mutually_exclusive_group()
    moves.add_argument(
        "--advance", type=float, metavar="SECONDS", help="move by so many seconds, may be negative"
    )
    moves.add_argument(
        "--set", type=_instant, metavar="TIME", help="move to an ISO 8601 time, UTC if it has no zone"
    )
    moves.add_argument("--reset", action="store_true", help="back to the machine's time")
    chosen = arguments.parse_args(words)
    django.setup()
    try:
        if chosen.advance is not None:
            business_clock.set_offset(business_clock.offset() + timedelta(seconds=chosen.advance))
        elif chosen.set is not None:
            business_clock.set_offset(chosen.set - business_clock.real_now())
        elif chosen.reset:
            business_clock.set_offset(timedelta(0))
    except (business_clock.ClockFrozen, ValueError, OverflowError, OSError) as error:
        raise CommandError(f"The clock was not moved: {error}") from error
    print(
        f"{business_clock.now().isoformat(timespec='seconds')} (machine {_signed(business_clock.offset())})"
    )
    return 0


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _signed(offset: timedelta) -> str:
    return f"-{-offset}" if offset < timedelta(0) else f"+{offset}"
