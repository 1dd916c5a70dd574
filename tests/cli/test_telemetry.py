"""Pulling the segments of devices: whole, resumed, from any way to a hive."""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.cli import telemetry
from ninedoor.cli.exits import Exit
from ninedoor.cli.main import main
from ninedoor.client.client import Client
from ninedoor.client.opening import connect
from ninedoor.config import TelemetryIngest
from tests.client.hives import QUICK, Daemon, daemon
from tests.deployment import ticket

ROOT = "/queen/telemetry"


def push(hive: Client, device: str, *records: bytes) -> None:
    """Begin a segment and fill it."""
    hive.append(f"{ROOT}/{device}/ctl", b'{"new":"segment"}\n')
    segment = hive.read(f"{ROOT}/{device}/latest").decode().strip()
    for record in records:
        hive.append(f"{ROOT}/{device}/seg/{segment}", record)


@contextmanager
def filled(place: Path) -> Iterator[tuple[Daemon, Client]]:
    """Two devices with three segments."""
    with daemon(place) as running, connect(running.unix) as hive:
        push(hive, "dev-1", b"one\n" * 1000, b"two\n")
        push(hive, "dev-1", b"three\n")
        push(hive, "dev-2", b"four\n")
        yield running, hive


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


WHOLE = {
    "dev-1/seg-000001": b"one\n" * 1000 + b"two\n",
    "dev-1/seg-000002": b"three\n",
    "dev-2/seg-000001": b"four\n",
}


def test_all_segments_of_all_devices_are_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    with filled(tmp_path) as (running, _hive):
        assert main(["telemetry", "pull", str(running.unix), "--out", str(out)]) == Exit.OK

    assert files(out) == WHOLE
    assert capsys.readouterr().out.splitlines() == [
        f"telemetry device=dev-1 segment=seg-000001 bytes=4004 saved={out}/dev-1/seg-000001",
        f"telemetry device=dev-1 segment=seg-000002 bytes=6 saved={out}/dev-1/seg-000002",
        f"telemetry device=dev-2 segment=seg-000001 bytes=5 saved={out}/dev-2/seg-000001",
    ]


def test_over_tcp_with_a_ticket(tmp_path: Path) -> None:
    out, token = tmp_path / "out", tmp_path / "queen.ticket"
    token.write_text(ticket("queen", now=time.time()))
    with filled(tmp_path) as (running, _hive):
        command = ["telemetry", "pull", str(running.tcp), "--ticket", str(token), "--out", str(out)]
        assert main(command) == Exit.OK

    assert files(out) == WHOLE


def test_from_a_directory_as_a_mount_has_it(tmp_path: Path) -> None:
    """What a mount shows are files; that a real one does is for tests/mount to say."""
    for name, content in WHOLE.items():
        device, segment = name.split("/")
        place = tmp_path / "mnt" / "queen" / "telemetry" / device / "seg"
        place.mkdir(parents=True, exist_ok=True)
        (place / segment).write_bytes(content)
    out = tmp_path / "out"

    assert main(["telemetry", "pull", f"{tmp_path}/mnt/", "--out", str(out)]) == Exit.OK

    assert files(out) == WHOLE


def test_what_is_there_is_kept_and_what_has_grown_is_continued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with filled(tmp_path) as (running, hive):
        command = ["telemetry", "pull", str(running.unix), "--out", str(out)]
        main(command)
        before = (out / "dev-1/seg-000001").stat().st_ino
        capsys.readouterr()
        hive.append(f"{ROOT}/dev-2/seg/seg-000001", b"five\n")
        assert main(command) == Exit.OK

    assert (out / "dev-1/seg-000001").stat().st_ino == before
    assert files(out) == WHOLE | {"dev-2/seg-000001": b"four\nfive\n"}
    assert capsys.readouterr().out.splitlines() == [
        f"telemetry device=dev-1 segment=seg-000001 bytes=4004 kept={out}/dev-1/seg-000001",
        f"telemetry device=dev-1 segment=seg-000002 bytes=6 kept={out}/dev-1/seg-000002",
        f"telemetry device=dev-2 segment=seg-000001 bytes=10 saved={out}/dev-2/seg-000001",
    ]


@pytest.mark.parametrize("size", [0, 1, 3999, 4004])
def test_a_pull_that_was_interrupted_is_continued(tmp_path: Path, size: int) -> None:
    out = tmp_path / "out"
    partial = out / "dev-1" / "seg-000001.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WHOLE["dev-1/seg-000001"][:size])
    with filled(tmp_path) as (running, _hive):
        assert main(["telemetry", "pull", str(running.unix), "--out", str(out)]) == Exit.OK

    assert files(out) == WHOLE


