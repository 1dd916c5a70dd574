import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli.registry import process_start

ENDED = "the daemon ended before it was ready; see its log\n"

PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from ninedoor.cli.daemon import Readiness, detach
from ninedoor.cli.exits import CommandFailure, Exit

def run(serve):
    try:
        sys.exit(detach(serve))
    except CommandFailure as failure:
        print(failure.text)
        sys.exit(failure.status)

here = Path(sys.argv[1])
"""


def detached(tmp_path: Path, body: str) -> tuple[int, str]:
    """Exit status and output of a process whose daemon does `body` with `readiness`."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    program = f"{PRELUDE}\ndef serve(readiness):\n{indented}\nrun(serve)\n"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def wait_for(path: Path) -> str:
    """The text of `path` once it is there; a daemon writes it after its parent has left."""
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never appeared"
        time.sleep(0.01)
    return path.read_text()


def test_the_parent_leaves_with_0_when_the_daemon_is_ready(tmp_path: Path) -> None:
    body = (
        "readiness.ready()\n(here / 'part').write_text('on')\n(here / 'part').rename(here / 'on')\nreturn 0"
    )

    assert detached(tmp_path, body) == (0, "")
    assert wait_for(tmp_path / "on") == "on"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("readiness.failed(Exit.FAILED, 'no such state'); return 32", 32, "no such state\n"),
        ("readiness.failed(Exit.USAGE, 'two words: x'); return 1", 1, "two words: x\n"),
        ("return 0", 32, ENDED),
        ("raise ValueError", 32, ENDED),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            32,
            ENDED,
        ),
        ("sys.exit(3)", 32, ENDED),
    ],
    ids=["failed", "other status", "returned", "raised", "killed", "exited"],
)
def test_the_parent_says_why_the_daemon_failed(tmp_path: Path, body: str, status: int, said: str) -> None:
    assert detached(tmp_path, body) == (status, said)


def test_failing_after_readiness_no_longer_concerns_the_parent(tmp_path: Path) -> None:
    body = "readiness.ready()\nreadiness.failed(Exit.FAILED, 'late')\nreturn 32"

    assert detached(tmp_path, body) == (0, "")


def test_the_daemon_has_left_directory_session_and_terminal(tmp_path: Path) -> None:
    body = """
streams = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)]
facts = [os.getcwd(), str(os.getsid(0) != os.getpid()), *streams]
(here / 'part').write_text(' '.join(facts))
(here / 'part').rename(here / 'facts')
readiness.ready()
return 0"""

    assert detached(tmp_path, body) == (0, "")
    assert wait_for(tmp_path / "facts") == "/ True /dev/null /dev/null /dev/null"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A parent that waits, and the process number of its daemon, which is ready once `go` exists."""
    body = """
    (here / 'part').write_text(str(os.getpid()))
    (here / 'part').rename(here / 'pid')
    while not (here / 'go').exists():
        time.sleep(0.01)
    readiness.ready()
    (here / 'on').touch()
    return 0"""
    program = f"{PRELUDE}\ndef serve(readiness):{body}\nrun(serve)\n"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        yield parent, int(wait_for(tmp_path / "pid"))
        (tmp_path / "go").touch()


def test_interrupting_the_waiting_parent_stops_the_daemon(
    waiting: tuple["subprocess.Popen[str]", int],
) -> None:
    parent, daemon = waiting
    parent.send_signal(signal.SIGINT)
    said, _ = parent.communicate(timeout=10)

    assert (parent.returncode, said) == (8, "interrupted before it was ready\n")
    deadline = time.monotonic() + 10
    while process_start(daemon) is not None:
        assert time.monotonic() < deadline, "the daemon lives on"
        time.sleep(0.01)


def test_a_daemon_whose_parent_was_killed_serves_all_the_same(
    waiting: tuple["subprocess.Popen[str]", int], tmp_path: Path
) -> None:
    parent, _ = waiting
    parent.kill()
    parent.wait()
    (tmp_path / "go").touch()

    assert wait_for(tmp_path / "on") == ""
