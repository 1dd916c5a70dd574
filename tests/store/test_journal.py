"""The disk journal: what it keeps, what it refuses, and what each failing system call leaves."""

import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ninedoor.config import Store
from ninedoor.errors import CorruptStore, P9Error, StoreError
from ninedoor.store import frames
from ninedoor.store.journal import GROWTH_BYTES, DiskJournal
from tests.store.faults import Faults

FIRST = "journal-0000000000000001"
SECOND = "journal-0000000000000002"
SMALL = Store(segment_bytes=4096)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def journal(place: Path) -> Iterator[DiskJournal]:
    """A new journal, loaded."""
    journal = DiskJournal(place, SMALL)
    journal.load()
    yield journal
    journal.close()


def content(place: Path) -> tuple[bytes | None, list[bytes], list[str]]:
    """What a restart finds: snapshot, records, notes."""
    journal = DiskJournal(place, SMALL)
    try:
        snapshot, records = journal.load()
        return snapshot, list(records), journal.notes
    finally:
        journal.close()


def left_behind(journal: DiskJournal, name: str = FIRST) -> bytes:
    """The file as a killed process leaves it: not synced, and no mark for the last records."""
    return (journal._directory.path / name).read_bytes()


def test_new_store_is_one_generation(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    journal.close()

    assert sorted(path.name for path in place.iterdir()) == [FIRST, "lock"]
    assert content(place) == (None, [b"one"], [])


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=5000), max_size=20), st.none() | st.binary(max_size=3000))
def test_records_and_snapshot_come_back(
    tmp_path_factory: pytest.TempPathFactory, unsynced: None, records: list[bytes], snapshot: bytes | None
) -> None:
    place = tmp_path_factory.mktemp("store") / "state"
    journal = DiskJournal(place, SMALL)
    journal.load()
    if snapshot is not None:
        journal.append(b"before")
        journal.compact(snapshot)
    for record in records:
        journal.append(record)
    journal.close()

    assert content(place) == (snapshot, records, [])


def test_log_grows_over_many_mappings(place: Path, journal: DiskJournal) -> None:
    records = [bytes([number]) * 400_000 for number in range(1, 12)]
    for record in records:
        journal.append(record)
    journal.close()

    assert (place / FIRST).stat().st_size > 4 * GROWTH_BYTES
    assert content(place) == (None, records, [])


