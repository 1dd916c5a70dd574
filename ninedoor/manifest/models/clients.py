"""What client programs are told: sizes, paces and paths. The daemon itself reads none of it.

`[swarmui]` belongs to a user interface that is not part of this project; it is kept because it is part of
the format and therefore of the hash.
"""

from pydantic import Field

from ninedoor.manifest.models.base import (
    UINT32,
    AbsolutePath,
    Component,
    HostPath,
    PathBelowRoot,
    Table,
    Word,
)


class CohMount(Table):
    """What the coh tool mounts."""

    root: AbsolutePath = Field(default="/", description="Path shown as the root of the mount.")
    allowlist: list[PathBelowRoot] = Field(
        default_factory=lambda: ["/proc", "/queen", "/worker", "/log", "/gpu", "/host"],
        max_length=64,
        description="Paths the mount shows.",
    )


class CohTelemetry(Table):
    """What the coh tool pulls; at most what the server keeps."""

    root: PathBelowRoot = Field(default="/queen/telemetry", description="Directory of the devices.")
    max_devices: int = Field(default=32, ge=1, le=UINT32, description="Devices one pull may visit.")
    max_segments_per_device: int = Field(
        default=4, ge=1, le=UINT32, description="Segments taken of one device."
    )
    max_bytes_per_segment: int = Field(
        default=32768, ge=1, le=UINT32, description="Bytes taken of one segment."
    )
    max_total_bytes_per_device: int = Field(
        default=131072, ge=1, le=UINT32, description="Bytes taken of one device."
    )


class CohLease(Table):
    """What counts as a lease before a command is run."""

    schema_: Word = Field(default="gpu-lease/v1", alias="schema", description="Schema of a lease line.")
    active_state: Word = Field(default="ACTIVE", description="State that allows a run.")
    max_bytes: int = Field(default=1024, ge=1, le=UINT32, description="Bytes of one lease line.")


class CohBreadcrumb(Table):
    """What a run leaves in the job's status."""

    schema_: Word = Field(
        default="gpu-breadcrumb/v1", alias="schema", description="Schema of a breadcrumb line."
    )
    max_line_bytes: int = Field(default=512, ge=1, le=UINT32, description="Bytes of one breadcrumb line.")
    max_command_bytes: int = Field(
        default=256, ge=1, le=UINT32, description="Bytes of the command within it."
    )


class CohRun(Table):
    """Commands run under a lease."""

    lease: CohLease = Field(default_factory=CohLease, description="Lease lines.")
    breadcrumb: CohBreadcrumb = Field(default_factory=CohBreadcrumb, description="Breadcrumb lines.")


class PeftExport(Table):
    """Export of training jobs."""

    root: PathBelowRoot = Field(default="/queen/export/lora_jobs", description="Directory of the jobs.")
    max_telemetry_bytes: int = Field(
        default=131072, ge=1, le=UINT32, description="Bytes of a job's telemetry."
    )
    max_policy_bytes: int = Field(default=8192, ge=1, le=UINT32, description="Bytes of a job's policy.")
    max_base_model_bytes: int = Field(
        default=1024, ge=1, le=UINT32, description="Bytes of a job's base model reference."
    )


class PeftImport(Table):
    """Import of trained adapters."""

    registry_root: HostPath = Field(
        default="out/model_registry", description="Directory of the registry on the host."
    )
    max_adapter_bytes: int = Field(default=67108864, ge=1, le=UINT32, description="Bytes of an adapter.")
    max_lora_bytes: int = Field(default=65536, ge=1, le=UINT32, description="Bytes of an adapter's settings.")
    max_metrics_bytes: int = Field(default=65536, ge=1, le=UINT32, description="Bytes of its metrics.")
    max_manifest_bytes: int = Field(default=8192, ge=1, le=UINT32, description="Bytes of its manifest.")


class PeftActivate(Table):
    """Activation of an adapter."""

    max_model_id_bytes: int = Field(default=128, ge=1, le=UINT32, description="Bytes of a model's name.")
    max_state_bytes: int = Field(default=4096, ge=1, le=UINT32, description="Bytes of the recorded state.")


class Peft(Table):
    """Life of a trained adapter."""

    export: PeftExport = Field(default_factory=PeftExport, description="Export.")
    import_: PeftImport = Field(default_factory=PeftImport, alias="import", description="Import.")
    activate: PeftActivate = Field(default_factory=PeftActivate, description="Activation.")


class Coh(Table):
    """The coh tool."""

    mount: CohMount = Field(default_factory=CohMount, description="Mount.")
    telemetry: CohTelemetry = Field(default_factory=CohTelemetry, description="Telemetry.")
    run: CohRun = Field(default_factory=CohRun, description="Leased runs.")
    peft: Peft = Field(default_factory=Peft, description="Adapters.")


class Pool(Table):
    """Sessions the shell keeps open."""

    control_sessions: int = Field(default=2, ge=1, le=UINT32, description="Sessions for commands.")
    telemetry_sessions: int = Field(default=4, ge=1, le=UINT32, description="Sessions for reading telemetry.")


class Tail(Table):
    """Pace of `tail`."""

    poll_ms_default: int = Field(
        default=1000, ge=1, le=UINT32, description="Pause between two polls in milliseconds."
    )
    poll_ms_min: int = Field(
        default=250, ge=1, le=UINT32, description="Shortest pause that may be asked for."
    )
    poll_ms_max: int = Field(
        default=10000, ge=1, le=UINT32, description="Longest pause that may be asked for."
    )


