"""Which tests run here: slow ones on request, mounting ones where a mount is possible, those with a Linux
guest where one can be started; and how many did not.

Every skip is counted with its reason at the end of the run, so that a machine that can do less shows it. A
mount that outlives the run fails it.
"""

import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from ninedoor.doors.fuse.mounts import is_ours, mounts
from tests.linux_guests import cannot_boot

settings.register_profile("ninedoor", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ninedoor")

_mounted_before: set[str] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption(
        "--rewrite-transcripts", action="store_true", help="write answers into tests/transcripts"
    )


def hives_mounted() -> set[str]:
    """Directories on which hives are mounted on this machine."""
    return {mount.directory for mount in mounts() if is_ours(mount)}


def pytest_sessionstart() -> None:
    _mounted_before.update(hives_mounted())
    # nohup and shells without job control start jobs so. Children inherit what is ignored, but have the
    # default again where there is a handler.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    own: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    left = [
        place
        for place in sorted(hives_mounted() - _mounted_before)
        if Path(place).is_relative_to(own) or not Path(place).is_relative_to(own.parent)  # another run's
    ]
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        sys.stderr.write(f"\nmounts left behind by the tests: {', '.join(left)}\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {}
    if not config.getoption("--slow"):
        reasons["slow"] = "slow: run by scripts/test --slow"
    for marker, cannot in (("mount", cannot_mount), ("linux_guest", cannot_boot)):
        if any(item.get_closest_marker(marker) for item in items) and (why_not := cannot()) is not None:
            reasons[marker] = f"no {marker.replace('_', ' ')}: {why_not}"
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped {count}: {reason}")


def cannot_mount() -> str | None:
    """Why no file system can be mounted here, None when one can."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
    except OSError as failure:
        return f"/dev/fuse: {failure.strerror}"
    if shutil.which("fusermount3") is None:
        return "fusermount3 is missing"
    return None
