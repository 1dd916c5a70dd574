"""Which status files exist below /proc, how large each may become, and which of them have a CBOR twin.

A cap must hold the file's longest text; `ninedoor.manifest.rendered` knows how long that is.
"""

from pydantic import Field

from ninedoor import limits
from ninedoor.manifest.models.base import UINT32, Table

_CAP = limits.MSIZE_MAX


class ProcNinep(Table):
    """Status of the protocol below /proc/9p."""

    sessions: bool = Field(default=False, description="Serve sessions.")
    outstanding: bool = Field(default=False, description="Serve outstanding.")
    short_writes: bool = Field(default=False, description="Serve short_writes.")
    sessions_bytes: int = Field(default=1024, ge=1, le=_CAP, description="Most bytes of sessions.")
    outstanding_bytes: int = Field(default=128, ge=1, le=_CAP, description="Most bytes of outstanding.")
    short_writes_bytes: int = Field(default=128, ge=1, le=_CAP, description="Most bytes of short_writes.")


class ProcNinepSession(Table):
    """Status of each session below /proc/9p/session."""

    active: bool = Field(default=False, description="Serve active.")
    state: bool = Field(default=False, description="Serve <n>/state.")
    since_ms: bool = Field(default=False, description="Serve <n>/since_ms.")
    owner: bool = Field(default=False, description="Serve <n>/owner.")
    active_bytes: int = Field(default=128, ge=1, le=_CAP, description="Most bytes of active.")
    state_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of <n>/state.")
    since_ms_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of <n>/since_ms.")
    owner_bytes: int = Field(default=96, ge=1, le=_CAP, description="Most bytes of <n>/owner.")


class ProcIngest(Table):
    """Latency and losses of telemetry below /proc/ingest."""

    p50_ms: bool = Field(default=False, description="Serve p50_ms.")
    p95_ms: bool = Field(default=False, description="Serve p95_ms.")
    backpressure: bool = Field(default=False, description="Serve backpressure.")
    dropped: bool = Field(default=False, description="Serve dropped.")
    queued: bool = Field(default=False, description="Serve queued.")
    watch: bool = Field(default=False, description="Serve watch; needs the five files above.")
    p50_ms_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of p50_ms.")
    p95_ms_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of p95_ms.")
    backpressure_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of backpressure.")
    dropped_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of dropped.")
    queued_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of queued.")
    watch_max_entries: int = Field(default=16, ge=1, le=64, description="Lines that watch keeps.")
    watch_line_bytes: int = Field(default=160, ge=1, le=_CAP, description="Most bytes of one line of watch.")
    watch_min_interval_ms: int = Field(
        default=50, ge=1, le=UINT32, description="Shortest pause between two lines of watch."
    )
    latency_samples: int = Field(
        default=16, ge=1, le=64, description="Operations that percentiles are taken over."
    )
    latency_tolerance_ms: int = Field(
        default=5, ge=0, le=UINT32, description="Slack that tests grant to latencies."
    )
    counter_tolerance: int = Field(
        default=1, ge=0, le=UINT32, description="Slack that tests grant to counters."
    )


class ProcRoot(Table):
    """Whether a queen is attached, below /proc/root."""

    reachable: bool = Field(default=False, description="Serve reachable.")
    last_seen_ms: bool = Field(default=False, description="Serve last_seen_ms.")
    cut_reason: bool = Field(default=False, description="Serve cut_reason.")
    reachable_bytes: int = Field(default=32, ge=1, le=_CAP, description="Most bytes of reachable.")
    last_seen_ms_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of last_seen_ms.")
    cut_reason_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of cut_reason.")


class ProcPressure(Table):
    """Refused operations by class, below /proc/pressure."""

    busy: bool = Field(default=False, description="Serve busy.")
    quota: bool = Field(default=False, description="Serve quota.")
    cut: bool = Field(default=False, description="Serve cut.")
    policy: bool = Field(default=False, description="Serve policy.")
    busy_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of busy.")
    quota_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of quota.")
    cut_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of cut.")
    policy_bytes: int = Field(default=64, ge=1, le=_CAP, description="Most bytes of policy.")


class Observability(Table):
    """Status files below /proc."""

    proc_9p: ProcNinep = Field(default_factory=ProcNinep, description="/proc/9p.")
    proc_9p_session: ProcNinepSession = Field(
        default_factory=ProcNinepSession, description="/proc/9p/session."
    )
    proc_ingest: ProcIngest = Field(default_factory=ProcIngest, description="/proc/ingest.")
    proc_root: ProcRoot = Field(default_factory=ProcRoot, description="/proc/root.")
    proc_pressure: ProcPressure = Field(default_factory=ProcPressure, description="/proc/pressure.")


class UiNinep(Table):
    """CBOR twins below /proc/9p."""

    sessions: bool = Field(default=False, description="Serve sessions.cbor.")
    outstanding: bool = Field(default=False, description="Serve outstanding.cbor.")
    short_writes: bool = Field(default=False, description="Serve short_writes.cbor.")


class UiIngest(Table):
    """CBOR twins below /proc/ingest."""

    p50_ms: bool = Field(default=False, description="Serve p50_ms.cbor.")
    p95_ms: bool = Field(default=False, description="Serve p95_ms.cbor.")
    backpressure: bool = Field(default=False, description="Serve backpressure.cbor.")


class UiPolicy(Table):
    """What an approval would meet, below /policy/preflight."""

    req: bool = Field(default=False, description="Serve req and req.cbor.")
    diff: bool = Field(default=False, description="Serve diff and diff.cbor.")


class UiUpdates(Table):
    """State of updates, below /updates/<epoch>."""

    manifest: bool = Field(default=False, description="Serve manifest.cbor; always on while cas is.")
    status: bool = Field(default=False, description="Serve status and status.cbor.")


class UiProviders(Table):
    """Files for user interfaces; each needs the service it shows."""

    proc_9p: UiNinep = Field(default_factory=UiNinep, description="Twins of /proc/9p.")
    proc_ingest: UiIngest = Field(default_factory=UiIngest, description="Twins of /proc/ingest.")
    policy_preflight: UiPolicy = Field(default_factory=UiPolicy, description="Policy preview.")
    updates: UiUpdates = Field(default_factory=UiUpdates, description="Update state.")
