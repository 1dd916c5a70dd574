"""The mounted hive as a process: how it starts, what signals do to it, and what is left when it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ninedoor.cli import serve
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.exits import Exit
from ninedoor.cli.serve import Plan
from ninedoor.cli.umount import hives
from ninedoor.config import Config
from ninedoor.doors.fuse.options import MountError, MountOptions
from ninedoor.runtime.app import App
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
    assert any("serve.py" in line for line in lines)
    assert (place / "proc" / "boot").read_text()


def test_a_mount_left_by_a_killed_daemon_is_replaced_and_keeps_its_state(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    command = ("--state", str(terminal.home / "state"), str(place))
    process = terminal.serve(*command)
    (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    process.kill()
    process.communicate()
    with pytest.raises(OSError, match="not connected"):
        os.listdir(place)
    stale = json.loads(terminal.run("status", "--json").stdout)
    terminal.serve(*command)

    assert [row["condition"] for row in stale if row["mountpoint"] == str(place)] == ["stale"]
    assert os.listdir(place / "worker") == ["worker-1"]


def test_the_user_is_told_what_to_try_and_what_is_kept(terminal: Terminal) -> None:
    terminal.mountpoint()
    process = subprocess.Popen(
        [sys.executable, "-m", "ninedoor.cli.main", "mount", "m"],
        cwd=terminal.home,
        env=terminal.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    terminal.serving.append(process)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(7)]
    commands = [line.strip() for line in said if line.startswith("  ")]

    assert "in memory, not kept (--state DIR keeps it)" in said[0]
    assert said[-1] == "Ctrl-C here unmounts it.\n"
    for command in commands[:2]:
        subprocess.run(command, shell=True, cwd=terminal.home, check=True, capture_output=True)
    assert os.listdir(terminal.home / "m" / "worker") == ["worker-1"]


def test_a_daemon_is_mounted_and_registered_when_its_parent_leaves(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    log = terminal.home / "log"
    done = terminal.run("mount", "--daemon", "--log-format", "json", "--log-file", "log", "--state", "s", "m")
    (row,) = terminal.rows(place)
    boot = (place / "proc" / "boot").read_text()
    gone = terminal.run("umount", "m")

    assert (done.returncode, done.stdout, done.stderr) == (Exit.OK, "", "")
    assert row | {"pid": 0, "uptime_s": 0} == {
        "mountpoint": str(place),
        "condition": "serving",
        "pid": 0,
        "role": "queen",
        "uptime_s": 0,
        "workers": 0,
        "state": str(terminal.home / "s"),
        "manifest": row["manifest"],
        "manifest_sha256": row["manifest_sha256"],
    }
    assert f"manifest.sha256={row['manifest_sha256']}" in boot
    assert (gone.returncode, gone.stderr) == (Exit.OK, "")
    assert all(json.loads(line)["level"] == "info" for line in log.read_text().splitlines())
    assert list((terminal.home / "run").iterdir()) == []


def test_a_daemon_that_cannot_start_is_one_line_and_a_status(terminal: Terminal) -> None:
    terminal.mountpoint()
    (terminal.home / "file").touch()
    done = terminal.run("mount", "--daemon", "--state", "file", "m")

    assert done.returncode == Exit.FAILED
    assert done.stderr.startswith("ninedoor mount: cannot open state directory ")
    assert done.stderr.count("\n") == 1


def test_systemd_hears_of_readiness_and_of_the_end(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(terminal.home / "notify"))
        systemd.settimeout(10)
        terminal.environment["NOTIFY_SOCKET"] = str(terminal.home / "notify")
        process = terminal.serve("--foreground", str(place))
        ready = systemd.recv(4096).decode().splitlines()
        process.terminate()
        stopping = systemd.recv(4096).decode().splitlines()
        process.communicate(timeout=10)

    assert "READY=1" in ready
    assert f"MAINPID={process.pid}" in ready
    assert stopping == ["STOPPING=1"]
    assert process.returncode == Exit.OK


def test_a_mount_survives_a_registry_that_cannot_be_written(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    (terminal.home / "run").touch()
    process = terminal.serve(str(place))
    served = os.listdir(place)
    process.terminate()
    _, said = process.communicate(timeout=10)

    assert "proc" in served
    assert "the mount is not in the registry" in said
    assert process.returncode == Exit.OK


def test_a_ticket_decides_who_mounts_and_what_that_sees(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    kept = ("--state", str(terminal.home / "state"))
    minted = terminal.run("ticket", "mint", "--role", "worker-heartbeat", "--subject", "worker-1").stdout
    too_early = terminal.run("mount", *kept, "--ticket", "-", "m", given=minted)
    terminal.run("mount", "--daemon", *kept, "m")
    (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    terminal.run("umount", "m")
    in_time = terminal.run("mount", "--daemon", *kept, "--ticket", "-", "m", given=minted)

    assert too_early.returncode == Exit.FAILED
    assert "refuses worker-heartbeat:worker-1" in too_early.stderr
    assert minted.strip() not in too_early.stderr
    assert (in_time.returncode, in_time.stderr) == (Exit.OK, "")
    assert (place / "proc" / "boot").read_text()
    with pytest.raises(PermissionError):
        (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    (row,) = terminal.rows(place)
    assert (row["condition"], row["role"], row["workers"]) == ("serving", "worker-heartbeat:worker-1", None)


class OpenApp:
    """An App that does nothing but remember whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_the_state_is_closed_and_the_entry_removed_even_if_the_mount_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = OpenApp()

    async def hold(_plan: Plan, _app: object, announce: Callable[[], None]) -> None:
        announce()
        raise MountError("torn away")

    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(App, "open", lambda _config, _state: app)
    monkeypatch.setattr(serve, "_hold", hold)
    plan = Plan(tmp_path, MountOptions(), Path("m.toml"), Config(), None, "queen", "", None)
    with pytest.raises(MountError, match="torn away"):
        serve.serve(plan, Readiness(None))

    assert app.closed
    assert list((tmp_path / "run").iterdir()) == []
