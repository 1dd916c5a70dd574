"""The persistence port: an append-only journal of opaque records behind a state snapshot.

The hive writes records and, when the journal asks, a snapshot; the store never looks inside either. A second
implementation (a replicated log) needs nothing but this file.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Size(NamedTuple):
    """How much a journal took: records since it was opened, and the bytes that its log occupies now."""

    records: int
    bytes: int


class Journal(Protocol):
    @property
    def acts_on_commit(self) -> bool:
        """Does the fsync policy ask anything of `commit`? Where not, it need not be called."""

    def load(self) -> tuple[bytes | None, Iterator[bytes]]:
        """The newest snapshot (None on an empty store) and every record after it, in order. Called once,
        before the first append. Raises CorruptStore."""

    def append(self, record: bytes, *, reserved: bool = False) -> None:
        """Add one record of 1..RECORD_MAX bytes. When it returns, a killed process cannot lose the record.
        Raises P9Error(ENOSPC/EIO); then nothing was added, and the caller must leave its state unchanged.
        With `reserved` it raises nothing: `reserve` promised room for the record, and nothing was appended,
        nor the log compacted, since."""

    def reserve(self, size: int) -> None:
        """Promise room for the next append, of up to `size` (1..RECORD_MAX) bytes. Raises P9Error as `append`
        does."""

    def commit(self) -> None:
        """Apply the fsync policy to what was appended. Raises P9Error(EIO) once a sync has failed, and for
        ever after: the kernel may have dropped the dirty pages, so nothing later can be promised."""

    def wants_snapshot(self) -> bool:
        """True when replay would be long enough that `compact` pays."""

    def compact(self, snapshot: bytes) -> None:
        """Start a new generation whose first content is `snapshot`; the old one is removed once the new one
        is durable. Raises P9Error; then the old generation stays in use, unless it can no longer be told
        which one a restart would find, which is EIO for good, as after a failed sync."""

    def sync(self) -> None:
        """Make everything durable now, whatever the policy. Raises P9Error(EIO)."""

    def size(self) -> Size:
        """For who watches. Costs nothing."""

    def close(self) -> None:
        """Sync and release. Idempotent; never raises."""
