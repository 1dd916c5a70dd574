"""What a reader of a generation file concludes from its bytes, whole and damaged."""

from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import CorruptStore, StoreError
from ninedoor.limits import RECORD_MAX
from ninedoor.store import frames

FILE = Path("journal-0000000000000007")
RECORDS = [b"first", b"\0\0\x01", b"third record", b"x"]


def image(snapshot: bytes | None, records: list[bytes], *, marked: int = 0, zeros: int = 40) -> bytes:
    """A generation file whose durable mark stands behind the first `marked` records."""
    log = [frames.encode_frame(record) for record in records]
    data = bytearray(frames.encode_header(7, snapshot) + (snapshot or b"") + b"".join(log) + bytes(zeros))
    start = frames.HEADER_BYTES + len(snapshot or b"")
    for offset in frames.MARK_OFFSETS:
        data[offset : offset + 16] = frames.encode_mark(start + sum(map(len, log[:marked])))
    return bytes(data)


def read(data: bytes) -> tuple[bytes | None, list[bytes], int]:
    """Snapshot, records and the torn bytes, as a load takes them. Raises CorruptStore."""
    header = frames.read_header(data, FILE, 7)
    log = frames.read_log(data, header.start)
    damage = frames.damage_of(header, log, FILE)
    if damage is not None:
        raise damage
    records = list(frames.records_between(data, header.start, log.end))
    assert len(records) == log.records
    return header.snapshot, records, log.rest


@given(st.none() | st.binary(max_size=300), st.lists(st.binary(min_size=1, max_size=300)), st.integers(0, 50))
def test_file_reads_back_as_written(snapshot: bytes | None, records: list[bytes], zeros: int) -> None:
    data = image(snapshot, records, marked=len(records), zeros=zeros)

    assert read(data) == (snapshot, records, 0)


@given(st.lists(st.binary(min_size=1, max_size=60)), st.binary(max_size=200))
def test_anything_behind_the_mark_adds_no_wrong_record(records: list[bytes], tail: bytes) -> None:
    data = image(b"s", records, marked=len(records), zeros=0) + tail
    snapshot, found, rest = read(data)

    assert snapshot == b"s"
    assert found[: len(records)] == records
    assert rest <= len(tail)


@given(st.binary(max_size=400))
def test_only_store_errors_leave_the_reader(data: bytes) -> None:
    with pytest.raises(StoreError):
        read(data)


@pytest.mark.parametrize("snapshot", [None, b"", b"the state"])
@pytest.mark.parametrize("marked", [0, 2, 4])
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_is_a_prefix_or_corrupt(snapshot: bytes | None, marked: int, flip: int) -> None:
    data = image(snapshot, RECORDS, marked=marked)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= flip
        check_prefix_or_corrupt(bytes(damaged), snapshot, marked, position)


@pytest.mark.parametrize("snapshot", [None, b"", b"the state"])
@pytest.mark.parametrize("marked", [0, 2, 4])
def test_every_truncation_is_a_prefix_or_corrupt(snapshot: bytes | None, marked: int) -> None:
    data = image(snapshot, RECORDS, marked=marked)
    for position in range(len(data)):
        check_prefix_or_corrupt(data[:position], snapshot, marked, position)


@pytest.mark.parametrize("marked", [0, 2, 4])
def test_zeros_from_any_byte_on_are_a_prefix_or_corrupt(marked: int) -> None:
    data = image(b"the state", RECORDS, marked=marked)
    for position in range(len(data)):
        damaged = data[:position] + bytes(len(data) - position)
        check_prefix_or_corrupt(damaged, b"the state", marked, position)


