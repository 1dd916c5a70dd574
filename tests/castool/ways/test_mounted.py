"""A directory is a hive when it looks like one; what the kernel says is passed on."""

import errno
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier
from threading import enumerate as enumerate_threads

import pytest

from ninedoor.castool.ways import mounted
from ninedoor.castool.ways.mounted import AHEAD, WRITERS, MountedWay
from ninedoor.castool.ways.way import Parcel
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error


def test_a_directory_without_updates_is_no_hive(tmp_path: Path) -> None:
    with pytest.raises(P9Error, match="has no updates/; is a hive with updates mounted there"):
        MountedWay(tmp_path)


def test_refusals_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "updates").mkdir()
    way = MountedWay(tmp_path)
    (sent,) = way.send("/updates", [Parcel("nothing", b"x")])

    assert sent.refused is not None
    assert sent.refused.ecode == errno.ENOENT
    with pytest.raises(P9Error, match="no such file"):
        way.read("/updates/1/status")
    with pytest.raises(P9Error, match="no such file"):
        way.names("/updates/1")
    with pytest.raises(P9Error, match="no such file"):
        way.sizes("/updates", ["1"])
    with pytest.raises(P9Error, match="no such file"):
        list(way.contents("/updates/1", 0, 1))


def test_many_files_are_written_at_once_and_told_of_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "updates").mkdir()
    way = MountedWay(tmp_path)
    names = [f"{number}" for number in range(100)]
    for name in names[::2]:
        (tmp_path / "updates" / name).touch()
    together = Barrier(WRITERS)
    written = mounted._write

    def write(place: Path, parcel: Parcel) -> None:
        together.wait(10)
        written(place, parcel)

    monkeypatch.setattr(mounted, "_write", write)
    taken: list[str] = []

    def parcels() -> Iterator[Parcel]:
        for name in names:
            taken.append(name)
            yield Parcel(name, name.encode())

    told = []
    for sent in way.send("/updates", parcels()):
        told.append((sent.parcel.name, sent.refused is None))
        assert len(taken) - len(told) < AHEAD

    assert told == [(name, int(name) % 2 == 0) for name in names]
    assert all((tmp_path / "updates" / name).read_text() == name for name in names[::2])


def test_who_looks_no_further_stops_what_has_not_begun(tmp_path: Path) -> None:
    (tmp_path / "updates").mkdir()
    way = MountedWay(tmp_path)
    for name in "abcdef":
        (tmp_path / "updates" / name).touch()
    begun = way.send("/updates", (Parcel(name, b"x") for name in "abcdef"))
    next(begun)
    begun.close()

    assert not [thread for thread in enumerate_threads() if thread.name.startswith("upload")]


def test_a_hive_that_is_away_can_be_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "updates").mkdir()
    way = MountedWay(tmp_path)

    def gone(_path: object) -> list[str]:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr("os.listdir", gone)
    with pytest.raises(Unanswered, match="not connected"):
        way.names("/updates")
