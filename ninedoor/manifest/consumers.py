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


def _status(key: str) -> tuple[Consumer, ...]:
    return (Setting(f"proc_9p.{key}", "ninedoor.providers.proc"), STATUS)


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
    "sharding": (HEADER, SERVICES),
    "ecosystem": (SERVICES,),
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
    "telemetry.cursor": (BOOT, HEADER, LIMITS),
    "telemetry_ingest": (HEADER, SERVICES),
    "lifecycle": (HEADER, SERVICES),
    "observability.proc_9p.sessions": _status("sessions"),
    "observability.proc_9p.outstanding": _status("outstanding"),
    "observability.proc_9p.short_writes": _status("short_writes"),
    "observability.proc_9p.sessions_bytes": _status("sessions_bytes"),
    "observability.proc_9p.outstanding_bytes": _status("outstanding_bytes"),
    "observability.proc_9p.short_writes_bytes": _status("short_writes_bytes"),
    "observability.proc_9p_session": (STATUS,),
    "observability.proc_ingest": (STATUS,),
    "observability.proc_root": (STATUS,),
    "observability.proc_pressure": (STATUS,),
    "ui_providers.proc_9p": (STATUS,),
    "ui_providers.proc_ingest": (STATUS,),
    "ui_providers.policy_preflight": (SERVICES,),
    "ui_providers.updates": (SERVICES,),
    "client_policies.coh": (COH,),
    "client_policies.cohsh": (COHSH,),
    "client_policies.cohsh.tail.poll_ms_min": (COHSH, SCRIPT),
    "client_policies.retry": (COH, COHSH),
    "client_policies.heartbeat": (COHSH,),
    "client_policies.trace": (COHSH,),
    "client_paths": (COHSH,),
    "swarmui": (Kept("a user interface outside this project; kept for the hash"),),
    "cas": (TEMPLATE, SERVICES),
    "cas.signing.key_path": (SERVICES,),
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