class HostTelemetry(Table):
    """Pace of the host providers."""

    nvidia_poll_ms: int = Field(
        default=1000, ge=1, le=UINT32, description="Pause between two looks at the GPUs."
    )
    systemd_poll_ms: int = Field(
        default=2000, ge=1, le=UINT32, description="Pause between two looks at units."
    )
    docker_poll_ms: int = Field(
        default=2000, ge=1, le=UINT32, description="Pause between two looks at containers."
    )
    k8s_poll_ms: int = Field(
        default=5000, ge=1, le=UINT32, description="Pause between two looks at cluster nodes."
    )


class Cohsh(Table):
    """The shell."""

    pool: Pool = Field(default_factory=Pool, description="Session pool.")
    tail: Tail = Field(default_factory=Tail, description="Tail.")
    host_telemetry: HostTelemetry = Field(default_factory=HostTelemetry, description="Host providers.")


class Retry(Table):
    """Repeating what failed for a passing reason."""

    max_attempts: int = Field(default=3, ge=1, le=UINT32, description="Attempts in all.")
    backoff_ms: int = Field(default=200, ge=1, le=UINT32, description="First pause; it doubles.")
    ceiling_ms: int = Field(default=2000, ge=1, le=UINT32, description="Longest pause.")
    timeout_ms: int = Field(default=5000, ge=1, le=UINT32, description="Longest wait for one reply.")


class Heartbeat(Table):
    """Keeping an idle connection alive."""

    interval_ms: int = Field(default=15000, ge=1, le=UINT32, description="Pause between two heartbeats.")


class Trace(Table):
    """Recorded sessions."""

    max_bytes: int = Field(default=1048576, ge=1, le=UINT32, description="Bytes of one recording.")


class ClientPolicies(Table):
    """Limits and paces of the client programs."""

    coh: Coh = Field(default_factory=Coh, description="The coh tool.")
    cohsh: Cohsh = Field(default_factory=Cohsh, description="The shell.")
    retry: Retry = Field(default_factory=Retry, description="Repeats.")
    heartbeat: Heartbeat = Field(default_factory=Heartbeat, description="Heartbeats.")
    trace: Trace = Field(default_factory=Trace, description="Recordings.")


class ClientPaths(Table):
    """Where clients find what they write to and read."""

    queen_ctl: PathBelowRoot = Field(default="/queen/ctl", description="Queen commands.")
    queen_lifecycle_ctl: PathBelowRoot = Field(
        default="/queen/lifecycle/ctl", description="Lifecycle commands."
    )
    log: PathBelowRoot = Field(default="/log/queen.log", description="The hive's log.")


class SwarmCache(Table):
    """Snapshots kept on disk."""

    enabled: bool = Field(default=False, description="Keep snapshots.")
    max_bytes: int = Field(default=262144, ge=1, le=UINT32, description="Bytes kept.")
    ttl_s: int = Field(default=3600, ge=1, le=UINT32, description="Seconds a snapshot stays valid.")


class SwarmHive(Table):
    """The animated view."""

    frame_cap_fps: int = Field(default=60, ge=1, le=1000, description="Frames per second at most.")
    step_ms: int = Field(default=16, ge=1, le=UINT32, description="Milliseconds of one step.")
    lod_zoom_out: float = Field(
        default=0.7, ge=0.001, le=1000, description="Zoom below which detail is dropped."
    )
    lod_zoom_in: float = Field(
        default=1.25, ge=0.001, le=1000, description="Zoom above which detail is added."
    )
    lod_event_budget: int = Field(default=512, ge=1, le=UINT32, description="Events drawn in one frame.")
    snapshot_max_events: int = Field(default=4096, ge=1, le=UINT32, description="Events in one snapshot.")
    overlay_lines: int = Field(default=3, ge=1, le=UINT32, description="Lines of a worker's overlay.")
    detail_lines: int = Field(default=50, ge=1, le=UINT32, description="Lines of a worker's detail view.")
    line_cap_bytes: int = Field(default=160, ge=1, le=UINT32, description="Bytes of one line.")
    per_worker_bytes: int = Field(default=2048, ge=1, le=UINT32, description="Bytes kept of one worker.")


class SwarmPaths(Table):
    """Where the view looks."""

    telemetry_root: PathBelowRoot = Field(default="/worker", description="Directory of telemetry.")
    proc_ingest_root: PathBelowRoot = Field(default="/proc/ingest", description="Directory of ingest status.")
    worker_root: PathBelowRoot = Field(default="/worker", description="Directory of workers.")
    namespace_roots: list[PathBelowRoot] = Field(
        default_factory=lambda: ["/proc", "/queen", "/worker", "/log", "/gpu"],
        max_length=64,
        description="Directories shown in the browser.",
    )


class Swarmui(Table):
    """A user interface outside this project."""

    ticket_scope: Component = Field(default="per-ticket", description="What a cached snapshot belongs to.")
    cache: SwarmCache = Field(default_factory=SwarmCache, description="Snapshots.")
    hive: SwarmHive = Field(default_factory=SwarmHive, description="Animated view.")
    paths: SwarmPaths = Field(default_factory=SwarmPaths, description="Paths.")
