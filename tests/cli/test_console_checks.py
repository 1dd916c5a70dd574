"""What doctor finds where the console would be served."""

import json
import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli.checks import Finding, Level
from ninedoor.cli.console_checks import findings
from ninedoor.config import Console
from tests.cli.conftest import Terminal
from tests.manifest.samples import OURS, Edits, as_toml, content_of, edited

LOOPBACK = "tcp://127.0.0.1:0"


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def line() -> Iterator[str]:
    """The path of a terminal that nobody uses."""
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


def found(folder: Path, edits: Edits, *asked: Console) -> list[Finding]:
    manifest = folder / "hive.toml"
    manifest.write_text(as_toml(edited(content_of(OURS), edits)))
    return list(findings(str(manifest), asked))


def levels(folder: Path, edits: Edits, *asked: Console) -> list[tuple[Level, str]]:
    return [(finding.level, finding.detail) for finding in found(folder, edits, *asked)]


def test_nothing_is_said_where_no_console_is_asked_for(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []


def test_every_place_is_tried(tmp_path: Path, line: str) -> None:
    (tmp_path / "file").touch()
    asked = (
        Console(LOOPBACK, "t"),
        Console(f"unix:{tmp_path}/c"),
        Console(f"unix:{tmp_path}/file"),
        Console("pty:"),
        Console(f"serial:{line}?baud=9600"),
        Console("serial:/dev/null"),
    )

    assert levels(tmp_path, {}, *asked) == [
        (Level.OK, f"{LOOPBACK} is free"),
        (Level.OK, f"unix:{tmp_path}/c is free"),
        (Level.FAIL, f"unix:{tmp_path}/file: there is something else already; choose another path"),
        (Level.OK, "pty: is free"),
        (Level.OK, f"serial:{line}?baud=9600 is free"),
        (Level.FAIL, "serial:/dev/null: no terminal: inappropriate ioctl for device"),
    ]
    assert not (tmp_path / "c").exists()


def test_tokens_of_the_manifest_are_read_and_should_be_private(tmp_path: Path) -> None:
    files = (
        ("own", 0o600, "x"),
        ("shared", 0o644, "x"),
        ("empty", 0o600, ""),
        ("known", 0o600, "changeme"),
    )
    for name, mode, text in files:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    names = ("own", "shared", "empty", "missing", "known")
    edits: Edits = {("consoles",): [{"url": LOOPBACK, "token_file": name} for name in names]}

    assert levels(tmp_path, edits) == [
        (Level.OK, f"{LOOPBACK} is free"),
        (Level.WARN, f"{tmp_path}/shared holds a token and others may read it"),
        (Level.OK, f"{LOOPBACK} is free"),
        (Level.FAIL, f"{tmp_path}/empty: expected the console token alone on one line"),
        (Level.FAIL, f"token of {LOOPBACK}: {tmp_path}/missing: no such file or directory"),
        (Level.WARN, f"{LOOPBACK} has a token that everybody knows"),
    ]


def test_sample_secrets_are_refused_beyond_loopback(tmp_path: Path) -> None:
    ((level, detail),) = levels(tmp_path, {}, Console("tcp://0.0.0.0:0", "t", beyond_loopback=True))

    assert level == Level.FAIL
    assert "while the secrets of queen" in detail


def test_a_feature_without_a_place_is_told(tmp_path: Path) -> None:
    edits: Edits = {("features", "net_console"): True}

    assert [finding.level for finding in found(tmp_path, edits)] == [Level.WARN]
    assert [finding.level for finding in found(tmp_path, edits, Console(f"unix:{tmp_path}/c"))] == [Level.OK]


def test_a_manifest_with_faults_is_for_another_check(tmp_path: Path) -> None:
    assert found(tmp_path, {("secure9p", "msize"): 1}, Console("pty:")) == []
    assert list(findings(str(tmp_path / "missing"), ())) == []


def test_doctor_knows_what_is_served(terminal: Terminal) -> None:
    process, _ = terminal.start("serve", "--console", "unix:c")
    done = terminal.run("doctor", "--json", "--console", "unix:c")
    (entry,) = [entry for entry in json.loads(done.stdout) if entry["check"] == "consoles"]

    assert entry["detail"] == f"unix:{terminal.home}/c is served by process {process.pid}"
