"""The journal on a disk: one memory-mapped generation file at a time, in a directory of its own.

`append` copies a frame into a shared mapping. The page cache then has it, so the end of the process, however
sudden, loses nothing; only a power cut can, and `commit` decides how much. The file is allocated ahead with
posix_fallocate, so a full disk is an error of the append that needs more room and not a SIGBUS later. (That
holds on ext4, xfs and tmpfs. A copy-on-write file system, btrfs or ZFS, may still run out of room when an
allocated page is written again.)

`compact` writes the next generation under a temporary name, syncs it, renames it, syncs the directory and
only then removes the old one: whenever it is stopped, the highest number belongs to a complete generation.

A failed sync is final. The kernel may report it once and drop the pages, so a second sync that succeeds
proves nothing: from then on every append, compact and sync raises P9Error(EIO), and reading goes on. A
restart loads what is still there.

Threads: all methods belong to one thread, save `sync`, which may run in another one beside any of them.
"""

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from zlib import crc32

from ninedoor.config import Store
from ninedoor.errors import P9Error
from ninedoor.limits import RECORD_MAX
from ninedoor.store import frames
from ninedoor.store.directory import (
    TEMPORARY,
    StateDirectory,
    cause,
    explained,
    file_name,
    read_file,
    write_file,
)
from ninedoor.store.ports import Size

GROWTH_BYTES = 1 << 20
"""Room allocated ahead of the log's end: about 6,000 records of 160 bytes."""

