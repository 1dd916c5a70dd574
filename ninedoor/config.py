"""Frozen settings that a manifest resolves to. Everything above reads these and never the manifest itself.

`ninedoor.manifest` is the only builder outside tests. The defaults of a table that a manifest may leave out
stand here and nowhere else: the models take theirs from these classes. Units are in the names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ninedoor import limits

Role = Literal["queen", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora"]

LifecycleState = Literal["BOOTING", "DEGRADED", "ONLINE", "DRAINING", "QUIESCED", "OFFLINE"]


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
    """Worker rings (`[telemetry]`). `retain_on_boot` keeps the named cursors of readers over a restart."""

    ring_bytes_per_worker: int = 1024
    frame_schema: Literal["legacy-plaintext", "cbor-v1"] = "legacy-plaintext"
    retain_on_boot: bool = False


@dataclass(frozen=True, slots=True)
class TelemetryIngest:
    """Segments that devices push (`[telemetry_ingest]`). All three limits at 0: there is no such thing."""

    max_segments_per_device: int = 4
    max_bytes_per_segment: int = 32768
    max_total_bytes_per_device: int = 131072
    eviction_policy: Literal["evict-oldest", "refuse"] = "evict-oldest"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where a hive begins (`[lifecycle]`): in `initial_state`, from where it takes the first of the
    `auto_transitions` (from, to) that leaves it. A manifest without the table has a hive that is ONLINE."""

    initial_state: LifecycleState = "ONLINE"
    auto_transitions: tuple[tuple[LifecycleState, LifecycleState], ...] = ()


@dataclass(frozen=True, slots=True)
class Sharding:
    """Where workers' directories are (`[sharding]`): below /shard/<xx>/worker, spread over 2^shard_bits
    (0..8) shards, while it is enabled; /worker/<id> is then a second name where the alias is on. Otherwise in
    /worker. `ninedoor.shards` turns this into paths."""

    enabled: bool = False
    shard_bits: int = 0
    legacy_worker_alias: bool = False


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
class ProcNinepSession:
    """Which /proc/9p/session nodes exist and their byte caps (`[observability.proc_9p_session]`)."""

    active: bool = True
    state: bool = True
    since_ms: bool = True
    owner: bool = True
    active_bytes: int = 128
    state_bytes: int = 64
    since_ms_bytes: int = 64
    owner_bytes: int = 96


@dataclass(frozen=True, slots=True)
class ProcIngest:
    """Which /proc/ingest nodes exist, their byte caps, and what they are taken from
    (`[observability.proc_ingest]`): percentiles are over the last `latency_samples` operations; watch keeps
    `watch_max_entries` lines of at most `watch_line_bytes`, `watch_min_interval_ms` apart."""

    p50_ms: bool = True
    p95_ms: bool = True
    backpressure: bool = True
    dropped: bool = True
    queued: bool = True
    watch: bool = True
    p50_ms_bytes: int = 64
    p95_ms_bytes: int = 64
    backpressure_bytes: int = 64
    dropped_bytes: int = 64
    queued_bytes: int = 64
    watch_max_entries: int = 16
    watch_line_bytes: int = 192
    watch_min_interval_ms: int = 50
    latency_samples: int = 32


@dataclass(frozen=True, slots=True)
class ProcRoot:
    """Which /proc/root nodes exist and their byte caps (`[observability.proc_root]`)."""

    reachable: bool = True
    last_seen_ms: bool = True
    cut_reason: bool = True
    reachable_bytes: int = 32
    last_seen_ms_bytes: int = 64
    cut_reason_bytes: int = 64


@dataclass(frozen=True, slots=True)
class ProcPressure:
    """Which /proc/pressure nodes exist and their byte caps (`[observability.proc_pressure]`)."""

    busy: bool = True
    quota: bool = True
    cut: bool = True
    policy: bool = True
    busy_bytes: int = 64
    quota_bytes: int = 64
    cut_bytes: int = 64
    policy_bytes: int = 64


@dataclass(frozen=True, slots=True)
class Twins:
    """Which status files have a CBOR twin, `<name>.cbor` (`[ui_providers.proc_9p]` and
    `[ui_providers.proc_ingest]`). A twin is capped like its text."""

    sessions: bool = True
    outstanding: bool = True
    short_writes: bool = True
    p50_ms: bool = True
    p95_ms: bool = True
    backpressure: bool = True


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
class Cas:
    """Content-addressed updates (`[cas]` and `[ecosystem.models]`).

    `chunk_bytes` is the size of a chunk; `budget_bytes` bounds what is stored on the disk, in whole blocks
    of 4096; `max_chunks` one manifest; `max_epochs` and `max_models` what is kept; `quarantine` the chunks
    with a wrong hash that are kept for inspection. Chunks that no manifest refers to are kept for `unused_s`
    after they were last written. `delta` accepts updates that go on from another. `keys` are the public keys,
    raw bytes, that sign; nothing that one of `revoked` signed counts. `key_path` is the file they came from.
    `models` serves /models, `status` the status files; an update needs a signature where it is `required`.
    """

    enable: bool = False
    chunk_bytes: int = 0
    budget_bytes: int = 1 << 30
    max_chunks: int = 1 << 16
    max_epochs: int = 64
    max_models: int = 64
    quarantine: int = 8
    unused_s: int = 7 * 86400
    delta: bool = False
    required: bool = True
    key_path: str = ""
    keys: tuple[bytes, ...] = ()
    revoked: tuple[bytes, ...] = ()
    models: bool = False
    manifest: bool = True
    status: bool = True


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
    `gpu` says whether there is a /gpu. A setting is here because something reads it; what only the guest or a
    client needs is emitted instead.
    """

    manifest_sha256: str = ""
    secure9p: Secure9P = field(default_factory=Secure9P)
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    ticket_limits: TicketLimits = field(default_factory=TicketLimits)
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    telemetry: Telemetry = field(default_factory=Telemetry)
    telemetry_ingest: TelemetryIngest = field(default_factory=TelemetryIngest)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    sharding: Sharding = field(default_factory=Sharding)
    proc_9p: ProcNinep = field(default_factory=ProcNinep)
    proc_9p_session: ProcNinepSession = field(default_factory=ProcNinepSession)
    proc_ingest: ProcIngest = field(default_factory=ProcIngest)
    proc_root: ProcRoot = field(default_factory=ProcRoot)
    proc_pressure: ProcPressure = field(default_factory=ProcPressure)
    twins: Twins = field(default_factory=Twins)
    gpu: bool = True
    store: Store = field(default_factory=Store)
    workers: Workers = field(default_factory=Workers)
    cas: Cas = field(default_factory=Cas)
    listeners: tuple[Listener, ...] = ()
    consoles: tuple[Console, ...] = ()
    boot_lines: tuple[str, ...] = ()