def test_an_interruption_leaves_no_file_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with filled(tmp_path) as (running, _hive):
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", interrupted)
            assert main(["telemetry", "pull", str(running.unix), "--out", str(out)]) == Exit.INTERRUPTED
        assert list(files(out)) == ["dev-1/seg-000001.partial"]

        assert main(["telemetry", "pull", str(running.unix), "--out", str(out)]) == Exit.OK

    assert files(out) == WHOLE


@pytest.mark.parametrize("name", ["seg-000001", "seg-000001.partial"])
def test_what_another_hive_had_is_not_continued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out = tmp_path / "out"
    (out / "dev-1").mkdir(parents=True)
    (out / "dev-1" / name).write_bytes(b"something else")
    with filled(tmp_path) as (running, _hive):
        assert main(["telemetry", "pull", str(running.unix), "--out", str(out)]) == Exit.FAILED

    assert "is no beginning of /queen/telemetry/dev-1/seg/seg-000001" in capsys.readouterr().err
    assert (out / "dev-1" / name).read_bytes() == b"something else"


def test_a_file_that_is_longer_than_its_segment_is_another_hives(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "dev-1").mkdir(parents=True)
    (out / "dev-1/seg-000001").write_bytes(WHOLE["dev-1/seg-000001"] + b"more")
    with filled(tmp_path) as (running, _hive):
        assert main(["telemetry", "pull", str(running.unix), "--out", str(out)]) == Exit.FAILED


def test_without_devices_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with daemon(tmp_path) as running:
        assert main(["telemetry", "pull", str(running.unix), "--out", str(tmp_path / "out")]) == Exit.OK

    assert capsys.readouterr().out == "telemetry: none\n"


def test_where_ingest_is_off_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    off = replace(QUICK, telemetry_ingest=TelemetryIngest(0, 0, 0))
    with daemon(tmp_path, config=off) as running:
        assert main(["telemetry", "pull", str(running.unix), "--out", str(tmp_path / "out")]) == Exit.FAILED

    assert capsys.readouterr().err == (
        f"ninedoor telemetry pull: {running.unix} has no /queen/telemetry: "
        "telemetry ingest is disabled there\n"
    )


class _Source:
    """A hive with one segment that is evicted when it is looked at, or whose names are odd."""

    def __init__(self, device: str, segment: str) -> None:
        self.device = device
        self.segment = segment

    def names(self, path: str) -> list[str]:
        return [self.device] if path == ROOT else [self.segment]

    @contextmanager
    def open(self, path: str) -> Iterator[telemetry.Reader]:
        raise OSError(errno.ESTALE, "evicted")
        yield


@contextmanager
def _as_source(source: _Source) -> Iterator[_Source]:
    yield source


def test_a_segment_that_is_evicted_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    partial = tmp_path / "dev" / "seg-000001.partial"
    partial.parent.mkdir()
    partial.write_bytes(b"be")
    source = _Source("dev", "seg-000001")
    monkeypatch.setattr(telemetry, "_opened", lambda _arguments: _as_source(source))

    assert main(["telemetry", "pull", "mnt", "--out", str(tmp_path)]) == Exit.OK

    assert capsys.readouterr().err == "ninedoor telemetry pull: dev/seg-000001 was evicted meanwhile\n"
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("device", "segment"), [("..", "s"), ("d", "../s"), ("d", ""), ("d", "a\x1bb"), (".", "s"), ("a/b", "s")]
)
def test_no_name_leads_out_of_the_directory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    device: str,
    segment: str,
) -> None:
    source = _Source(device, segment)
    monkeypatch.setattr(telemetry, "_opened", lambda _arguments: _as_source(source))

    assert main(["telemetry", "pull", "mnt", "--out", str(tmp_path / "out")]) == Exit.FAILED

    assert "the hive has a name that is none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["mnt", "--ticket", "t"], "a mount has attached already: --role and --ticket are for URLs"),
        (["unix:/s?fids=3"], "unix:/s: options are for --listen"),
        (["unix:/nowhere/at/all"], "cannot connect to unix:/nowhere/at/all"),
    ],
)
def test_what_cannot_be_pulled_from(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["telemetry", "pull", *words, "--out", str(tmp_path)]) != Exit.OK

    assert complaint in capsys.readouterr().err


def test_a_directory_that_is_not_there_is_no_hive_without_ingest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, status, said in (
        (tmp_path / "absent", Exit.USAGE, "absent does not exist: name the directory of a mount"),
        (tmp_path, Exit.FAILED, f"no hive is mounted on {tmp_path}"),
    ):
        assert main(["telemetry", "pull", str(place), "--out", str(tmp_path / "out")]) == status
        assert said in capsys.readouterr().err
