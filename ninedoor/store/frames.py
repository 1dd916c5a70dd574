"""The bytes of a generation file: their layout, and what a reader concludes from them. No files here.

All integers are little-endian.

    0   magic[8] format[4] crc[4]              crc of the 12 bytes before; no format changes these 16
    16  generation[8] snapshot_size[8]         size 2^64-1: the generation begins without a snapshot
    32  snapshot_crc[4] crc[4]                 crc of the 20 bytes before
    40  mark[8] inverted[8], twice             the durable mark: everything before it has been synced
    72  snapshot[snapshot_size]
        size[4] crc[4] record[size], repeated  crc of the record, started with its size instead of 0
        zeros to the end of the file

Two facts decide what damage means. A killed process leaves all it wrote, save the end of the one record it
was copying. A power cut keeps any subset of the pages written since the last sync. So **behind** the durable
mark a bad frame is an interrupted write: the log ends before it, and what follows is cut. **Before** the mark
no interruption explains a bad frame, nor a log that ends too early: that is CorruptStore. The mark is written
after its sync, so it may be too low, which is harmless, and never too high. It is kept twice and written one
copy at a time, since the writer can be killed halfway.
"""

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from ninedoor.errors import CorruptStore, StoreError
from ninedoor.limits import RECORD_MAX

FORMAT = 1
MAGIC = b"9DOORLOG"
PREFACE = Struct("<8sI")
DESCRIPTION = Struct("<QQI")
MARK = Struct("<QQ")
FRAME = Struct("<II")
CRC = Struct("<I")
PREFACE_BYTES = 16
MARK_OFFSETS = (40, 56)
HEADER_BYTES = 72
"""Where the snapshot begins."""

_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_NO_SNAPSHOT = _ALL_ONES
_STRETCH = 1 << 16


class Header(NamedTuple):
    """What precedes the frames. `start` is the offset of the first one, `mark` the durable mark."""

    snapshot: bytes | None
    start: int
    mark: int


class Log(NamedTuple):
    """The whole, undamaged frames of a file: how many, and the offset behind the last one. `rest` counts the
    bytes from there up to the last that is not zero: 0 at a clean end."""

    records: int
    end: int
    rest: int


def encode_header(generation: int, snapshot: bytes | None) -> bytes:
    """The first bytes of a generation file, up to the snapshot; the mark stands at the first frame."""
    size = _NO_SNAPSHOT if snapshot is None else len(snapshot)
    content = b"" if snapshot is None else snapshot
    preface = PREFACE.pack(MAGIC, FORMAT)
    description = DESCRIPTION.pack(generation, size, crc32(content))
    mark = encode_mark(HEADER_BYTES + len(content))
    return b"".join(
        (preface, CRC.pack(crc32(preface)), description, CRC.pack(crc32(description)), mark, mark)
    )


def encode_mark(offset: int) -> bytes:
    """One copy of the durable mark."""
    return MARK.pack(offset, offset ^ _ALL_ONES)


def encode_frame(record: bytes) -> bytes:
    """One record as it stands in the file. (`DiskJournal.append` says the same inline, for speed.)"""
    size = len(record)
    return FRAME.pack(size, crc32(record, size)) + record


def read_header(data: bytes, file: Path, generation: int) -> Header:
    """Check everything before the first frame of the file that should hold `generation`. Raises CorruptStore,
    and StoreError for another format."""
    if len(data) < PREFACE_BYTES:
        raise CorruptStore(file, len(data), f"the file ends inside its first {PREFACE_BYTES} bytes")
    magic, version = PREFACE.unpack_from(data)
    if magic != MAGIC:
        raise CorruptStore(file, 0, "it does not begin as a journal does")
    if not _crc_follows(data, 0, PREFACE.size):
        raise CorruptStore(file, PREFACE.size, "the checksum of the format number is wrong")
    if version != FORMAT:
        raise StoreError(
            f"{file}: store format {version}, this version reads format {FORMAT}; open it with the version "
            "that wrote it, or begin anew with another --state directory"
        )
    if len(data) < HEADER_BYTES:
        raise CorruptStore(file, len(data), f"the file ends inside its header of {HEADER_BYTES} bytes")
    if not _crc_follows(data, PREFACE_BYTES, DESCRIPTION.size):
        raise CorruptStore(file, PREFACE_BYTES, "the checksum of the header is wrong")
    written, size, checksum = DESCRIPTION.unpack_from(data, PREFACE_BYTES)
    if written != generation:
        raise CorruptStore(file, PREFACE_BYTES, f"it is generation {written} under the name of {generation}")
    start = HEADER_BYTES if size == _NO_SNAPSHOT else HEADER_BYTES + size
    if start > len(data):
        raise CorruptStore(file, len(data), f"the file ends inside its snapshot of {size} bytes")
    content = data[HEADER_BYTES:start]
    if crc32(content) != checksum:
        raise CorruptStore(file, HEADER_BYTES, "the checksum of the snapshot is wrong")
    return Header(None if size == _NO_SNAPSHOT else content, start, _read_mark(data, file))


def read_log(data: bytes, start: int) -> Log:
    """Follow the frames from `start` up to the first that is not whole."""
    position, records = start, 0
    while size := frame_size(data, position):
        position += FRAME.size + size
        records += 1
    return Log(records, position, _last_content(data, position) - position)


def damage_of(header: Header, log: Log, file: Path) -> CorruptStore | None:
    """The damage that no interrupted write explains; None where `log` ends as it may."""
    missing = header.mark - log.end
    if missing <= 0:
        return None
    what = "a record does not match its checksum" if log.rest else "the log ends"
    return CorruptStore(file, log.end, f"{what}, {missing} bytes before its durable mark")


def frame_size(data: bytes, position: int) -> int:
    """The size of the whole, undamaged record whose frame begins at `position`; 0 where none does."""
    begin = position + FRAME.size
    if begin > len(data):
        return 0
    size: int
    checksum: int
    size, checksum = FRAME.unpack_from(data, position)
    if not 0 < size <= RECORD_MAX or begin + size > len(data):
        return 0
    return size if crc32(data[begin : begin + size], size) == checksum else 0


def records_between(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """The records of checked frames, in order."""
    while start < end:
        begin = start + FRAME.size
        start = begin + FRAME.unpack_from(data, start)[0]
        yield data[begin:start]


def _crc_follows(data: bytes, start: int, size: int) -> bool:
    checksum: int = CRC.unpack_from(data, start + size)[0]
    return checksum == crc32(data[start : start + size])


def _read_mark(data: bytes, file: Path) -> int:
    marks: list[int] = []
    for offset in MARK_OFFSETS:
        mark, inverted = MARK.unpack_from(data, offset)
        if mark ^ inverted == _ALL_ONES:
            marks.append(mark)
    if not marks:
        raise CorruptStore(file, MARK_OFFSETS[0], "both copies of the durable mark are damaged")
    return max(marks)


def _last_content(data: bytes, start: int) -> int:
    """The offset behind the last byte that is not zero, or `start` when there is none from there on."""
    high = len(data)
    while high > start:
        low = max(start, high - _STRETCH)
        content = data[low:high].rstrip(b"\0")
        if content:
            return low + len(content)
        high = low
    return start
