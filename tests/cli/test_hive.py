"""A hive as a process, mounted, on sockets or both: how it starts, and what is left when it ends."""

import json
import os
import socket
import subprocess
import sys

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.client import connect
from tests.cli.conftest import Terminal


@pytest.mark.mount
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


@pytest.mark.mount
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


@pytest.mark.mount
def test_a_daemon_is_mounted_and_registered_when_its_parent_leaves(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    log = terminal.home / "log"
    done = terminal.run("mount", "--daemon", "--log-format", "json", "--log-file", "log", "--state", "s", "m")
    (row,) = terminal.rows(place)
    boot = (place / "proc" / "boot").read_text()
    gone = terminal.run("umount", "m")

    assert (done.returncode, done.stdout, done.stderr) == (Exit.OK, "", "")
    assert row | {"pid": 0, "uptime_s": 0} == {
        "kind": "mount",
        "mountpoint": str(place),
        "source": None,
        "listeners": [],
        "consoles": [],
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


@pytest.mark.mount
def test_a_daemon_that_cannot_start_is_one_line_and_a_status(terminal: Terminal) -> None:
    terminal.mountpoint()
    (terminal.home / "file").touch()
    done = terminal.run("mount", "--daemon", "--state", "file", "m")

    assert done.returncode == Exit.FAILED
    assert done.stderr.startswith("ninedoor mount: cannot open state directory ")
    assert done.stderr.count("\n") == 1


@pytest.mark.mount
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


@pytest.mark.mount
def test_a_mount_survives_a_registry_that_cannot_be_written(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    (terminal.home / "run").touch()
    process = terminal.serve(str(place))
    served = os.listdir(place)
    process.terminate()
    _, said = process.communicate(timeout=10)

    assert "proc" in served
    assert "not in the registry" in said
    assert process.returncode == Exit.OK


@pytest.mark.mount
def test_a_mounted_hive_is_served_on_sockets_too(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process, said = terminal.start("mount", "m", "--listen", "unix:s")
    (row,) = terminal.rows(place)
    with connect(f"unix:{terminal.home}/s") as client:
        client.append("/queen/ctl", b'{"spawn":"heartbeat","ticks":100}\n')
        shown = os.listdir(place / "worker")
        done = terminal.run("umount", "m")

    assert f"Listening on unix:{terminal.home}/s" in said
    assert (row["kind"], row["listeners"]) == ("mount", [f"unix:{terminal.home}/s"])
    assert shown == ["worker-1"]
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert process.wait(10) == Exit.OK
    assert not (terminal.home / "s").exists()


@pytest.mark.mount
def test_a_socket_in_use_leaves_the_directory_unmounted_and_the_state_untouched(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    terminal.start("serve", "--listen", "unix:s")
    done = terminal.run("mount", "m", "--state", "state", "--listen", "unix:s")

    assert done.returncode == Exit.FAILED
    assert "in use by process" in done.stderr
    assert os.listdir(place) == []
    assert not (terminal.home / "state").exists()


def test_sockets_and_state_can_be_taken_over_as_soon_as_a_hive_is_stopped(terminal: Terminal) -> None:
    words = ("serve", "--state", "state", "--listen", "unix:s")
    terminal.start(*words)
    with connect(f"unix:{terminal.home}/s") as client:
        client.append("/queen/ctl", b'{"spawn":"heartbeat","ticks":100}\n')
        for _ in range(3):
            assert terminal.run("stop", "unix:s").returncode == Exit.OK
            terminal.start(*words)

        assert client.names("/worker") == ["worker-1"]