def check_prefix_or_corrupt(damaged: bytes, snapshot: bytes | None, marked: int, position: int) -> None:
    """Damage that begins at `position` leaves all whole records before it, or is told with its place."""
    start = frames.HEADER_BYTES + len(snapshot or b"")
    ends = [start]
    for record in RECORDS:
        ends.append(ends[-1] + frames.FRAME.size + len(record))
    whole = sum(end <= position for end in ends[1:])
    result = read_or_damage(damaged)
    if isinstance(result, CorruptStore):
        assert position < ends[marked], "behind the mark nothing is corrupt"
        near = [0, 12, 16, 40, 72, len(damaged)] if position < start else [ends[whole]]
        assert result.offset in near
    else:
        found, records, _ = result
        assert found == snapshot
        assert records == RECORDS[: len(records)]
        assert len(records) >= max(marked, whole)
        assert len(records) == len(RECORDS) or position >= start


def read_or_damage(data: bytes) -> tuple[bytes | None, list[bytes], int] | CorruptStore:
    try:
        return read(data)
    except CorruptStore as damage:
        return damage


@pytest.mark.parametrize("page", range(4))
def test_page_lost_to_a_power_cut_behind_the_mark_ends_the_log_there(page: int) -> None:
    records = [bytes([65 + number]) * 1000 for number in range(16)]
    data = image(None, records, marked=0)
    lost = max(frames.HEADER_BYTES, 4096 * page)
    damaged = data[:lost] + bytes(4096 * (page + 1) - lost) + data[4096 * (page + 1) :]
    _, found, rest = read(damaged)

    assert found == records[: (lost - frames.HEADER_BYTES) // 1008]
    assert rest > 0


def test_page_lost_before_the_mark_is_corrupt() -> None:
    records = [bytes([65 + number]) * 1000 for number in range(16)]
    data = image(None, records, marked=16)
    damaged = data[:4096] + bytes(4096) + data[8192:]

    with pytest.raises(CorruptStore, match="a record does not match its checksum") as caught:
        read(damaged)
    assert caught.value.offset == frames.HEADER_BYTES + 3 * 1008


def test_log_that_ends_before_its_mark_is_corrupt() -> None:
    data = image(None, RECORDS, marked=4)
    end = frames.HEADER_BYTES + 8 + len(RECORDS[0])

    with pytest.raises(CorruptStore, match="the log ends, 40 bytes before its durable mark"):
        read(data[:end] + bytes(100))


def test_higher_of_two_marks_counts() -> None:
    data = bytearray(image(None, RECORDS, marked=4))
    data[40:56] = frames.encode_mark(frames.HEADER_BYTES)
    header = frames.read_header(bytes(data), FILE, 7)

    assert header.mark == len(data) - 40


def test_half_written_mark_leaves_the_other() -> None:
    data = bytearray(image(None, RECORDS, marked=2))
    data[40:48] = frames.encode_mark(frames.HEADER_BYTES + 1)[:8]

    assert read(bytes(data)) == (None, RECORDS, 0)


def test_two_damaged_marks_are_corrupt() -> None:
    data = bytearray(image(None, RECORDS))
    data[40:72] = bytes(32)

    with pytest.raises(CorruptStore, match="both copies of the durable mark"):
        read(bytes(data))


def test_other_format_says_what_to_do() -> None:
    preface = frames.PREFACE.pack(frames.MAGIC, 2)
    data = preface + frames.CRC.pack(crc32(preface)) + bytes(100)

    with pytest.raises(
        StoreError, match="store format 2, this version reads format 1; open it with"
    ) as caught:
        read(data)
    assert not isinstance(caught.value, CorruptStore)


def test_generation_under_another_name_is_corrupt() -> None:
    with pytest.raises(CorruptStore, match="generation 7 under the name of 8"):
        frames.read_header(image(None, []), FILE, 8)


def test_size_over_the_limit_is_no_record() -> None:
    record = bytes(RECORD_MAX + 1)
    frame = frames.encode_frame(record)

    assert frames.frame_size(frame, 0) == 0
    assert frames.frame_size(frames.encode_frame(record[1:]), 0) == RECORD_MAX
    assert frames.frame_size(frame[:7], 0) == 0


def test_checksum_covers_the_size() -> None:
    frame = frames.encode_frame(b"\0\0\0\0")

    for size in (1, 2, 3):
        assert frames.frame_size(frames.FRAME.pack(size, 0)[:4] + frame[4:], 0) == 0
