"""Who uses each key of a manifest. A key that nobody uses has no business in the format.

The table names consumers per table or per key, the longest name deciding. The test of this module changes
every key and looks: each consumer named here must then see something else, and no key may be without one.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Setting(NamedTuple):
    """The running hive, through an attribute of `ninedoor.config.Config`. `reader` is a module that reads
    it."""

    attribute: str
    reader: str

    def __str__(self) -> str:
        return self.reader


class Output(NamedTuple):
    """A file written by coh-rtc (`name` is that in `emit.artefacts`)."""

    name: str
    label: str

    def __str__(self) -> str:
        return self.label


class Place(NamedTuple):
    """A place of the documentation (`name` is that in `emit.snippets`)."""

    name: str

    def __str__(self) -> str:
        return f"docs ({self.name})"


class Kept(NamedTuple):
    """Nobody here: part of the original format, and therefore of its hash, for a program that is not ours."""

    reason: str

    def __str__(self) -> str:
        return self.reason


Consumer = Setting | Output | Place | Kept

BOOT = Setting("boot_lines", "ninedoor.providers.proc")
HEADER = Output("header", "the guest's header")
SCRIPT = Output("cli-script", "the boot script")
COHSH = Output("cohsh-policy", "cohsh's policy")
COH = Output("coh-policy", "coh's policy")
TEMPLATE = Output("cas-manifest-template", "the template of updates")
COMPANIONS = Output("manifest", "the .sha256 files")
SERVICES = Place("services")
STATUS = Place("proc-grammar")
LIMITS = Place("limits")
QUOTAS = Place("quotas")
HARDWARE = Place("hardware")
LISTENERS = Place("listeners")


def _limit(key: str) -> tuple[Consumer, ...]:
    return (Setting(f"ticket_limits.{key}", "ninedoor.policy.claims"), QUOTAS)


def _cas(key: str, reader: str) -> Setting:
    return Setting(f"cas.{key}", f"ninedoor.{reader}")


def _status(key: str) -> tuple[Consumer, ...]:
    return (Setting(f"proc_9p.{key}", "ninedoor.providers.proc"), STATUS)


def _shown(table: str, reader: str, nodes: str) -> dict[str, tuple[Consumer, ...]]:
    """The switches and caps of the status files that `reader` provides."""
    keys = [key for node in nodes.split() for key in (node, f"{node}_bytes")]
    return {f"observability.{table}.{key}": (Setting(f"{table}.{key}", reader), STATUS) for key in keys}


def _window(key: str) -> tuple[Consumer, ...]:
    return (Setting(f"proc_ingest.{key}", "ninedoor.hive.ingest"), STATUS)


def _twins(table: str, reader: str, nodes: str) -> dict[str, tuple[Consumer, ...]]:
    return {
        f"ui_providers.{table}.{node}": (Setting(f"twins.{node}", reader), STATUS) for node in nodes.split()
    }


def _ingest(key: str) -> tuple[Consumer, ...]:
    return (Setting(f"telemetry_ingest.{key}", "ninedoor.hive.segments"), HEADER, SERVICES)


CONSUMERS: Mapping[str, tuple[Consumer, ...]] = {
    "meta": (COMPANIONS,),
    "root_task.schema": (BOOT, HEADER, SCRIPT),
    "profile.name": (BOOT, HEADER, SCRIPT),
    "profile.kernel": (HEADER,),
    "event_pump.tick_ms": (HEADER,),
    "secure9p.msize": (Setting("secure9p.msize", "ninedoor.runtime.app"), HEADER, LIMITS),
    "secure9p.walk_depth": (Setting("secure9p.walk_depth", "ninedoor.runtime.app"), HEADER, LIMITS),
    "secure9p.tags_per_session": (
        Setting("secure9p.tags_per_session", "ninedoor.runtime.app"),
        HEADER,
        LIMITS,
    ),
    "secure9p.batch_frames": (Setting("secure9p.batch_frames", "ninedoor.runtime.app"), HEADER, LIMITS),
    "secure9p.short_write": (Setting("secure9p.short_write", "ninedoor.doors.stream.door"), HEADER, LIMITS),
    "features": (HEADER, SERVICES),
    "features.gpu": (Setting("gpu", "ninedoor.providers.gpu"), HEADER, SERVICES),
    "features.net_console": (BOOT, HEADER, SERVICES),
    "features.serial_console": (BOOT, HEADER, SERVICES),
    "cache": (HEADER,),
    "tickets.role": (Setting("secrets", "ninedoor.policy.gate"), HEADER),
    "tickets.secret": (Setting("secrets", "ninedoor.policy.gate"), HEADER),
    "ticket_limits.max_scopes": _limit("max_scopes"),
    "ticket_limits.max_scope_path_len": _limit("max_scope_path_len"),
    "ticket_limits.max_scope_rate_per_s": _limit("max_scope_rate_per_s"),
    "ticket_limits.bandwidth_bytes": _limit("bandwidth_bytes"),
    "ticket_limits.cursor_resumes": _limit("cursor_resumes"),
    "ticket_limits.cursor_advances": _limit("cursor_advances"),
    "namespaces.role_isolation": (HEADER,),
    "namespaces.mounts": (Setting("services", "ninedoor.hive.hive"), HEADER),
    "sharding.enabled": (Setting("sharding.enabled", "ninedoor.shards"), HEADER, SERVICES),
    "sharding.shard_bits": (Setting("sharding.shard_bits", "ninedoor.shards"), HEADER, SERVICES),
    "sharding.legacy_worker_alias": (
        Setting("sharding.legacy_worker_alias", "ninedoor.shards"),
        HEADER,
        SERVICES,
    ),
    "ecosystem": (SERVICES,),
    "ecosystem.models": (_cas("models", "providers.models"), SERVICES),
    "sidecars": (HEADER, SERVICES),
    "telemetry.ring_bytes_per_worker": (
        Setting("telemetry.ring_bytes_per_worker", "ninedoor.hive.hive"),
        BOOT,
        HEADER,
        LIMITS,
    ),
    "telemetry.frame_schema": (
        Setting("telemetry.frame_schema", "ninedoor.hive.hive"),
        BOOT,
        HEADER,
        LIMITS,
    ),
    "telemetry.cursor": (
        Setting("telemetry.retain_on_boot", "ninedoor.hive.hive"),
        BOOT,
        HEADER,
        LIMITS,
    ),
    "telemetry_ingest.max_segments_per_device": _ingest("max_segments_per_device"),
    "telemetry_ingest.max_bytes_per_segment": _ingest("max_bytes_per_segment"),
    "telemetry_ingest.max_total_bytes_per_device": _ingest("max_total_bytes_per_device"),
    "telemetry_ingest.eviction_policy": _ingest("eviction_policy"),
    "lifecycle.initial_state": (
        Setting("lifecycle.initial_state", "ninedoor.hive.lifecycle"),
        HEADER,
        SERVICES,
    ),
    "lifecycle.auto_transitions": (
        Setting("lifecycle.auto_transitions", "ninedoor.hive.lifecycle"),
        HEADER,
        SERVICES,
    ),
    "observability.proc_9p.sessions": _status("sessions"),
    "observability.proc_9p.outstanding": _status("outstanding"),
    "observability.proc_9p.short_writes": _status("short_writes"),
    "observability.proc_9p.sessions_bytes": _status("sessions_bytes"),
    "observability.proc_9p.outstanding_bytes": _status("outstanding_bytes"),
    "observability.proc_9p.short_writes_bytes": _status("short_writes_bytes"),
    **_shown("proc_9p_session", "ninedoor.providers.sessions", "active state since_ms owner"),
    **_shown("proc_ingest", "ninedoor.providers.latency", "p50_ms p95_ms backpressure dropped queued"),
    "observability.proc_ingest.watch": (Setting("proc_ingest.watch", "ninedoor.providers.latency"), STATUS),
    "observability.proc_ingest.watch_max_entries": _window("watch_max_entries"),
    "observability.proc_ingest.watch_line_bytes": _window("watch_line_bytes"),
    "observability.proc_ingest.watch_min_interval_ms": _window("watch_min_interval_ms"),
    "observability.proc_ingest.latency_samples": _window("latency_samples"),
    "observability.proc_ingest.latency_tolerance_ms": (STATUS,),
    "observability.proc_ingest.counter_tolerance": (STATUS,),
    **_shown("proc_root", "ninedoor.providers.standing", "reachable last_seen_ms cut_reason"),
    **_shown("proc_pressure", "ninedoor.providers.standing", "busy quota cut policy"),
    **_twins("proc_9p", "ninedoor.providers.proc", "sessions outstanding short_writes"),
    **_twins("proc_ingest", "ninedoor.providers.latency", "p50_ms p95_ms backpressure"),
    "ui_providers.policy_preflight": (SERVICES,),
    "ui_providers.updates.manifest": (_cas("manifest", "providers.updates"), SERVICES),
    "ui_providers.updates.status": (_cas("status", "providers.updates"), SERVICES),
    "client_policies.coh": (COH,),
    "client_policies.cohsh": (COHSH,),
    "client_policies.cohsh.tail.poll_ms_min": (COHSH, SCRIPT),
    "client_policies.retry": (COH, COHSH),
    "client_policies.heartbeat": (COHSH,),
    "client_policies.trace": (COHSH,),
    "client_paths": (COHSH,),
    "swarmui": (Kept("a user interface outside this project; kept for the hash"),),
    "cas.enable": (_cas("enable", "runtime.updates"), TEMPLATE, SERVICES),
    "cas.store.chunk_bytes": (_cas("chunk_bytes", "updates.updates"), TEMPLATE, SERVICES),
    "cas.store.budget_bytes": (_cas("budget_bytes", "updates.updates"), SERVICES),
    "cas.store.max_chunks": (_cas("max_chunks", "updates.updates"), TEMPLATE, SERVICES),
    "cas.store.max_epochs": (_cas("max_epochs", "updates.registry"), SERVICES),
    "cas.store.max_models": (_cas("max_models", "updates.models"), SERVICES),
    "cas.store.quarantine": (_cas("quarantine", "updates.chunks"), SERVICES),
    "cas.store.unused_s": (_cas("unused_s", "updates.updates"), SERVICES),
    "cas.delta": (_cas("delta", "updates.judging"), TEMPLATE, SERVICES),
    "cas.signing.required": (_cas("required", "updates.judging"), TEMPLATE, SERVICES),
    "cas.signing.key_path": (_cas("key_path", "runtime.updates"), SERVICES),
    "cas.signing.key_kind": (SERVICES,),
    "cas.signing.public_keys": (_cas("keys", "updates.judging"), SERVICES),
    "cas.signing.revoked_keys": (_cas("revoked", "updates.judging"), SERVICES),
    "store.fsync": (Setting("store.fsync", "ninedoor.runtime.app"), LIMITS),
    "store.batch_ms": (Setting("store.batch_ms", "ninedoor.runtime.app"), LIMITS),
    "store.segment_bytes": (Setting("store.segment_bytes", "ninedoor.store.journal"), LIMITS),
    "workers.heartbeat_ms": (Setting("workers.heartbeat_ms", "ninedoor.runtime.app"), LIMITS),
    "workers.max_workers": (Setting("workers.max_workers", "ninedoor.hive.hive"), LIMITS),
    "listeners": (Setting("listeners", "ninedoor.cli.hive"), LISTENERS),
    "consoles": (Setting("consoles", "ninedoor.cli.consoles"),),
    "hardware": (HEADER, HARDWARE),
}
"""Dotted name of a key or table → who uses it, or all keys below it."""


def consumers_of(name: str) -> tuple[Consumer, ...]:
    """Who uses the key called `name` (dots, no indices); () when nobody does."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        found = CONSUMERS.get(".".join(parts[:length]))
        if found is not None:
            return found
    return ()
