"""The suite's own rules, as a pytest plugin: nothing is skipped, and each folder has a budget of time."""

from collections import defaultdict
from collections.abc import Generator

import pytest

#: Seconds that each folder's tests may take together on two busy cores; the whole stays under half an hour.
BUDGETS = {
    "acceptance": 420,
    "accounts": 120,
    "api": 180,
    "architecture": 90,
    "backoffice": 150,
    "catalog": 90,
    "config": 300,
    "contracts": 60,
    "core": 60,
    "journeys": 750,
    "lines": 30,
    "notifications": 60,
    "orders": 120,
    "payments": 90,
    "portal": 270,
    "sandbox": 180,
    "suppliers": 60,
    "support": 60,
    "usage": 180,
}


class Suites:
    """Watches reports as they come in, also from workers."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test has ended."""
        parts = report.nodeid.split("/")
        self.seconds[parts[1] if len(parts) > 2 else "tests"] += report.duration
        if report.skipped:
            self.skipped.append(f"{report.nodeid}: {report.longrepr}")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """A test that was skipped is a test that failed to run."""
        if self.skipped and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Seconds per suite beside its budget, and what was skipped."""
        terminalreporter.section("suites")
        for name, seconds in sorted(self.seconds.items()):
            over = " OVER BUDGET" if seconds > BUDGETS.get(name, 60) else ""
            terminalreporter.write_line(f"{name:15} {seconds:7.1f} s of {BUDGETS.get(name, 60)} s{over}")
        for line in self.skipped:
            terminalreporter.write_line(f"skipped, which counts as failed: {line}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Captured output with half a character in it could not be passed on from a worker."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Watch in the process that reports, not in its workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Suites(), "everline-suites")
