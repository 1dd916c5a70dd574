"""The persistence port: an append-only journal of opaque records behind a state snapshot.

The hive writes records and, when the journal asks, a snapshot; the store never looks inside either. A second
implementation (a replicated log) needs nothing but this file.
"""

from collections.abc import Iterator
from typing import Protocol


class Journal(Protocol):
    def load(self) -> tuple[bytes | None, Iterator[bytes]]:
        """The newest snapshot (None on an empty store) and every record after it, in order. Called once,
        before the first append. Raises CorruptStore."""

    def append(self, record: bytes) -> None:
        """Add one record of 1..RECORD_MAX bytes. When it returns, a killed process cannot lose the record.
        Raises P9Error(ENOSPC/EIO); then nothing was added, and the caller must leave its state unchanged."""

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

    def close(self) -> None:
        """Sync and release. Idempotent; never raises."""
