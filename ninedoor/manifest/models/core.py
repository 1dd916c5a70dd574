"""Tables every manifest begins with: authorship, schema, profile, pump, protocol bounds, features, cache."""

from typing import Literal

from pydantic import Field

from ninedoor import limits
from ninedoor.manifest.models.base import Table, Word, is_absent


class Meta(Table):
    """Free text about the file; it is part of the hash and of nothing else."""

    author: str = Field(default="Lukas Bower", max_length=256, description="Who answers for this manifest.")
    purpose: str = Field(
        default="Resolved root-task manifest.", max_length=1024, description="What this deployment is for."
    )


class RootTask(Table):
    """Version of the manifest format."""

    schema_: Word = Field(alias="schema", description="Format version; only 1.5 is read.")


class Profile(Table):
    """What the manifest describes."""

    name: Word = Field(description="Name of the deployment, shown in /proc/boot.")
    kernel: bool = Field(description="The guest runs on the microkernel; host-only features are then off.")


class EventPump(Table):
    """Pace of the guest's event loop."""

    tick_ms: int = Field(ge=1, le=60_000, description="Milliseconds between two timer ticks.")


class ShortWrite(Table):
    """What happens when a peer takes fewer bytes than it was sent."""

    policy: Literal["reject", "retry"] = Field(
        description="Cut a peer that takes nothing for `stall_ms`: at once, or after up to three more waits, "
        "each twice as long."
    )


class Secure9P(Table):
    """Bounds of the protocol. They may be lowered, never raised."""

    msize: int = Field(
        ge=limits.MSIZE_MIN, le=limits.MSIZE_MAX, description="Largest frame in bytes, header included."
    )
    walk_depth: int = Field(ge=1, le=limits.WALK_DEPTH_MAX, description="Most components of a path.")
    tags_per_session: int = Field(
        ge=1, le=limits.NOTAG, description="Requests one session may have waiting for their replies."
    )
    batch_frames: int = Field(
        ge=1, le=limits.MSIZE_MAX, description="Frames one write of a transport may carry."
    )
    short_write: ShortWrite = Field(description="Treatment of short writes.")


class Features(Table):
    """Doors and tools that are compiled in or served."""

    net_console: bool = Field(description="Serve the line console over the network.")
    serial_console: bool = Field(default=False, description="Serve the line console on the serial port.")
    std_console: bool = Field(default=False, description="Host-only console; needs profile.kernel = false.")
    std_host_tools: bool = Field(default=False, description="Host-only tools; needs profile.kernel = false.")
    gpu: bool | None = Field(
        default=None,
        exclude_if=is_absent,
        description="Whether the hive has /gpu (this project's own). Left out it has, and the guest knows of "
        "no GPU; true needs profile.kernel = false.",
    )


class Cache(Table):
    """Cache maintenance that the guest may ask of the kernel for its DMA buffers."""

    kernel_ops: bool = Field(default=False, description="The kernel offers cache operations to the guest.")
    dma_clean: bool = Field(default=False, description="Clean buffers before a device reads them.")
    dma_invalidate: bool = Field(default=False, description="Invalidate buffers after a device wrote them.")
    unify_instructions: bool = Field(
        default=False, description="Unify instruction and data caches after loading code."
    )
