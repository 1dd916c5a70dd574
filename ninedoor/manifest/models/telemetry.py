"""Worker rings, device segments, and the life cycle of the hive."""

from typing import Literal

from pydantic import Field

from ninedoor import config
from ninedoor.config import LifecycleState
from ninedoor.manifest.models.base import UINT32, Table

_RINGS = config.Telemetry()
_INGEST = config.TelemetryIngest()


class Cursor(Table):
    """Where readers of a ring stand."""

    retain_on_boot: bool = Field(
        default=_RINGS.retain_on_boot, description="Keep named cursors over a restart; rings always are."
    )


class Telemetry(Table):
    """Worker rings."""

    ring_bytes_per_worker: int = Field(
        default=_RINGS.ring_bytes_per_worker, ge=1, le=UINT32, description="Bytes one ring holds."
    )
    frame_schema: Literal["legacy-plaintext", "cbor-v1"] = Field(
        default=_RINGS.frame_schema,
        description="What a worker may append: UTF-8 text, or checked CBOR frames.",
    )
    cursor: Cursor = Field(default_factory=Cursor, description="Reader positions.")


class TelemetryIngest(Table):
    """Segments that devices push; all three limits at 0 turn it off."""

    max_segments_per_device: int = Field(
        default=_INGEST.max_segments_per_device, ge=0, le=UINT32, description="Segments one device may keep."
    )
    max_bytes_per_segment: int = Field(
        default=_INGEST.max_bytes_per_segment, ge=0, le=UINT32, description="Bytes one segment may hold."
    )
    max_total_bytes_per_device: int = Field(
        default=_INGEST.max_total_bytes_per_device, ge=0, le=UINT32, description="Bytes one device may keep."
    )
    eviction_policy: Literal["evict-oldest", "refuse"] = Field(
        default=_INGEST.eviction_policy,
        description="At a limit: the oldest segment or device leaves, or the write is refused.",
    )


class Transition(Table):
    """A change of state that happens by itself at start."""

    from_: LifecycleState = Field(alias="from", description="State it leaves.")
    to: LifecycleState = Field(description="State it enters.")


class Lifecycle(Table):
    """States of the whole hive."""

    initial_state: LifecycleState = Field(default="BOOTING", description="State at start.")
    auto_transitions: list[Transition] = Field(
        default_factory=list,
        max_length=8,
        description="Transitions at start; the first that applies is taken.",
    )
