"""No foreign key points upstairs, not even one given as a string, which imports cannot show.

usage: DJANGO_SETTINGS_MODULE=… python -m tools.check_keys
"""

import sys

import django

django.setup()

from tools.check_fk_direction import upward_foreign_keys  # noqa: E402 - models need the registry


def main() -> int:
    """Print every foreign key to a higher floor or a stranger on the same one; 1 when there is one."""
    found = upward_foreign_keys()
    for model, field, target in found:
        print(f"{model}.{field} points at {target}, which this room must not know")
    if not found:
        print("keys: none points upstairs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
