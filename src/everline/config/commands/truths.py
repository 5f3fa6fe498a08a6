"""`everline check`. Django is set up when this module is imported."""

from collections.abc import Sequence

from django.core.management import call_command
from django.core.management.base import SystemCheckError

from everline.core import clock, invariants


def check(words: Sequence[str]) -> int:
    """`everline check`: Django's system checks (its options may be given), then every invariant."""
    try:
        call_command("check", *words)
    except SystemCheckError as error:
        print(error)
        return 1
    results = invariants.run_all(clock.now())
    broken = {name: violations for name, violations in results.items() if violations}
    for name, violations in broken.items():
        for violation in violations:
            print(f"{name}: {violation}")
    print(f"{len(results)} invariants, {len(broken)} broken")
    return 1 if broken else 0