_FRAME_BYTES = frames.FRAME.size
_pack_frame = frames.FRAME.pack
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskJournal:
    """A `Journal` in `path`, which is created with mode 0700 and locked until `close`.

    `notes` collects, for the log, what `load` found and mended. Raises StoreError, from here and from `load`,
    when the directory cannot be used or is in use.
    """

    __slots__ = (
        "_committed", "_descriptor", "_directory", "_end", "_failed", "_generation", "_limit", "_map",
        "_marks", "_records", "_segment_bytes", "_snapshot_above", "_swap", "_synced", "acts_on_commit",
        "notes",
    )  # fmt: skip

    def __init__(self, path: Path, settings: Store) -> None:
        self.notes: list[str] = []
        self.acts_on_commit = settings.fsync == "always"
        self._segment_bytes = settings.segment_bytes
        self._failed: str | None = None
        self._swap = Lock()  # held to sync, and to change the file that is being synced
        self._generation = 0
        self._descriptor = -1
        self._map: mmap.mmap
        self._end = 0  # where the next frame goes
        self._limit = 0  # bytes of the file that are mapped; 0 when nothing may be appended
        self._synced = 0  # everything before is durable
        self._marks = 0  # how many durable marks were written: its parity chooses the copy
        self._snapshot_above = 0
        self._committed = 0  # where the log ended at the last commit
        self._records = 0  # appended since the journal was opened
        self._directory = StateDirectory.take(path, create=True)

    def load(self) -> tuple[bytes | None, Iterator[bytes]]:
        """See the port. An interrupted write at the log's end is cut off and noted; what is returned is
        durable. Raises CorruptStore, and StoreError for another format or when the files cannot be used."""
        if self._descriptor >= 0:
            raise RuntimeError("load() is called once")
        with explained(f"cannot load state from {self._directory.path}"):
            for name in self._directory.unfinished():
                self._directory.remove(name)
                self.notes.append(f"removed {name}: its writing was interrupted")
            generations = self._directory.generations()
            if not generations:
                self._adopt(1, *self._create(1, None))
                self._directory.sync()
                found: tuple[bytes | None, Iterator[bytes]] = None, iter(())
            else:
                found = self._open(generations.pop())
            for old in generations:
                self._directory.remove(file_name(old))
                self.notes.append(f"removed {file_name(old)}: a newer generation is complete")
        return found

    def append(self, record: bytes, *, reserved: bool = False) -> None:
        """Add a record of 1..RECORD_MAX bytes; any other length is a bug of the caller (ValueError).

        Raises P9Error: ENOSPC when the disk, a quota or a file size limit has no room, EIO after a failed
        sync. Then nothing was added, and an append after ENOSPC tries again. What was `reserved` goes to its
        place even if a sync has failed since, in another thread."""
        size = len(record)
        start = self._end
        end = start + _FRAME_BYTES + size
        if (end > self._limit and not reserved) or not 0 < size <= RECORD_MAX:
            self._make_room(size, end)
        # One copy. Stopped in the middle, it leaves a frame whose checksum fails, behind the durable mark.
        self._map[start:end] = _pack_frame(size, crc32(record, size)) + record
        self._end = end
        self._records += 1

    def reserve(self, size: int) -> None:
        """See the port. Raises P9Error as `append` does."""
        end = self._end + _FRAME_BYTES + size
        if end > self._limit:
            self._make_room(size, end)

    def commit(self) -> None:
        """With fsync = "always": make every appended record durable, with one fdatasync; raises P9Error(EIO)
        when what was appended since the last commit cannot be. Otherwise nothing. So a failed store refuses
        what would have changed it, and is read as before."""
        if not self.acts_on_commit or self._committed == self._end:
            return
        self._committed = self._end
        self.sync()

    def wants_snapshot(self) -> bool:
        """True when the log is longer than segment_bytes and than four snapshots."""
        return self._end > self._snapshot_above

    def compact(self, snapshot: bytes) -> None:
        """See the port. After a failure the old generation stays in use, and `wants_snapshot` waits for
        another quarter of segment_bytes. Raises P9Error: ENOSPC, or EIO; where it is unknown which
        generation a restart would find, EIO is final as after a failed sync."""
        self._require_open()
        old, generation = self._generation, self._generation + 1
        try:
            descriptor, mapping, start = self._create(generation, snapshot)
        except OSError as exc:
            self._snapshot_above = self._end + self._segment_bytes // 4
            if self._may_exist(file_name(generation)):
                raise self._fail(f"cannot tell which generation is in use: {cause(exc)}") from exc
            raise self._refusal("no snapshot written", exc) from exc
        try:
            self._directory.sync()
        except OSError as exc:
            mapping.close()
            os.close(descriptor)
            raise self._fail(f"sync of the directory failed: {cause(exc)}") from exc
        with self._swap:
            self._release_file()
            self._adopt(generation, descriptor, mapping, start)
        with suppress(OSError):  # the next load removes it
            self._directory.remove(file_name(old))

    def sync(self) -> None:
        """Make every record durable whose append returned before this call; at once if all are. May run in
        another thread, beside any method. Raises P9Error(EIO) for ever after the first failure."""
        if self._synced == self._end and self._failed is None:
            return
        with self._swap:
            self._raise_failure()
            end = self._end
            if end == self._synced:
                return
            try:
                os.fdatasync(self._descriptor)
            except OSError as exc:
                raise self._fail(f"sync failed: {cause(exc)}") from exc
            self._set_mark(end)

    def size(self) -> Size:
        """See the port."""
        return Size(self._records, self._end)

    def close(self) -> None:
        """Sync, release the file and unlock the directory. Idempotent; never raises."""
        if self._descriptor >= 0:
            with suppress(P9Error):
                self.sync()
            with self._swap:
                self._release_file()
        self._directory.close()

    def _open(self, generation: int) -> tuple[bytes | None, Iterator[bytes]]:
        name = file_name(generation)
        path = self._directory.file_path(name)
        descriptor = self._directory.open_file(name, writable=True)
        try:
            data = read_file(descriptor)
            header = frames.read_header(data, path, generation)
            log = frames.read_log(data, header.start)
            damage = frames.damage_of(header, log, path)
            if damage is not None:
                raise damage
            if log.rest:
                # Cut, not zeroed in place, and before anything is appended: what a power cut left must not
                # come back behind later records.
                os.ftruncate(descriptor, log.end)
                self.notes.append(f"{name}: cut {log.rest} bytes of an interrupted write at byte {log.end}")
            os.fsync(descriptor)
            mapping = mmap.mmap(descriptor, 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._adopt(generation, descriptor, mapping, header.start)
        self._end = log.end
        self._set_mark(log.end)
        return header.snapshot, frames.records_between(data, header.start, log.end)

    def _create(self, generation: int, snapshot: bytes | None) -> tuple[int, mmap.mmap, int]:
        name = file_name(generation)
        temporary = name + TEMPORARY
        header = frames.encode_header(generation, snapshot)
        content = b"" if snapshot is None else snapshot
        start = len(header) + len(content)
        self._directory.remove(temporary)
        descriptor = self._directory.create_file(temporary)
        try:
            os.posix_fallocate(descriptor, 0, start + GROWTH_BYTES)
            write_file(descriptor, content, write_file(descriptor, header, 0))
            os.fsync(descriptor)
            mapping = mmap.mmap(descriptor, start + GROWTH_BYTES)
            self._directory.rename(temporary, name)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                self._directory.remove(temporary)
            raise
        return descriptor, mapping, start

    def _adopt(self, generation: int, descriptor: int, mapping: mmap.mmap, start: int) -> None:
        self._generation = generation
        self._descriptor = descriptor
        self._map = mapping
        self._end = self._synced = self._committed = start
        self._limit = len(mapping) if self._failed is None else 0
        self._snapshot_above = start + max(self._segment_bytes, 4 * (start - frames.HEADER_BYTES))

    def _release_file(self) -> None:
        self._limit = 0
        self._map.close()
        os.close(self._descriptor)
        self._descriptor = -1

    def _make_room(self, size: int, end: int) -> None:
        if not 0 < size <= RECORD_MAX:
            raise ValueError(f"record of {size} bytes, 1 to {RECORD_MAX} are possible")
        self._require_open()
        limit = (end + GROWTH_BYTES) // mmap.PAGESIZE * mmap.PAGESIZE
        try:
            os.posix_fallocate(self._descriptor, self._limit, limit - self._limit)
            self._map.resize(limit)
        except OSError as exc:
            with suppress(OSError):  # a full disk may have given a part
                os.ftruncate(self._descriptor, self._limit)
            raise self._refusal("no room for a record", exc) from exc
        self._limit = limit
        # In this order: a sync that fails in another thread sets `_failed` first and `_limit` second.
        if self._failed is not None:
            self._limit = 0
            self._raise_failure()

    def _set_mark(self, end: int) -> None:
        offset = frames.MARK_OFFSETS[self._marks % 2]
        self._marks += 1
        self._map[offset : offset + frames.MARK.size] = frames.encode_mark(end)
        self._synced = end

    def _may_exist(self, name: str) -> bool:
        try:
            return self._directory.exists(name)
        except OSError:
            return True

    def _fail(self, reason: str) -> P9Error:
        self._failed = reason
        self._limit = 0
        return P9Error(errno.EIO, reason)

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise P9Error(errno.EIO, self._failed)

    def _require_open(self) -> None:
        self._raise_failure()
        if self._descriptor < 0:
            raise P9Error(errno.EIO, "the journal is not open")

    def _refusal(self, what: str, exc: OSError) -> P9Error:
        code = errno.ENOSPC if exc.errno in _FULL_DISK else errno.EIO
        return P9Error(code, f"{what}: {cause(exc)}")