def test_records_are_in_the_file_without_any_sync(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    data = left_behind(journal)
    log = frames.read_log(data, frames.HEADER_BYTES)

    assert (log.records, log.rest) == (1, 0)


def test_new_store_is_durable_before_it_is_used(place: Path, faults: Faults) -> None:
    journal = DiskJournal(place, SMALL)
    faults.arm(99, lambda: None)
    journal.load()

    written = ["unlink", "open", "posix_fallocate", "pwrite", "fsync"]
    assert faults.calls == [*written, "mmap", "rename", "fsync"]
    journal.close()


def test_load_is_called_once(journal: DiskJournal) -> None:
    with pytest.raises(RuntimeError, match="called once"):
        journal.load()


def test_append_before_load_and_after_close_is_refused(place: Path) -> None:
    journal = DiskJournal(place, SMALL)
    for _ in range(2):
        with pytest.raises(P9Error, match="EIO: the journal is not open"):
            journal.append(b"x")
        with pytest.raises(P9Error, match="EIO: the journal is not open"):
            journal.compact(b"x")
        journal.close()
    journal.commit()
    journal.sync()


def test_second_process_is_told_who_has_it(place: Path, journal: DiskJournal) -> None:
    with pytest.raises(StoreError, match=f"in use by pid {os.getpid()}"):
        DiskJournal(place, SMALL)


# The end of the log


def test_interrupted_append_is_cut_and_noted(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    journal.append(b"a longer record")
    data = bytearray(left_behind(journal))
    journal.close()
    end = frames.HEADER_BYTES + 8 + 3
    data[end + 16 : end + 23] = bytes(7)
    (place / FIRST).write_bytes(data)

    assert content(place) == (
        None,
        [b"one"],
        [f"{FIRST}: cut 16 bytes of an interrupted write at byte {end}"],
    )
    assert content(place) == (None, [b"one"], [])


def test_append_after_a_cut_is_not_followed_by_what_was_cut(place: Path, journal: DiskJournal) -> None:
    for record in (b"lost", b"kept until now", b"and this"):
        journal.append(record)
    data = bytearray(left_behind(journal))
    journal.close()
    data[frames.HEADER_BYTES + 8] ^= 1
    (place / FIRST).write_bytes(data)
    journal = DiskJournal(place, SMALL)
    _, records = journal.load()
    journal.append(b"same")
    journal.close()

    assert list(records) == []
    assert content(place) == (None, [b"same"], [])


def test_damage_before_a_sync_is_corrupt(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    journal.append(b"two")
    journal.sync()
    data = bytearray(left_behind(journal))
    journal.close()
    data[-GROWTH_BYTES + 8] ^= 1
    (place / FIRST).write_bytes(data)

    with pytest.raises(CorruptStore) as caught:
        content(place)
    assert (caught.value.file, caught.value.offset) == (place / FIRST, frames.HEADER_BYTES)
    assert (place / FIRST).read_bytes() == data


@pytest.mark.usefixtures("unsynced")
@pytest.mark.parametrize("synced", [True, False])
def test_every_damaged_byte_of_the_file_is_a_prefix_or_corrupt(
    place: Path, journal: DiskJournal, *, synced: bool
) -> None:
    journal.compact(b"the state")
    before = [b"first", b"second record"]
    for record in before:
        journal.append(record)
    if synced:
        journal.sync()
    whole = left_behind(journal, SECOND)[:140]
    journal.close()
    outcomes = set()
    for position in range(len(whole)):
        flipped = whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :]
        for damaged in (flipped, whole[:position]):
            (place / SECOND).write_bytes(damaged)
            try:
                snapshot, records, notes = content(place)
            except CorruptStore:
                outcomes.add("corrupt")
                continue
            outcomes.add("cut" if notes else "whole")
            assert snapshot == b"the state"
            assert records == before[: len(records)]
            assert records == before or not synced

    assert outcomes == {"corrupt", "cut", "whole"}


# Generations


def test_wants_snapshot_after_segment_bytes(journal: DiskJournal) -> None:
    for _ in range(4):
        journal.append(bytes(1000))
    before = journal.wants_snapshot()
    journal.append(bytes(1000))

    assert not before
    assert journal.wants_snapshot()


def test_wants_snapshot_after_four_snapshots(journal: DiskJournal) -> None:
    journal.compact(bytes(5000))
    for _ in range(19):
        journal.append(bytes(1000))
    before = journal.wants_snapshot()
    journal.append(bytes(1000))

    assert not before
    assert journal.wants_snapshot()


def test_compact_leaves_one_generation(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    journal.compact(b"state")
    journal.append(b"two")

    assert sorted(path.name for path in place.iterdir()) == [SECOND, "lock"]
    journal.close()
    assert content(place) == (b"state", [b"two"], [])


def test_older_generation_and_unfinished_files_are_removed(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    old = left_behind(journal)
    journal.compact(b"state")
    journal.close()
    (place / FIRST).write_bytes(old)
    (place / "journal-0000000000000003.tmp").write_bytes(b"half")
    snapshot, records, notes = content(place)

    assert (snapshot, records) == (b"state", [])
    assert notes == [
        "removed journal-0000000000000003.tmp: its writing was interrupted",
        f"removed {FIRST}: a newer generation is complete",
    ]
    assert sorted(path.name for path in place.iterdir()) == [SECOND, "lock"]


def test_damaged_generation_is_not_replaced_by_an_older_one(place: Path, journal: DiskJournal) -> None:
    journal.append(b"one")
    old = left_behind(journal)
    journal.compact(b"state")
    journal.close()
    (place / FIRST).write_bytes(old)
    data = bytearray((place / SECOND).read_bytes())
    data[frames.HEADER_BYTES] ^= 1
    (place / SECOND).write_bytes(data)

    with pytest.raises(CorruptStore, match="checksum of the snapshot"):
        content(place)
    assert (place / FIRST).exists()


def test_other_format_is_refused_untouched(place: Path, journal: DiskJournal) -> None:
    journal.close()
    preface = frames.PREFACE.pack(frames.MAGIC, 9)
    data = preface + frames.CRC.pack(crc32(preface)) + b"whatever"
    (place / FIRST).write_bytes(data)

    with pytest.raises(StoreError, match="store format 9, this version reads format 1"):
        content(place)
    assert (place / FIRST).read_bytes() == data


# Syncing


@pytest.mark.parametrize(("policy", "syncs"), [("always", 2), ("batch", 0), ("never", 0)])
def test_commit_syncs_once_per_batch_where_the_policy_says_so(
    place: Path, faults: Faults, policy: str, syncs: int
) -> None:
    journal = DiskJournal(place, Store(fsync=policy))  # type: ignore[arg-type]
    journal.load()
    faults.arm(99, lambda: None, only="fdatasync")
    for _ in range(2):
        for _ in range(3):
            journal.append(b"record")
        journal.commit()
        journal.commit()

    assert len(faults.calls) == syncs
    journal.close()


def test_sync_is_one_call_and_none_when_clean(journal: DiskJournal, faults: Faults) -> None:
    faults.arm(99, lambda: None, only="fdatasync")
    journal.sync()
    clean = len(faults.calls)
    journal.append(b"record")
    journal.sync()
    journal.sync()

    assert clean == 0
    assert len(faults.calls) == 1


def test_sync_that_waited_for_another_has_nothing_left(journal: DiskJournal, faults: Faults) -> None:
    journal.append(b"one")
    waiting = Thread(target=journal.sync)
    faults.arm(1, waiting.start, only="fdatasync")
    journal.sync()
    waiting.join()

    assert faults.calls == ["fdatasync"]


def test_load_makes_durable_what_it_returns(place: Path, journal: DiskJournal, faults: Faults) -> None:
    journal.append(b"one")
    data = left_behind(journal)
    journal.close()
    (place / FIRST).write_bytes(data)
    faults.arm(99, lambda: None, only="fsync")
    content(place)
    after = (place / FIRST).read_bytes()

    assert faults.calls == ["fsync"]
    assert frames.read_header(data, place, 1).mark == frames.HEADER_BYTES
    assert frames.read_header(after, place, 1).mark == frames.HEADER_BYTES + 8 + 3


@pytest.mark.parametrize("policy", ["always", "batch", "never"])
def test_failed_sync_is_final(place: Path, faults: Faults, policy: str) -> None:
    journal = DiskJournal(place, Store(fsync=policy))  # type: ignore[arg-type]
    journal.load()
    journal.append(b"one")
    faults.fail(1, errno.EIO, only="fdatasync")
    calls: list[Callable[[], None]] = [journal.sync, journal.sync]
    calls += [partial(journal.append, b"two"), partial(journal.compact, b"state")]
    for call in calls:
        with pytest.raises(P9Error, match="EIO: sync failed: input/output error"):
            call()
    faults.disarm()
    journal.close()

    assert content(place) == (None, [b"one"], [])


@pytest.mark.parametrize("step", ["posix_fallocate", "rename"])
def test_failed_sync_in_another_thread_is_final(journal: DiskJournal, faults: Faults, step: str) -> None:
    """It may fail while this thread allocates room, or writes the next generation."""
    journal.append(b"one")
    faults.arm(1, lambda: journal._fail("sync failed"), only=step, after=True)
    if step == "rename":
        journal.compact(b"state")
    for _ in range(2):
        with pytest.raises(P9Error, match="EIO: sync failed"):
            journal.append(bytes(1 << 20))
    with pytest.raises(P9Error, match="EIO: sync failed"):
        journal.append(b"two")


def test_what_was_reserved_is_kept_though_a_sync_failed_in_between(
    place: Path, journal: DiskJournal, faults: Faults
) -> None:
    """Somebody was told that it will be, when the store was still good."""
    journal.append(b"one")
    journal.reserve(100)
    faults.fail(1, errno.EIO, only="fdatasync")
    with pytest.raises(P9Error, match="EIO: sync failed"):
        journal.sync()
    faults.disarm()

    journal.append(b"two", reserved=True)

    for refused in (partial(journal.append, b"three"), partial(journal.reserve, 100)):
        with pytest.raises(P9Error, match="EIO: sync failed"):
            refused()
    journal.close()
    assert content(place) == (None, [b"one", b"two"], [])


@pytest.mark.parametrize("size", [1, 1 << 16, 1 << 20])
def test_reserved_room_is_there_for_a_record_of_that_size(
    place: Path, journal: DiskJournal, faults: Faults, size: int
) -> None:
    """However near the end of the allocated room the log is."""
    while journal._limit - journal._end > 70_000:
        journal.append(bytes(60_000))
    before = len(left_behind(journal))
    journal.reserve(size)
    faults.fail(1, errno.ENOSPC, only="posix_fallocate")

    journal.append(b"x" * size, reserved=True)

    faults.disarm()
    assert len(left_behind(journal)) >= before
    journal.close()
    _snapshot, records, _notes = content(place)
    assert records[-1] == b"x" * size


def test_room_that_is_not_there_is_not_promised(place: Path, journal: DiskJournal, faults: Faults) -> None:
    journal.append(b"one")
    faults.fail(1, errno.ENOSPC, only="posix_fallocate")
    with pytest.raises(P9Error, match="ENOSPC: no room for a record"):
        journal.reserve(1 << 20)
    faults.disarm()
    journal.append(b"two")
    journal.close()

    assert content(place) == (None, [b"one", b"two"], [])


@pytest.mark.parametrize("failing", ["commit", "sync"])
def test_failed_sync_shows_in_the_commit_of_its_batch_and_in_none_without_records(
    place: Path, faults: Faults, failing: str
) -> None:
    """The commit syncs itself, or comes after a sync that was asked for in the batch."""
    journal = DiskJournal(place, Store(fsync="always"))
    journal.load()
    journal.append(b"one")
    faults.fail(1, errno.EIO, only="fdatasync")
    if failing == "sync":
        with pytest.raises(P9Error, match="EIO: sync failed"):
            journal.sync()

    with pytest.raises(P9Error, match="EIO: sync failed"):
        journal.commit()
    for _ in range(2):
        journal.commit()
        with pytest.raises(P9Error, match="EIO: sync failed"):
            journal.append(b"two")
    journal.close()


@pytest.mark.parametrize("policy", ["batch", "never"])
def test_commit_that_promises_nothing_never_fails(place: Path, faults: Faults, policy: str) -> None:
    journal = DiskJournal(place, Store(fsync=policy))  # type: ignore[arg-type]
    journal.load()
    journal.append(b"one")
    faults.fail(1, errno.EIO, only="fdatasync")
    with pytest.raises(P9Error, match="EIO: sync failed"):
        journal.sync()

    journal.commit()
    journal.commit()
    journal.close()


def test_commit_after_a_compaction_syncs_a_log_that_ends_where_the_old_one_did(
    place: Path, faults: Faults
) -> None:
    journal = DiskJournal(place, Store(fsync="always"))
    journal.load()
    journal.append(b"12345678")
    journal.commit()
    end = journal._end
    journal.compact(b"1234")
    journal.append(b"5678")
    assert journal._end == end
    faults.arm(99, lambda: None, only="fdatasync")

    journal.commit()

    assert faults.calls == ["fdatasync"]
    journal.close()


def test_mark_follows_a_sync_and_does_not_precede_it(journal: DiskJournal, faults: Faults) -> None:
    journal.append(b"one")
    journal.sync()
    journal.append(b"two")
    faults.fail(1, errno.EIO, only="fdatasync")
    with pytest.raises(P9Error):
        journal.sync()

    assert frames.read_header(left_behind(journal), Path(FIRST), 1).mark == frames.HEADER_BYTES + 11


def test_marks_are_written_one_copy_at_a_time(journal: DiskJournal) -> None:
    copies = []
    for _ in range(3):
        journal.append(b"one")
        before = left_behind(journal)
        journal.sync()
        after = left_behind(journal)
        copies.append([before[offset : offset + 16] != after[offset : offset + 16] for offset in (40, 56)])

    assert copies == [[True, False], [False, True], [True, False]]


def test_sync_in_a_thread_beside_appends_and_compactions(place: Path, journal: DiskJournal) -> None:
    failures: list[BaseException] = []
    done = False

    def sync() -> None:
        while not done:
            try:
                journal.sync()
            except P9Error as exc:
                failures.append(exc)

    thread = Thread(target=sync)
    thread.start()
    expected: list[bytes] = []
    for number in range(3000):
        record = b"%d" % number * 200
        journal.append(record)
        expected.append(record)
        if number in (1000, 2000):
            journal.compact(b"%d" % number)
            expected.clear()
    done = True
    thread.join()
    journal.close()

    assert failures == []
    assert content(place) == (b"2000", expected, [])


# A full disk


def fill(journal: DiskJournal) -> int:
    """Append records of 6,000 bytes until one is refused, and return how many were not."""
    for number in range(1000):
        try:
            journal.append(b"%06d" % number * 1000)
        except P9Error:
            return number
    raise AssertionError("the disk is not full")


def test_full_disk_refuses_the_append_and_nothing_else(small_disk: Path) -> None:
    place = small_disk / "state"
    journal = DiskJournal(place, SMALL)
    journal.load()
    accepted = fill(journal)
    with pytest.raises(P9Error) as caught:
        journal.append(b"%06d" % accepted * 1000)
    journal.append(b"small enough for the rest")
    with pytest.raises(P9Error, match="ENOSPC: no snapshot written: no space left on device"):
        journal.compact(bytes(2 << 20))
    journal.sync()
    journal.close()
    _, records, notes = content(place)

    assert str(caught.value) == "ENOSPC: no room for a record: no space left on device"
    assert accepted > 400
    assert records == [b"%06d" % number * 1000 for number in range(accepted)] + [b"small enough for the rest"]
    assert notes == []
    assert sorted(path.name for path in place.iterdir()) == [FIRST, "lock"]


def test_append_works_again_once_there_is_room(place: Path, journal: DiskJournal, faults: Faults) -> None:
    big = bytes(1 << 20)
    journal.append(b"one")
    for code, told in (
        (errno.ENOSPC, "ENOSPC"),
        (errno.EDQUOT, "ENOSPC"),
        (errno.EFBIG, "ENOSPC"),
        (errno.EIO, "EIO"),
    ):
        faults.fail(1, code, only="posix_fallocate")
        with pytest.raises(P9Error, match=f"{told}: no room for a record"):
            journal.append(big)
    faults.disarm()
    journal.append(big)
    journal.close()

    assert content(place) == (None, [b"one", big], [])


def test_room_that_was_only_partly_there_is_given_back(
    place: Path, journal: DiskJournal, faults: Faults
) -> None:
    before = (place / FIRST).stat().st_size
    faults.fail(1, errno.ENOSPC, only="posix_fallocate", after=True)
    with pytest.raises(P9Error, match="ENOSPC"):
        journal.append(bytes(1 << 20))

    assert (place / FIRST).stat().st_size == before


def test_failed_compaction_is_not_asked_for_again_at_once(journal: DiskJournal, faults: Faults) -> None:
    while not journal.wants_snapshot():
        journal.append(bytes(1000))
    faults.fail(1, errno.ENOSPC, only="posix_fallocate")
    with pytest.raises(P9Error, match="ENOSPC: no snapshot written"):
        journal.compact(b"state")
    after = journal.wants_snapshot()
    journal.append(bytes(1024))

    assert not after
    assert journal.wants_snapshot()
