"""Tables that this project adds to the format; the resolved JSON of a file that has them ends with them."""

from typing import Literal

from pydantic import Field

from ninedoor import config, limits
from ninedoor.manifest.models.base import Table

_STORE = config.Store()
_WORKERS = config.Workers()


class Store(Table):
    """Persistence of the hive."""

    fsync: Literal["always", "batch", "never"] = Field(
        default=_STORE.fsync,
        description="Journal durable before each reply, batch_ms later, or when the kernel likes.",
    )
    batch_ms: int = Field(
        default=_STORE.batch_ms,
        ge=1,
        le=60_000,
        description="Longest loss at a power cut under `batch`, in ms.",
    )
    segment_bytes: int = Field(
        default=_STORE.segment_bytes,
        ge=limits.RECORD_MAX,
        le=1 << 30,
        description="Bytes after which the journal starts a new file.",
    )


class Workers(Table):
    """Workers that the daemon supervises."""

    heartbeat_ms: int = Field(
        default=_WORKERS.heartbeat_ms,
        ge=10,
        le=3_600_000,
        description="Milliseconds between two heartbeats of a worker.",
    )
    max_workers: int = Field(
        default=_WORKERS.max_workers, ge=1, le=limits.WORKERS_MAX, description="Workers alive at one time."
    )
