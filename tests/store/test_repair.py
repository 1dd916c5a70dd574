"""Looking at a state directory and cutting damage out of one."""

import errno
import os
from pathlib import Path

import pytest

from ninedoor.config import Store
from ninedoor.errors import StoreError
from ninedoor.store import frames
from ninedoor.store.journal import DiskJournal
from ninedoor.store.repair import inspect, repair
from tests.store.faults import Faults, run_to_its_death

FIRST = "journal-0000000000000001"
SECOND = "journal-0000000000000002"
RECORDS = [b"first", b"second record", b"third"]
START = frames.HEADER_BYTES + len(b"the state")
OFFSETS = [START, START + 13, START + 34]
NOW = 1_800_000_000.75


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A closed store: a snapshot and three records, all durable, and little room behind them."""
    place = tmp_path / "state"
    journal = DiskJournal(place, Store())
    journal.load()
    journal.compact(b"the state")
    for record in RECORDS:
        journal.append(record)
    journal.close()
    os.truncate(place / SECOND, 4096)
    return place


def damage(place: Path, offset: int, name: str = SECOND) -> bytes:
    data = bytearray((place / name).read_bytes())
    data[offset] ^= 0x20
    (place / name).write_bytes(data)
    return bytes(data)


def files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


def content(place: Path) -> tuple[bytes | None, list[bytes], list[str]]:
    journal = DiskJournal(place, Store())
    try:
        snapshot, records = journal.load()
        return snapshot, list(records), journal.notes
    finally:
        journal.close()


def test_inspect_tells_what_is_there(place: Path) -> None:
    before = files(place)
    report = inspect(place)

    assert report.directory == place
    assert report.file == place / SECOND
    assert (report.generation, report.snapshot_bytes, report.records) == (2, 9, 3)
    assert report.log_bytes == sum(map(len, RECORDS)) + 3 * 8
    assert report.file_bytes == len(before[SECOND])
    assert (report.notes, report.damage, report.in_use_by) == ((), None, None)
    assert files(place) == before


def test_inspect_sees_who_uses_the_store(place: Path) -> None:
    journal = DiskJournal(place, Store())
    journal.load()
    journal.append(b"fourth")
    report = inspect(place)
    journal.close()

    assert report.in_use_by == f"pid {os.getpid()}"
    assert report.records == 4


def test_inspect_of_an_empty_directory(tmp_path: Path) -> None:
    report = inspect(tmp_path)

    assert (report.file, report.generation, report.records, report.damage) == (None, 0, 0, None)
    assert list(tmp_path.iterdir()) == []


def test_inspect_of_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file or directory"):
        inspect(tmp_path / "none")


def test_inspect_reports_what_the_next_start_mends(place: Path) -> None:
    data = bytearray((place / SECOND).read_bytes())
    for offset in frames.MARK_OFFSETS:
        data[offset : offset + 16] = frames.encode_mark(OFFSETS[2])
    data[OFFSETS[2]] ^= 1
    (place / SECOND).write_bytes(data)
    (place / FIRST).write_bytes(b"old")
    (place / "journal-0000000000000003.tmp").write_bytes(b"half")
    before = files(place)
    report = inspect(place)

    assert report.notes == (
        "journal-0000000000000003.tmp: its writing was interrupted, the next start removes it",
        f"{FIRST}: an older generation, the next start removes it",
        f"13 bytes of an interrupted write at byte {OFFSETS[2]}, the next start cuts them",
    )
    assert (report.damage, report.records) == (None, 2)
    assert files(place) == before


def test_inspect_reports_damage(place: Path) -> None:
    damage(place, OFFSETS[1] + 9)
    before = files(place)
    report = inspect(place)

    assert report.damage is not None
    assert (report.damage.file, report.damage.offset) == (place / SECOND, OFFSETS[1])
    assert (report.records, report.snapshot_bytes) == (1, 9)
    assert files(place) == before


def test_inspect_reports_a_damaged_snapshot(place: Path) -> None:
    damage(place, frames.HEADER_BYTES)
    report = inspect(place)

    assert report.damage is not None
    assert report.damage.offset == frames.HEADER_BYTES
    assert (report.records, report.snapshot_bytes, report.log_bytes) == (0, None, 0)


def test_repair_of_a_sound_store_changes_nothing(place: Path, tmp_path: Path) -> None:
    before = files(place)
    (tmp_path / "empty").mkdir()

    assert repair(place, NOW) is None
    assert repair(tmp_path / "empty", NOW) is None
    assert files(place).keys() == before.keys()
    assert files(place)[SECOND] == before[SECOND]


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_repair_keeps_the_records_before_the_damage(place: Path, kept: int) -> None:
    damaged = damage(place, OFFSETS[kept] + 10)
    result = repair(place, NOW)

    assert result is not None
    assert result.copy == place / f"{SECOND}.damaged-1800000000"
    assert (result.file, result.offset, result.records_kept) == (place / SECOND, OFFSETS[kept], kept)
    assert result.bytes_discarded == OFFSETS[2] + 13 - OFFSETS[kept]
    assert not result.generation_lost
    assert result.copy.read_bytes() == damaged
    assert content(place) == (b"the state", RECORDS[:kept], [])
    assert inspect(place).damage is None


def test_copy_is_durable_before_anything_is_changed(place: Path, faults: Faults) -> None:
    damage(place, OFFSETS[1] + 9)
    faults.arm(99, lambda: None)
    repair(place, NOW)

    copying = ["open", "pwrite", "fsync", "fsync"]
    assert faults.calls[-9:] == [*copying, "pwrite", "pwrite", "fsync", "ftruncate", "fsync"]


def test_repair_of_a_log_that_ends_too_early(place: Path) -> None:
    os.truncate(place / SECOND, OFFSETS[1])
    result = repair(place, NOW)

    assert result is not None
    assert (result.records_kept, result.bytes_discarded) == (1, 0)
    assert content(place) == (b"the state", RECORDS[:1], [])


def test_repair_does_not_overwrite_an_earlier_copy(place: Path) -> None:
    (place / f"{SECOND}.damaged-1800000000").write_bytes(b"earlier")
    damage(place, OFFSETS[0])
    result = repair(place, NOW)

    assert result is not None
    assert result.copy.name == f"{SECOND}.damaged-1800000001"
    assert (place / f"{SECOND}.damaged-1800000000").read_bytes() == b"earlier"


def test_repair_refuses_to_give_up_everything(place: Path) -> None:
    damage(place, frames.HEADER_BYTES + 2)
    before = files(place)

    with pytest.raises(StoreError, match="no record in it can be used without that: restore the file from a"):
        repair(place, NOW)
    assert files(place)[SECOND] == before[SECOND]
    assert files(place).keys() == before.keys()


def test_repair_falls_back_to_an_older_generation(place: Path, tmp_path: Path) -> None:
    journal = DiskJournal(tmp_path / "other", Store())
    journal.load()
    journal.append(b"old record")
    journal.close()
    (place / FIRST).write_bytes((tmp_path / "other" / FIRST).read_bytes())
    damaged = damage(place, frames.HEADER_BYTES + 2)
    result = repair(place, NOW)

    assert result is not None
    assert (result.generation_lost, result.records_kept) == (True, 1)
    assert result.copy.read_bytes() == damaged
    assert content(place) == (None, [b"old record"], [])


def test_repair_refuses_a_store_in_use(place: Path) -> None:
    journal = DiskJournal(place, Store())

    with pytest.raises(StoreError, match=f"is in use by pid {os.getpid()}"):
        repair(place, NOW)
    journal.close()


def test_repair_loses_nothing_by_a_failure_at_any_step(place: Path, faults: Faults) -> None:
    damaged = damage(place, OFFSETS[1] + 9)
    for step in range(1, 30):
        faults.fail(step, errno.ENOSPC)
        try:
            result = repair(place, NOW)
        except StoreError as exc:
            text = str(exc)
            result = None
        faults.disarm()
        if result is not None:
            break
        assert "no space left on device" in text
        copies = [data for name, data in files(place).items() if "damaged" in name]
        assert all(copy == damaged for copy in copies)
        assert (place / SECOND).read_bytes() == damaged or copies
        (place / SECOND).write_bytes(damaged)

    assert step > 10
    assert content(place) == (b"the state", RECORDS[:1], [])


@pytest.mark.parametrize("after", [False, True])
def test_repair_survives_a_kill_at_every_step(place: Path, faults: Faults, *, after: bool) -> None:
    damaged = damage(place, OFFSETS[1] + 9)
    killed, step = True, 0
    while killed:
        step += 1
        (place / SECOND).write_bytes(damaged)

        def work(step: int = step) -> None:
            faults.kill(step, after=after)
            repair(place, NOW + step * 100)

        killed = run_to_its_death(work)
        copies = [data for name, data in files(place).items() if "damaged" in name]
        assert (place / SECOND).read_bytes() == damaged or damaged in copies
        repair(place, NOW + step * 100 + 50)
        assert content(place)[:2] == (b"the state", RECORDS[:1])

    assert step > 10
