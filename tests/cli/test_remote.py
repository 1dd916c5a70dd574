"""The mount of a hive that another process serves: who may, what it shows, and how it bears losses."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ninedoor.cli import examples, registry
from ninedoor.cli.arguments import describe
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.remote import DEADLINE_S, _tell, remote_plan
from ninedoor.cli.running import Running, entry
from ninedoor.client.resumption import REFUSED_PAUSES_S, ChannelState
from tests.cli.conftest import Terminal

DEADLINE = 20.0
"""Longest wait for something that takes a fraction of a second."""


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` returns once that is true."""
    end = time.monotonic() + DEADLINE
    while not (found := holds()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


def served(terminal: Terminal, *words: str) -> "subprocess.Popen[str]":
    """A hive on `unix:s`."""
    return terminal.start("serve", "--listen", "unix:s", *words)[0]


def ticket(terminal: Terminal, *words: str) -> str:
    path = terminal.home / "ticket"
    path.write_text(terminal.run("ticket", "mint", *words).stdout)
    return "ticket"


def test_the_documented_deadline_is_the_one_in_effect() -> None:
    actions = describe().parse_args(["mount", "m", "unix:s"])

    assert actions.deadline is None
    assert DEADLINE_S == 10
    assert "default 10" in " ".join(mount_help().split())


def mount_help() -> str:
    parser = describe()
    return next(
        command.format_help()
        for action in parser._actions
        for name, command in (getattr(action, "choices", None) or {}).items()
        if name == "mount"
    )


def test_over_tcp_a_ticket_is_asked_for_before_anybody_is_connected_to() -> None:
    with pytest.raises(CommandFailure, match="over TCP a hive wants a ticket") as refused:
        remote_plan(describe().parse_args(["mount", "m", "tcp://127.0.0.1:1"]))

    assert refused.value.status == Exit.USAGE


@pytest.fixture
def telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(registry, "SYSTEM_DIRECTORY", tmp_path / "system")
    running = Running(entry(mountpoint="/m", source="unix:/s"), Readiness(None))
    running.ready("x")
    return running


def test_every_loss_is_one_line_of_the_log_and_the_registry_follows(
    telling: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    _tell(telling, ChannelState(True, 100.0))
    quiet = list(caplog.messages)
    _tell(telling, ChannelState(False, 110.0, "the server closed it"))
    _tell(telling, ChannelState(False, 110.0, "nobody listens there", attempts=1))
    (lost,) = registry.running()
    _tell(telling, ChannelState(True, 117.0))
    (found,) = registry.running()

    assert quiet == []
    assert (lost.lost_since, lost.lost_why) == (110.0, "nobody listens there")
    assert (found.lost_since, found.lost_why) == (None, None)
    assert caplog.messages == [
        "connection to unix:/s lost: the server closed it; trying again",
        "connected to unix:/s again after 7 s",
    ]


@pytest.mark.mount
def test_the_hive_of_another_process_is_mounted(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    served(terminal)
    process, said = terminal.start("mount", "m", "unix:s")
    (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    (row,) = terminal.rows(place)

    assert said[0] == f"unix:{terminal.home}/s is mounted on m as queen."
    assert os.listdir(place / "worker") == ["worker-1"]
    assert (row["kind"], row["condition"], row["workers"]) == ("remote", "serving", 1)
    assert (row["source"], row["pid"]) == (f"unix:{terminal.home}/s", process.pid)
    assert (row["manifest"], row["state"], row["listeners"]) == (None, None, [])
    assert f"unix:{terminal.home}/s" in Path("/proc/self/mountinfo").read_text()


@pytest.mark.mount
def test_over_tcp_a_ticket_decides_who_it_is(terminal: Terminal) -> None:
    queen, worker = terminal.mountpoint("queen"), terminal.mountpoint("worker")
    url = served_on_tcp(terminal)
    terminal.run("mount", "--daemon", "queen", url, "--ticket", ticket(terminal, "--role", "queen"))
    early = terminal.run(
        "mount", "worker", url, "--ticket", ticket(terminal, "--role", "worker-bus", "--subject", "worker-1")
    )
    (queen / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    words = ("--role", "worker-heartbeat", "--subject", "worker-1")
    done = terminal.run("mount", "--daemon", "worker", url, "--ticket", ticket(terminal, *words))
    (row,) = terminal.rows(worker)

    assert early.returncode == Exit.FAILED
    assert early.stderr == (f"ninedoor mount: {url} refuses worker-bus:worker-1: it has no such worker\n")
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert row["role"] == "worker-heartbeat:worker-1"
    with pytest.raises(PermissionError):
        (worker / "queen" / "ctl").read_bytes()


def served_on_tcp(terminal: Terminal) -> str:
    _, said = terminal.start("serve", "--listen", "tcp://127.0.0.1:0")
    return next(line.removeprefix("Listening on ") for line in said if line.startswith("Listening"))


@pytest.mark.mount
def test_what_cannot_be_mounted_is_one_line(terminal: Terminal) -> None:
    terminal.mountpoint()
    url = served_on_tcp(terminal)
    (terminal.home / "secret").write_text("nobody's\n")
    forged = ticket(terminal, "--role", "queen", "--secret-file", "secret")
    nobody = terminal.run("mount", "m", "unix:none")
    deaf = terminal.run("mount", "m", "tcp://127.0.0.1:9", "--ticket", forged)
    wrong = terminal.run("mount", "--daemon", "m", url, "--ticket", forged)

    assert nobody.stderr == (
        f"ninedoor mount: cannot connect to unix:{terminal.home}/none: "
        "there is no such socket; is a hive listening there?\n"
    )
    assert deaf.stderr == (
        "ninedoor mount: cannot connect to tcp://127.0.0.1:9: nobody listens there; is the hive running?\n"
    )
    assert wrong.stderr == (
        f"ninedoor mount: {url} refuses queen: operation not permitted: "
        "is the ticket this hive's, of this role, and not expired?\n"
    )
    assert {nobody.returncode, deaf.returncode, wrong.returncode} == {Exit.FAILED}


@pytest.mark.mount
def test_a_server_that_says_nothing_is_one_line_after_the_deadline(terminal: Terminal) -> None:
    terminal.mountpoint()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(terminal.home / "s"))
        silent.listen()
        done = terminal.run("mount", "m", "unix:s", "--deadline", "0.5")

    assert done.returncode == Exit.FAILED
    assert re.fullmatch(
        rf"ninedoor mount: no reply from unix:{terminal.home}/s within [0-9.]+ s\n", done.stderr
    )


@pytest.mark.mount
def test_a_killed_hive_is_found_again_and_status_says_how_it_stands(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    kept = ("--state", "state")
    hive = served(terminal, *kept)
    terminal.run("mount", "--daemon", "--log-file", "log", "--deadline", "1", "m", "unix:s")
    (place / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    hive.kill()
    hive.communicate()
    (away,) = until(lambda: [row for row in terminal.rows(place) if row["condition"] != "serving"])
    with pytest.raises(TimeoutError):
        (place / "proc" / "boot").read_bytes()
    served(terminal, *kept)
    until(lambda: terminal.rows(place)[0]["condition"] == "serving")

    assert away["condition"].startswith("reconnecting for ")
    assert os.listdir(place / "worker") == ["worker-1"]

    terminal.run("umount", "m")
    log = (terminal.home / "log").read_text()

    assert log.endswith(f" ninedoor: unmounted {place}\n")
    assert log.count("; trying again") == 1
    assert log.count(f"connected to unix:{terminal.home}/s again after") == 1


@pytest.mark.mount
@pytest.mark.slow
def test_a_hive_that_does_not_let_it_in_again_ends_it(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    hive, said = terminal.start("serve", "--listen", "tcp://127.0.0.1:0")
    url = next(line.removeprefix("Listening on ") for line in said if line.startswith("Listening"))
    terminal.run("init", "new.toml")
    token = ticket(terminal, "--role", "queen")
    terminal.run("mount", "--daemon", "--log-file", "log", "m", url, "--ticket", token)
    hive.terminate()
    hive.communicate()
    terminal.start("serve", "--manifest", "new.toml", "--listen", url)
    until(lambda: terminal.rows(place)[0]["condition"].endswith("operation not permitted"))
    with pytest.raises(PermissionError):
        os.listdir(place)
    end = time.monotonic() + 2 * DEADLINE + sum(REFUSED_PAUSES_S)
    while terminal.rows(place):
        assert time.monotonic() < end, "it is still mounted"
        time.sleep(0.5)

    assert os.listdir(place) == []
    assert (
        (terminal.home / "log")
        .read_text()
        .endswith(
            f" ERROR ninedoor: {url} does not let queen in any more: operation not permitted; unmounted\n"
        )
    )


@pytest.mark.mount
@pytest.mark.parametrize("end", ["umount", "stop"])
def test_it_can_be_ended_while_the_hive_hangs(terminal: Terminal, end: str) -> None:
    place = terminal.mountpoint()
    hive = served(terminal)
    process = terminal.start("mount", "m", "unix:s", "--deadline", "60")[0]
    hive.send_signal(signal.SIGSTOP)
    with subprocess.Popen(["cat", place / "proc" / "boot"], stderr=subprocess.PIPE, text=True) as reader:
        asked = terminal.run(end, *(["--lazy"] if end == "umount" else []), "m")
        reader_status = reader.wait(DEADLINE) if end == "stop" else None
        if end == "umount":
            hive.send_signal(signal.SIGCONT)
    hive.send_signal(signal.SIGCONT)

    assert (asked.returncode, asked.stderr) == (Exit.OK, "")
    assert process.wait(DEADLINE) == Exit.OK
    assert reader_status in (None, 1)
    assert os.listdir(place) == []


@pytest.mark.mount
def test_two_mounts_of_one_hive_have_binds_and_roles_of_their_own(terminal: Terminal) -> None:
    near, far = terminal.mountpoint("near"), terminal.mountpoint("far")
    terminal.start("mount", "near", "--listen", "unix:s")
    (near / "queen" / "ctl").write_text('{"spawn":"heartbeat","ticks":100}\n')
    words = ("--role", "worker-heartbeat", "--subject", "worker-1")
    terminal.run("mount", "--daemon", "far", "unix:s", "--ticket", ticket(terminal, *words))
    (near / "queen" / "ctl").write_text('{"bind":{"from":"/log","to":"/here"}}\n')

    assert os.listdir(near / "here") == ["queen.log"]
    assert "here" not in os.listdir(far)
    with pytest.raises(PermissionError):
        (far / "queen" / "ctl").write_text('{"kill":"worker-1"}\n')
    assert "\nspawned worker-1 " in (far / "log" / "queen.log").read_text()


def test_examples_are_said_for_the_shell() -> None:
    assert "'tcp://127.0.0.1:5640?profile=linux'" in examples.MOUNT


@pytest.mark.mount
@pytest.mark.parametrize("extra", [(), ("--daemon", "--log-file", "log")])
def test_a_mount_that_waits_for_its_hive_can_be_interrupted(
    terminal: Terminal, extra: tuple[str, ...]
) -> None:
    place = terminal.mountpoint()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(terminal.home / "s"))
        silent.listen()
        silent.settimeout(DEADLINE)
        process = subprocess.Popen(
            [*terminal.program, "mount", "m", "unix:s", *extra],
            cwd=terminal.home,
            env=terminal.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        terminal.serving.append(process)
        peer, _ = silent.accept()
        with peer:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=DEADLINE)
            gone = peer.recv(8192) == b"" or peer.recv(8192) == b""

    assert (process.returncode, gone) == (Exit.INTERRUPTED, True)
    assert said.startswith("ninedoor mount: interrupted")
    assert os.listdir(place) == []
