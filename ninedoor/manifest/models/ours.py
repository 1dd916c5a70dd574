"""Tables that this project adds to the format; the resolved JSON of a file that has them ends with them."""

from typing import Literal

from pydantic import Field

from ninedoor import config, limits
from ninedoor.manifest.models.base import ConsoleUrl, HostPath, SocketUrl, Table, is_absent

_STORE = config.Store()
_WORKERS = config.Workers()
_LISTENER = config.Listener("")
_CONSOLE = config.Console("")
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000


class Store(Table):
    """Persistence of the hive."""

    fsync: Literal["always", "batch", "never"] = Field(
        default=_STORE.fsync,
        description="Journal durable before each reply, batch_ms later, or when the kernel likes.",
    )
    batch_ms: int = Field(
        default=_STORE.batch_ms,
        ge=1,
        le=_MINUTE_MS,
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
        le=_HOUR_MS,
        description="Milliseconds between two heartbeats of a worker.",
    )
    max_workers: int = Field(
        default=_WORKERS.max_workers, ge=1, le=limits.WORKERS_MAX, description="Workers alive at one time."
    )


class Listener(Table):
    """A socket that serves 9P. Attaching takes a ticket, but for the daemon's own user on a unix socket."""

    url: SocketUrl = Field(description="`unix:/path` or `tcp://host:port`; port 0 takes any free one.")
    profile: Literal["strict", "linux"] = Field(
        default=_LISTENER.profile,
        description="Dialect: `strict` takes no fid number twice, `linux` is what a Linux kernel mounts.",
    )
    sessions: int = Field(
        default=_LISTENER.sessions, ge=1, le=limits.SESSIONS_MAX, description="Peers served at one time."
    )
    fids: int = Field(
        default=_LISTENER.fids, ge=1, le=limits.LISTENER_FIDS_MAX, description="Live fids of one peer."
    )
    handshake_ms: int = Field(
        default=_LISTENER.handshake_ms,
        ge=1,
        le=_MINUTE_MS,
        description="Milliseconds in which a peer must have attached.",
    )
    idle_ms: int = Field(
        default=_LISTENER.idle_ms,
        ge=0,
        le=24 * _HOUR_MS,
        description="Milliseconds without a request after which a peer is cut; 0 is never.",
    )
    stall_ms: int = Field(
        default=_LISTENER.stall_ms,
        ge=1,
        le=_MINUTE_MS,
        description="Milliseconds a peer may take nothing of what it was sent.",
    )
    beyond_loopback: bool = Field(
        default=_LISTENER.beyond_loopback,
        description="Permission to listen where other machines reach; what is sent is not encrypted.",
    )


class Console(Table):
    """A place where the line console is served."""

    url: ConsoleUrl = Field(
        description="`tcp://host:port`, `unix:/path`, `pty:` (a new terminal) or "
        "`serial:/dev/ttyS0`, with `?baud=115200` if need be."
    )
    token_file: HostPath | None = Field(
        default=None,
        exclude_if=is_absent,
        description="File whose one line is the token that a client on TCP has to show.",
    )
    clients: int = Field(
        default=_CONSOLE.clients,
        ge=1,
        le=limits.CONSOLE_CLIENTS_MAX,
        description="Clients served at one time; a terminal has one.",
    )
    auth_ms: int = Field(
        default=_CONSOLE.auth_ms,
        ge=1,
        le=_MINUTE_MS,
        description="Milliseconds in which a client on TCP must have shown the token.",
    )
    idle_ms: int = Field(
        default=_CONSOLE.idle_ms,
        ge=0,
        le=24 * _HOUR_MS,
        description="Milliseconds without a line after which a client is cut; 0 is never.",
    )
    stall_ms: int = Field(
        default=_CONSOLE.stall_ms,
        ge=1,
        le=_MINUTE_MS,
        description="Milliseconds a client may take nothing of what it was sent.",
    )
    beyond_loopback: bool = Field(
        default=_CONSOLE.beyond_loopback,
        description="Permission to listen where other machines reach; what is sent is not encrypted.",
    )
