import json
from pathlib import Path

import pytest

from ninedoor.cli import checks
from ninedoor.cli.checks import Finding, Level
from ninedoor.cli.main import main
from ninedoor.cli.umount import hives
from ninedoor.config import Store
from ninedoor.store.journal import DiskJournal
from tests.cli.conftest import Terminal


@pytest.fixture
def quiet_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the state is looked at for real."""
    monkeypatch.setattr(checks, "host", lambda: iter([Finding(Level.OK, "python", "3")]))
    monkeypatch.setattr(
        checks, "manifest", lambda _chosen, _also: iter([Finding(Level.WARN, "secrets", "x", "do y")])
    )
    monkeypatch.setattr(checks, "mounts", lambda: iter(()))
    monkeypatch.setattr(checks, "stale_mounts", list)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A state of three records, of which the second is damaged."""
    state = tmp_path / "state"
    journal = DiskJournal(state, Store())
    journal.load()
    for record in (b"first", b"second", b"third"):
        journal.append(record)
    journal.close()
    file = next(state.glob("journal-*"))
    file.write_bytes(file.read_bytes().replace(b"second", b"sec0nd"))
    return state


@pytest.mark.usefixtures("quiet_host")
def test_warnings_alone_are_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "OK    python: 3\nWARN  secrets: x\n      fix: do y\n"


@pytest.mark.usefixtures("quiet_host")
def test_a_failed_check_is_a_system_error(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--state", str(damaged)]) == 2
    assert "FAIL  state: " in capsys.readouterr().out


@pytest.mark.usefixtures("quiet_host")
def test_json_has_every_finding(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--state", str(damaged)]) == 2
    found = json.loads(capsys.readouterr().out)

    assert [entry["check"] for entry in found] == ["python", "secrets", "state", "space"]
    assert list(found[0]) == ["level", "check", "detail", "hint"]


@pytest.mark.usefixtures("quiet_host")
def test_repair_keeps_what_is_sound_and_a_copy_of_the_rest(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--repair", "--state", str(damaged)]) == 0
    said = capsys.readouterr().out
    journal = DiskJournal(damaged, Store())
    _, records = journal.load()
    kept = list(records)
    journal.close()

    assert "WARN  repair: " in said
    assert "records kept: 1," in said
    assert kept == [b"first"]
    assert len(list(damaged.glob("*.damaged-*"))) == 1
    assert main(["doctor", "--repair", "--state", str(damaged)]) == 0
    assert "nothing to repair" in capsys.readouterr().out


@pytest.mark.usefixtures("quiet_host")
def test_repair_leaves_a_state_in_use_alone(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--repair", "--state", str(damaged)])
    journal = DiskJournal(damaged, Store())
    status = main(["doctor", "--repair", "--state", str(damaged)])
    journal.close()

    assert status == 32
    assert "in use by pid" in capsys.readouterr().err


@pytest.mark.mount
def test_repair_clears_a_stale_mount(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    process.kill()
    process.wait()
    said = terminal.run("doctor").stdout
    repaired = terminal.run("doctor", "--repair").stdout

    assert f"FAIL  mounts: {place} is stale: its server is gone" in said
    assert f"OK    repair: detached the stale mount {place}" in repaired
    assert str(place) not in hives()


def test_sockets_are_tried_where_the_manifest_and_the_command_line_would_listen(terminal: Terminal) -> None:
    terminal.start("serve", "--listen", "unix:served")
    (terminal.home / "file").touch()
    urls = ("unix:served", "unix:file", "unix:free", "tcp://127.0.0.1:0")
    done = terminal.run("doctor", "--json", *(word for url in urls for word in ("--listen", url)))
    found = [entry for entry in json.loads(done.stdout) if entry["check"] == "listeners"]

    assert [(entry["level"], entry["detail"]) for entry in found] == [
        ("OK", f"unix:{terminal.home}/served is served by process {terminal.serving[0].pid}"),
        ("FAIL", f"unix:{terminal.home}/file: there is something else already; choose another path"),
        ("OK", f"unix:{terminal.home}/free is free"),
        ("OK", "tcp://127.0.0.1:0 is free"),
    ]
    assert done.returncode == 2
    assert not (terminal.home / "free").exists()


def test_a_socket_that_cannot_be_asked_for_is_a_wrong_line(terminal: Terminal) -> None:
    done = terminal.run("doctor", "--listen", "tcp://0.0.0.0:0")

    assert (done.returncode, done.stdout) == (1, "")
    assert "--beyond-loopback permits it" in done.stderr
