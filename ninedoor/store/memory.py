"""Journals that live in memory: for a hive without `--state`, and for tests that reopen one.

`MemoryJournal` promises what a hive without state needs, which is nothing: it checks a record's size, as the
disk does, and forgets it. `RetainedJournal` keeps what a disk would keep.
"""

from collections.abc import Iterator

from ninedoor.errors import P9Error
from ninedoor.limits import RECORD_MAX
from ninedoor.store.ports import Size


class MemoryJournal:
    """A journal that retains nothing: every call is O(1) in time and holds no memory."""

    __slots__ = ()

    acts_on_commit = False

    def load(self) -> tuple[bytes | None, Iterator[bytes]]:
        """Always an empty store."""
        return None, iter(())

    def append(self, record: bytes, *, reserved: bool = False) -> None:
        """Accept a record of 1..RECORD_MAX bytes; any other length is a bug of the caller (ValueError)."""
        if not 0 < len(record) <= RECORD_MAX:
            raise ValueError(f"record of {len(record)} bytes, 1 to {RECORD_MAX} are possible")

    def reserve(self, size: int) -> None:
        """Nothing to do."""

    def commit(self) -> None:
        """Nothing to do."""

    def wants_snapshot(self) -> bool:
        """Never: nothing would be replayed."""
        return False

    def compact(self, snapshot: bytes) -> None:
        """Nothing to do."""

    def sync(self) -> None:
        """Nothing to do."""

    def size(self) -> Size:
        """Nothing is retained."""
        return Size(0, 0)

    def close(self) -> None:
        """Nothing to do."""


class RetainedJournal:
    """A journal that keeps its content, so that a test can open the same state again with `reopened`.

    While `failure` is set, append, commit, compact and sync raise it and change nothing. `wants_snapshot`
    turns true once more than `snapshot_after` records follow the snapshot.
    """

    acts_on_commit = True

    def __init__(self, snapshot_after: int = 1 << 62) -> None:
        self.snapshot: bytes | None = None
        self.records: list[bytes] = []
        self.commits = 0
        self.failure: P9Error | None = None
        self._snapshot_after = snapshot_after

    def reopened(self) -> "RetainedJournal":
        """Another journal that begins with what this one holds, as after a restart."""
        other = RetainedJournal(self._snapshot_after)
        other.snapshot = self.snapshot
        other.records = list(self.records)
        return other

    def load(self) -> tuple[bytes | None, Iterator[bytes]]:
        """The snapshot and the records, which later appends do not change."""
        return self.snapshot, iter(tuple(self.records))

    def append(self, record: bytes, *, reserved: bool = False) -> None:
        """Keep a record of 1..RECORD_MAX bytes. Raises `failure` when it is set, unless room was reserved."""
        if not 0 < len(record) <= RECORD_MAX:
            raise ValueError(f"record of {len(record)} bytes, 1 to {RECORD_MAX} are possible")
        if not reserved:
            self._raise_failure()
        self.records.append(bytes(record))

    def reserve(self, size: int) -> None:
        """Raises `failure` when it is set."""
        self._raise_failure()

    def commit(self) -> None:
        """Count one more commit. Raises `failure` when it is set."""
        self._raise_failure()
        self.commits += 1

    def wants_snapshot(self) -> bool:
        """True when more than `snapshot_after` records would be replayed."""
        return len(self.records) > self._snapshot_after

    def compact(self, snapshot: bytes) -> None:
        """Replace everything by `snapshot`. Raises `failure` when it is set."""
        self._raise_failure()
        self.snapshot = bytes(snapshot)
        self.records.clear()

    def sync(self) -> None:
        """Nothing is ever less than durable here. Raises `failure` when it is set."""
        self._raise_failure()

    def size(self) -> Size:
        """See the port; the bytes are those of the records."""
        return Size(len(self.records), sum(map(len, self.records)))

    def close(self) -> None:
        """Nothing to release."""

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure
