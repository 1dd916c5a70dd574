"""Ending what serves by any of its names, and nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ninedoor.cli import registry, umount
from ninedoor.cli.exits import Exit
from ninedoor.cli.main import main
from ninedoor.cli.registry import Service
from tests.cli.conftest import Terminal


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(registry, "SYSTEM_DIRECTORY", tmp_path / "system")
    return tmp_path


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What would have been signalled; nobody waits for it to end."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr("ninedoor.cli.stop.wait_for", lambda entry, done: None)
    return sent


def registered(home: Path, **facts: object) -> Service:
    pid = os.getpid()
    start = registry.process_start(pid)
    assert start is not None
    service = Service(pid, start, 1_800_000_000.0, **facts)  # type: ignore[arg-type]  # as the test likes
    registry.register(service)
    return service


@pytest.mark.parametrize(
    "name",
    [
        "unix:/run/s",
        "unix:///run/s",
        "unix:/run/../run/s",
        "unix:/run/s?fids=1",
        "/run/s",
        "tcp://[::1]:9",
        "PID",
    ],
)
def test_a_served_hive_is_called_by_its_urls_or_its_process(
    home: Path, signalled: list[tuple[int, int]], name: str
) -> None:
    registered(home, listeners=("tcp://[::1]:9", "unix:/run/s"))

    assert main(["stop", name.replace("PID", str(os.getpid()))]) == Exit.OK
    assert signalled == [(os.getpid(), signal.SIGTERM)]


def test_a_mount_is_called_by_its_directory(
    home: Path, signalled: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(home, mountpoint=str(home / "m"))
    monkeypatch.chdir(home)

    assert main(["stop", "m/"]) == Exit.OK
    assert len(signalled) == 1


@pytest.mark.parametrize("name", ["1", "unix:/other", "m", "tcp://[::1]:10", ""])
def test_what_is_not_registered_is_not_signalled(
    home: Path, signalled: list[tuple[int, int]], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    registered(home, listeners=("unix:/run/s",))

    assert main(["stop", name]) == Exit.FAILED
    assert signalled == []
    assert f"nothing that runs here is called {name}" in capsys.readouterr().err


def test_a_name_of_several_is_asked_back(
    home: Path, signalled: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    registered(home, listeners=("unix:/s",))
    registered(home, mountpoint="/m", listeners=("unix:/s",))

    assert main(["stop", "unix:/s"]) == Exit.FAILED
    assert signalled == []
    assert "name it by its number" in capsys.readouterr().err


def test_another_users_process_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    registered(home, listeners=("unix:/s",))
    monkeypatch.setattr(os, "kill", refuse)

    assert main(["stop", "unix:/s"]) == Exit.USAGE
    assert capsys.readouterr().err == f"ninedoor stop: process {os.getpid()} is another user's\n"


def test_a_process_that_does_not_end_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    monkeypatch.setattr(umount, "WAIT_S", 0.1)
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start = registry.process_start(process.pid)
        assert start is not None
        registry.register(Service(process.pid, start, 1_800_000_000.0, listeners=("unix:/s",)))
        status = main(["stop", "unix:/s"])
        process.kill()

    assert status == Exit.FAILED
    assert capsys.readouterr().err == (
        f"ninedoor stop: told to end, but its process {process.pid} has not ended after 0.1 s\n"
    )


def test_a_hive_is_gone_with_its_socket_and_its_entry_when_the_command_returns(terminal: Terminal) -> None:
    terminal.run("serve", "--daemon", "--log-file", "log", "--listen", "unix:s")
    (row,) = terminal.rows()
    done = terminal.run("stop", "unix:s")

    assert (done.returncode, done.stdout, done.stderr) == (Exit.OK, "", "")
    assert registry.process_start(row["pid"]) is None
    assert not (terminal.home / "s").exists()
    assert terminal.rows() == []


@pytest.mark.mount
def test_a_mount_is_unmounted(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    done = terminal.run("stop", "m")

    assert done.returncode == Exit.OK
    assert process.wait(10) == Exit.OK
    assert os.listdir(place) == []
