"""Hold the house against its budgets (docs/house.md): runs the ruler and refuses what is over.

usage: python tools/check_budgets.py [SRC_PACKAGE_DIR [TESTS_DIR]]
"""

import contextlib
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import measure_house

#: Column of the ruler's row -> (most that is allowed, what it means).
AT_MOST = {
    "median": (80, "median lines of a file"),
    "max": (500, "lines of the longest file"),
    "class max": (200, "lines of the longest class"),
    "local-imp%": (0.5, "imports inside functions, per cent"),
    "mutual pairs": (0, "packages that import each other"),
    "signals": (0, "Django signals"),
    "TODO": (0, "leftovers"),
}
FUNCTION_P90, FUNCTION_MAX, TEST_MAX = 30, 70, 600
RATIO = (1.2, 2.0)


def rows(source: Path, tests: Path) -> dict[str, str]:
    """The ruler's row for a package, by column."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        measure_house.main(source.name, str(source), str(tests))
    return dict(
        zip(measure_house.HEADER.split("|"), out.getvalue().strip().strip("|").split("|"), strict=True)
    )


def violations(row: dict[str, str]) -> list[str]:
    """One sentence for each budget that is exceeded."""
    found = [
        f"{meaning}: {row[column]}, at most {most}"
        for column, (most, meaning) in AT_MOST.items()
        if float(row[column]) > most
    ]
    p90, longest = (int(value) for value in row["fn p50/p90/max"].split("/")[1:])
    if p90 > FUNCTION_P90 or longest > FUNCTION_MAX:
        found.append(f"functions: p90 {p90} and longest {longest}, at most {FUNCTION_P90} and {FUNCTION_MAX}")
    if int(row["annot%"]) < 100:  # noqa: PLR2004 - all of them
        found.append(f"annotated functions: {row['annot%']} %, all of them must be")
    if not row["cycle cluster"].startswith(("0/", "1/")):
        found.append(f"packages in an import cycle: {row['cycle cluster']}")
    if int(row["test med/max"].split("/")[1]) > TEST_MAX:
        found.append(
            f"lines of the longest test file: {row['test med/max'].split('/')[1]}, at most {TEST_MAX}"
        )
    if not RATIO[0] <= float(row["tests/src LOC"]) <= RATIO[1]:
        found.append(
            f"lines of tests per line of source: {row['tests/src LOC']}, between {RATIO[0]} and {RATIO[1]}"
        )
    return found


def main(arguments: list[str]) -> int:
    """Print the ruler's row and what is over budget; 1 when anything is."""
    source = Path(arguments[0] if arguments else "src/everline")
    tests = Path(arguments[1] if len(arguments) > 1 else "tests")
    row = rows(source, tests)
    print("  ".join(f"{column} {value}" for column, value in row.items()))
    found = violations(row)
    for each in found:
        print(f"over budget: {each}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
