"""Frozen settings that a manifest resolves to. Everything above reads these and never the manifest itself.

`ninedoor.manifest` is the only builder outside tests. The defaults of a table that a manifest may leave out
stand here and nowhere else: the models take theirs from these classes. Units are in the names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ninedoor import limits

Role = Literal["queen", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora"]


@dataclass(frozen=True, slots=True)
class Secure9P:
    """Bounds of the protocol core (`[secure9p]`). `short_write` is what a socket does with a peer that takes
    less than it was sent: `reject` waits once and cuts, `retry` waits up to three times more, ever longer."""

    msize: int = limits.MSIZE_MAX
    walk_depth: int = limits.WALK_DEPTH_MAX
    tags_per_session: int = 16
    batch_frames: int = 1
    short_write: Literal["reject", "retry"] = "reject"


@dataclass(frozen=True, slots=True)
class TicketLimits:
    """The most a ticket may claim, and the quotas of one that claims none (`[ticket_limits]`). 0 is no
    bound."""

    max_scopes: int = 8
    max_scope_path_len: int = 128
    max_scope_rate_per_s: int = 64
    bandwidth_bytes: int = 131072
    cursor_resumes: int = 16
    cursor_advances: int = 256


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Worker rings (`[telemetry]`)."""

    ring_bytes_per_worker: int = 1024
    frame_schema: Literal["legacy-plaintext", "cbor-v1"] = "legacy-plaintext"


@dataclass(frozen=True, slots=True)
class ProcNinep:
    """Which /proc/9p nodes exist and their byte caps (`[observability.proc_9p]`). Here all of them do, with
    room for any number of shards; a manifest has to ask for each."""

    sessions: bool = True
    outstanding: bool = True
    short_writes: bool = True
    sessions_bytes: int = 8192
    outstanding_bytes: int = 128
    short_writes_bytes: int = 128


@dataclass(frozen=True, slots=True)
class Store:
    """Persistence (`[store]`, ours). `fsync`: `always` = durable before each reply; `batch` = at most
    `batch_ms` later (a killed process loses nothing, a power cut at most that much); `never` = left to
    the kernel."""

    fsync: Literal["always", "batch", "never"] = "batch"
    batch_ms: int = 100
    segment_bytes: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Workers:
    """Supervised workers (`[workers]`, ours). `heartbeat_ms` is the pause between two heartbeats."""

    heartbeat_ms: int = 1000
    max_workers: int = 10000


@dataclass(frozen=True, slots=True)
class Listener:
    """One socket that serves 9P (an entry of `[[listeners]]`, ours). Times are in ms.

    `url` is `unix:/path` or `tcp://host:port` without options. `sessions` and `fids` bound how many peers are
    served at once and how many live fids each has. A peer is cut that has not attached after `handshake_ms`,
    has asked nothing for `idle_ms` (0: it may be idle for ever), or has taken nothing of what it was sent for
    `stall_ms`. `beyond_loopback` is the permission to listen where other machines reach.
    """

    url: str
    profile: Literal["strict", "linux"] = "strict"
    sessions: int = 1024
    fids: int = limits.SESSION_FIDS
    handshake_ms: int = 5000
    idle_ms: int = 0
    stall_ms: int = 5000
    beyond_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """One place where the line console is served (an entry of `[[consoles]]`, ours). Times are in ms.

    `url` is `tcp://host:port`, `unix:/path`, `pty:` (a new pseudo-terminal) or `serial:/dev/ttyS0` (a
    terminal that is there; `?baud=115200` sets its speed). `token` is what a TCP client has to show, within
    `auth_ms`, before anything else; the others want none. A manifest names a `token_file` instead, relative
    to its own folder: whoever opens the place reads it. `clients` bounds how many are served at once. One
    that sends no line for `idle_ms` (0 = may be idle for ever), or takes nothing of what it is sent for
    `stall_ms`, is cut. `beyond_loopback` is the permission to listen where other machines reach.
    """

    url: str
    token: str = field(default="", repr=False)
    token_file: str = ""
    clients: int = 16
    auth_ms: int = 5000
    idle_ms: int = 300_000
    stall_ms: int = 5000
    beyond_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """One deployment.

    `secrets` maps a role to its ticket secrets (UTF-8 text; several while rotating, the first one mints).
    `services` maps a mount service's name to the path it stands for. `boot_lines` is the text of /proc/boot.
    A setting is here because something reads it; what only the guest or a client needs is emitted instead.
    """

    manifest_sha256: str = ""
    secure9p: Secure9P = field(default_factory=Secure9P)
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    ticket_limits: TicketLimits = field(default_factory=TicketLimits)
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    telemetry: Telemetry = field(default_factory=Telemetry)
    proc_9p: ProcNinep = field(default_factory=ProcNinep)
    store: Store = field(default_factory=Store)
    workers: Workers = field(default_factory=Workers)
    listeners: tuple[Listener, ...] = ()
    consoles: tuple[Console, ...] = ()
    boot_lines: tuple[str, ...] = ()
