import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ninedoor.cli import registry, umount
from ninedoor.cli.exits import Exit
from ninedoor.cli.main import main
from ninedoor.cli.umount import canonical, hives
from tests.cli.conftest import Terminal


def test_a_listed_path_is_recognised_without_being_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    listed = str(tmp_path / "real" / "hive")
    monkeypatch.chdir(tmp_path / "real")
    follow = os.path.realpath

    def untouched(path: str) -> str:
        assert Path(path).name != "hive", "a server that hangs would be asked"
        return follow(path)

    monkeypatch.setattr(os.path, "realpath", untouched)

    assert canonical(listed, [listed]) == listed
    assert canonical("hive", [listed]) == listed
    assert canonical("./hive/", [listed]) == listed
    assert canonical(str(tmp_path / "link" / "hive"), [listed]) == listed


def test_other_paths_are_followed_to_where_they_lead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hive").mkdir()
    (tmp_path / "link").symlink_to("hive")
    monkeypatch.chdir(tmp_path / "hive")
    listed = [str(tmp_path / "hive")]

    assert canonical(str(tmp_path / "link"), listed) == listed[0]
    assert canonical(".", listed) == listed[0]
    assert canonical("../hive/..", listed) == str(tmp_path)
    assert canonical("/", listed) == "/"


@pytest.mark.parametrize("place", ["/", "/proc", ".", "none"])
def test_nothing_but_a_hive_is_unmounted(terminal: Terminal, place: str) -> None:
    done = terminal.run("umount", place)

    assert done.returncode == Exit.FAILED
    assert done.stderr == f"ninedoor umount: {place}: no hive is mounted here\n"


@pytest.mark.mount
def test_a_busy_hive_stays_unless_it_is_detached(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    with (place / "proc" / "boot").open() as open_file:
        busy = terminal.run("umount", "m")
        answers = os.listdir(place)
        lazy = terminal.run("umount", "--lazy", "m")
        still_readable = open_file.read()
    said = process.communicate(timeout=10)

    assert busy.returncode == Exit.FAILED
    assert "busy" in busy.stderr
    assert "--lazy" in busy.stderr
    assert "proc" in answers
    assert (lazy.returncode, lazy.stderr) == (Exit.OK, "")
    assert still_readable
    assert process.returncode == Exit.OK, said


def test_umount_returns_only_when_the_server_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    lives = iter([True, True, False])

    class Entry:
        pid = 1

        @property
        def alive(self) -> bool:
            order.append("asked")
            return next(lives)

    monkeypatch.setattr(umount, "hives", lambda: ["/mnt/a"])
    monkeypatch.setattr(umount, "unmount", lambda _place, lazy: order.append("unmounted"))
    monkeypatch.setattr(registry, "find", lambda _place: Entry())
    monkeypatch.setattr(time, "sleep", lambda _pause: None)

    assert main(["umount", "/mnt/a"]) == Exit.OK
    assert order == ["unmounted", "asked", "asked", "asked"]


@pytest.mark.mount
def test_the_server_has_ended_and_let_go_of_its_state_on_return(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = terminal.mountpoint()
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", terminal.environment["NINEDOOR_RUNTIME_DIR"])
    terminal.run("mount", "--daemon", "--state", "s", "m")
    entry = registry.find(str(place))
    status = main(["umount", str(place)])

    assert entry is not None
    assert (status, entry.alive, str(place) in hives()) == (Exit.OK, False, False)
    assert terminal.run("mount", "--daemon", "--state", "s", "m").stderr == ""


@pytest.mark.mount
def test_a_stale_mount_is_taken_away(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    process.kill()
    process.wait()
    done = terminal.run("umount", "m")

    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert os.listdir(place) == []


@pytest.mark.mount
def test_umount_of_the_system_ends_the_server_too(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    subprocess.run(["fusermount3", "-u", str(place)], check=True)
    process.communicate(timeout=10)

    assert process.returncode == Exit.OK


@pytest.mark.mount
@pytest.mark.slow
def test_a_server_that_does_not_end_is_reported(terminal: Terminal) -> None:
    terminal.mountpoint()
    process = terminal.serve("m")
    process.send_signal(signal.SIGSTOP)
    done = terminal.run("umount", "m")
    process.send_signal(signal.SIGCONT)

    assert done.returncode == Exit.FAILED
    assert f"its process {process.pid} has not ended after 10 s" in done.stderr
