"""What signals do to a process that serves."""

import os
import signal
import subprocess
import sys
import time

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.cli.umount import hives
from tests.cli.conftest import Terminal

pytestmark = pytest.mark.mount


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_unmounts_cleanly_with_files_open(terminal: Terminal, stop: signal.Signals) -> None:
    place = terminal.mountpoint()
    process = terminal.serve(str(place))
    with (
        (place / "proc" / "boot").open() as open_file,
        subprocess.Popen(["sleep", "60"], cwd=place / "log") as inside,
    ):
        process.send_signal(stop)
        _, said = process.communicate(timeout=10)
        inside.kill()

        assert process.returncode == Exit.OK
        assert f"{stop.name}: unmounting {place}" in said
        assert said.splitlines()[-1] == f"ninedoor: INFO: unmounted {place}"
        assert str(place) not in hives()
        with pytest.raises(OSError):  # noqa: PT011 - ENOTCONN or EIO, as the kernel likes
            open_file.read()
    assert list((terminal.home / "run").iterdir()) == []


def test_under_nohup_a_closed_terminal_changes_nothing(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    terminal.program = ("nohup", *terminal.program)
    process = terminal.serve("m")
    process.send_signal(signal.SIGHUP)
    served = os.listdir(place)
    process.terminate()
    process.communicate(timeout=10)

    assert "proc" in served
    assert process.returncode == Exit.OK


def test_a_second_signal_forces_even_if_the_loop_is_stuck(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    program = (
        "import sys, time\n"
        "from ninedoor.doors.fuse.mount import Door\n"
        "from ninedoor.cli.main import main\n"
        "Door.terminate = lambda door: time.sleep(60)\n"
        "sys.exit(main(['mount', sys.argv[1]]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(place)],
        env=terminal.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    terminal.serving.append(process)
    assert process.stdout is not None
    assert process.stderr is not None
    while not process.stdout.readline().startswith("Ctrl-C"):
        pass
    process.send_signal(signal.SIGINT)
    while "SIGINT: unmounting" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    deadline = time.monotonic() + 10
    while str(place) in hives():
        assert time.monotonic() < deadline, "the mount was not detached"
        time.sleep(0.01)

    assert process.returncode == Exit.INTERRUPTED


def test_sigusr1_shows_what_the_tasks_do_and_changes_nothing(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve(str(place))
    assert process.stderr is not None
    process.send_signal(signal.SIGUSR1)
    lines = [process.stderr.readline()]
    while "- pyfuse" not in lines[-1]:
        lines.append(process.stderr.readline())

    assert "trio tasks:" in lines[0]
    assert any("hive.py" in line for line in lines)
    assert (place / "proc" / "boot").read_text()
