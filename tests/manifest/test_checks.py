"""One breach of every rule and of every bound, each told in full and alone."""

import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ninedoor import limits
from ninedoor.errors import ManifestError
from ninedoor.manifest.checks import RULES, check
from ninedoor.manifest.load import load_text
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.rules.rule import Rule, Subject
from ninedoor.manifest.secrets import SAMPLE_PUBLIC_KEY
from tests.manifest.samples import ABSENT, FOLDER, REGRESSION, STOCK, Edits, as_toml, content_of, edited

BOUND = "bound"
"""Stands for the models where a single value decides, and no rule is needed."""

LORA = ("sidecars", "lora", "adapters", 0)
MODBUS = ("sidecars", "modbus", "adapters", 0)
TRANSITIONS = ("lifecycle", "auto_transitions")
POLICY_RULE = ("ecosystem", "policy", "rules", 0)
DNP3_ADAPTER = {"id": "d", "mount": "d", "scope": "d", "link": "tcp", "baud": 0}

UART = {"kind": "UART", "compatible": "arm,pl011", "mmio_base": 0x09000000, "mmio_size": 0x1000, "irq": 33}
RTC = {"kind": "RTC", "compatible": "arm,pl031", "mmio_base": 0x09010000, "mmio_size": 0x1000, "irq": 34}
NET = {"kind": "NET", "compatible": "virtio,mmio", "mmio_base": 0x0A003E00, "mmio_size": 0x200, "irq": 79}
UEFI: dict[str, object] = {"profile": "uefi_aarch64", "devices": [UART, NET, RTC], "attestation": {}}


def listening(*urls: str, **keys: object) -> Edits:
    """A listener for each of `urls`, with the same keys besides."""
    return {("listeners",): [{"url": url, **keys} for url in urls]}


def consoles(*urls: str, **keys: object) -> Edits:
    """A console at each of `urls`, with the same keys besides."""
    return {("consoles",): [{"url": url, **keys} for url in urls]}


OWN_SECRETS: Edits = {("tickets",): [{"role": "queen", "secret": "one's own"}]}


class Breach(NamedTuple):
    """Edits of the regression sample, and the problems they cause, without their places."""

    rule: str
    edits: Edits
    problems: tuple[str, ...]


BREACHES = (
    Breach(BOUND, {("secure9p", "msize"): 8193}, ("secure9p.msize = 8193: exceeds maximum 8192",)),
    Breach(BOUND, {("secure9p", "walk_depth"): 9}, ("secure9p.walk_depth = 9: exceeds maximum 8",)),
    Breach(
        BOUND, {("secure9p", "tags_per_session"): 0}, ("secure9p.tags_per_session = 0: is below minimum 1",)
    ),
    Breach(BOUND, {("secure9p", "batch_frames"): 0}, ("secure9p.batch_frames = 0: is below minimum 1",)),
    Breach(
        BOUND,
        {("secure9p", "short_write", "policy"): "drop"},
        ("secure9p.short_write.policy = \"drop\": must be 'reject' or 'retry'",),
    ),
    Breach(BOUND, {("secure9p", "short_write"): ABSENT}, ("secure9p.short_write: required key is missing",)),
    Breach(
        "schema",
        {("root_task", "schema"): "1.4"},
        (
            (
                'root_task.schema = "1.4": unsupported root_task.schema 1.4 (expected 1.5): '
                'set "1.5"; since 1.5, [sidecars] describes bus and radio adapters'
            ),
        ),
    ),
    Breach(
        "schema",
        {("root_task", "schema"): "2.0"},
        (
            (
                'root_task.schema = "2.0": unsupported root_task.schema 2.0 (expected 1.5): '
                'it was written for another program: set "1.5" and correct what is then refused'
            ),
        ),
    ),
    Breach(
        "batch",
        {("secure9p", "batch_frames"): 65},
        ("secure9p.batch_frames = 65: batched payload 8320 exceeds msize 8192",),
    ),
    Breach(
        "host_only_features",
        {("features", name): True for name in ("std_console", "std_host_tools", "gpu")},
        (
            "features.std_console = true: std_console requires profile.kernel = false",
            "features.std_host_tools = true: std_host_tools requires profile.kernel = false",
            "features.gpu = true: gpu requires profile.kernel = false",
        ),
    ),
    Breach(
        "mount_depth",
        {("namespaces", "mounts"): [{"service": "deep", "target": list("abcdefghi")}]},
        ("namespaces.mounts[0].target: namespace mount deep exceeds walk depth 8",),
    ),
    Breach(
        BOUND,
        {("namespaces", "mounts"): [{"service": "up", "target": ["log", ".."]}]},
        ("namespaces.mounts[0].target[1] = \"..\": contains disallowed '..'",),
    ),
    Breach(
        BOUND,
        {("namespaces", "mounts"): [{"service": "hole", "target": [""]}]},
        ('namespaces.mounts[0].target[0] = "": contains empty path component',),
    ),
    Breach(
        BOUND,
        {("namespaces", "mounts"): [{"service": "all", "target": []}]},
        ("namespaces.mounts[0].target: must not be empty",),
    ),
    Breach(
        "mount_names",
        {("namespaces", "mounts"): [{"service": "s", "target": ["a"]}, {"service": "s", "target": ["b"]}]},
        ('namespaces.mounts[1].service = "s": duplicate namespace mount s',),
    ),
    Breach(
        "tickets",
        {("tickets",): [{"role": "queen", "secret": "s"}] * 2},
        ("tickets[1]: duplicate ticket entry for role queen",),
    ),
    Breach(
        BOUND, {("ticket_limits", "max_scopes"): 17}, ("ticket_limits.max_scopes = 17: exceeds maximum 16",)
    ),
    Breach(
        BOUND,
        {("ticket_limits", "max_scope_path_len"): 0},
        ("ticket_limits.max_scope_path_len = 0: is below minimum 1",),
    ),
    Breach(
        BOUND,
        {("ticket_limits", "max_scope_path_len"): 256},
        ("ticket_limits.max_scope_path_len = 256: exceeds maximum 255",),
    ),
    Breach(BOUND, {("sharding", "shard_bits"): 9}, ("sharding.shard_bits = 9: exceeds maximum 8",)),
    Breach(
        "shard_depth",
        {("secure9p", "walk_depth"): 4},
        ("sharding.enabled = true: sharding requires secure9p.walk_depth >= 5",),
    ),
    Breach(
        "alias_depth",
        {("secure9p", "walk_depth"): 2, ("sharding", "enabled"): False},
        ("sharding.legacy_worker_alias = true: the worker alias requires secure9p.walk_depth >= 3",),
    ),
    Breach(
        "legacy_mounts",
        {
            ("sharding", "legacy_worker_alias"): False,
            ("namespaces", "mounts"): [{"service": "w", "target": ["worker", "worker-1"]}],
        },
        ("namespaces.mounts[0].target: /worker/worker-1 needs sharding.legacy_worker_alias = true",),
    ),
    Breach(
        "legacy_targets",
        {("sharding", "legacy_worker_alias"): False, (*POLICY_RULE, "target"): "/worker/*/telemetry"},
        (
            (
                'ecosystem.policy.rules[0].target = "/worker/*/telemetry": '
                "/worker/*/telemetry needs sharding.legacy_worker_alias = true"
            ),
        ),
    ),
    Breach(
        "cache",
        {("cache", "kernel_ops"): False},
        (
            "cache.dma_clean = true: dma_clean requires cache.kernel_ops = true",
            "cache.dma_invalidate = true: dma_invalidate requires cache.kernel_ops = true",
        ),
    ),
    Breach(
        "role_isolation",
        {("namespaces", "role_isolation"): False},
        ("namespaces.role_isolation = false: the isolation of roles cannot be switched off",),
    ),
    Breach(
        BOUND,
        {("ecosystem", "host", "mount_at"): "host"},
        ('ecosystem.host.mount_at = "host": must be an absolute path',),
    ),
    Breach(
        BOUND,
        {("ecosystem", "host", "mount_at"): "/"},
        ('ecosystem.host.mount_at = "/": must not be the root',),
    ),
    Breach(
        BOUND,
        {("ecosystem", "host", "mount_at"): "/a/../b"},
        ("ecosystem.host.mount_at = \"/a/../b\": contains disallowed '..'",),
    ),
    Breach(
        BOUND,
        {("ecosystem", "host", "mount_at"): "/a/b/c/d/e/f/g/h/i"},
        ('ecosystem.host.mount_at = "/a/b/c/d/e/f/g/h/i": exceeds walk depth 8',),
    ),
    Breach(
        "sidecar_adapters",
        {("sidecars", "dnp3", "enable"): True},
        ("sidecars.dnp3.enable = true: sidecars.dnp3 requires at least one adapter",),
    ),
    Breach(
        BOUND,
        {(*MODBUS, "mount"): "a/b", (*MODBUS, "scope"): "..", (*LORA, "id"): ""},
        (
            "sidecars.modbus.adapters[0].mount = \"a/b\": contains '/' inside a component",
            "sidecars.modbus.adapters[0].scope = \"..\": contains disallowed '..'",
            'sidecars.lora.adapters[0].id = "": contains empty path component',
        ),
    ),
    Breach(
        BOUND,
        {(*LORA, "mount"): "m" * 65},
        (f'sidecars.lora.adapters[0].mount = "{"m" * 63}…: component exceeds 64 bytes',),
    ),
    Breach(
        BOUND,
        {(*MODBUS, "link"): "usb"},
        ("sidecars.modbus.adapters[0].link = \"usb\": must be 'serial' or 'tcp'",),
    ),
    Breach(
        "sidecar_baud",
        {(*MODBUS, "baud"): 0},
        ("sidecars.modbus.adapters[0].baud = 0: must be >= 1 on a serial link",),
    ),
    Breach(
        BOUND,
        {(*MODBUS, "spool"): {"max_entries": 257, "max_bytes": 0}},
        (
            "sidecars.modbus.adapters[0].spool.max_entries = 257: exceeds maximum 256",
            "sidecars.modbus.adapters[0].spool.max_bytes = 0: is below minimum 1",
        ),
    ),
    Breach(
        BOUND,
        {(*LORA, "duty_cycle_percent"): 101},
        ("sidecars.lora.adapters[0].duty_cycle_percent = 101: exceeds maximum 100",),
    ),
    Breach(
        BOUND,
        {(*LORA, "window_ms"): 0, (*LORA, "max_payload_bytes"): 0, (*LORA, "tamper_log_max_entries"): 0},
        (
            "sidecars.lora.adapters[0].window_ms = 0: is below minimum 1",
            "sidecars.lora.adapters[0].max_payload_bytes = 0: is below minimum 1",
            "sidecars.lora.adapters[0].tamper_log_max_entries = 0: is below minimum 1",
        ),
    ),
    Breach(
        "sidecar_frame_bounds",
        {
            ("secure9p", "msize"): 256,
            ("ecosystem", "audit", "enable"): False,
            ("ecosystem", "audit", "replay_enable"): False,
            ("ecosystem", "policy", "enable"): False,
            ("ui_providers", "policy_preflight"): {},
            (*LORA, "max_payload_bytes"): 257,
        },
        (
            "sidecars.modbus.adapters[0].spool.max_bytes = 512: exceeds secure9p.msize 256",
            "sidecars.lora.adapters[0].max_payload_bytes = 257: exceeds secure9p.msize 256",
        ),
    ),
    Breach(
        "sidecar_scopes",
        {(*LORA, "scope"): "modbus-main"},
        ('sidecars.lora.adapters[0].scope = "modbus-main": duplicate sidecar scope modbus-main',),
    ),
    Breach(
        "sidecar_ids",
        {("sidecars", "dnp3", "adapters"): [DNP3_ADAPTER, {**DNP3_ADAPTER, "mount": "e", "scope": "e"}]},
        ('sidecars.dnp3.adapters[1].id = "d": duplicate adapter id d',),
    ),
    Breach(
        "sidecar_budget",
        {(*LORA, "tamper_log_max_entries"): 125},
        ("sidecars: sidecar buffers 16512 bytes exceed budget 16384 bytes",),
    ),
    Breach(
        "frame_bounds",
        {("secure9p", "msize"): 2000},
        (
            "ecosystem.audit.journal_max_bytes = 8192: exceeds secure9p.msize 2000",
            "ecosystem.audit.decisions_max_bytes = 4096: exceeds secure9p.msize 2000",
            "ecosystem.policy.queue_max_bytes = 4096: exceeds secure9p.msize 2000",
            "ecosystem.policy.ctl_max_bytes = 2048: exceeds secure9p.msize 2000",
        ),
    ),
    Breach(
        "frame_bounds",
        {
            ("ecosystem", "audit", "replay_ctl_max_bytes"): 8193,
            ("ecosystem", "audit", "replay_status_max_bytes"): 8193,
            ("ecosystem", "policy", "status_max_bytes"): 8193,
        },
        (
            "ecosystem.audit.replay_ctl_max_bytes = 8193: exceeds secure9p.msize 8192",
            "ecosystem.audit.replay_status_max_bytes = 8193: exceeds secure9p.msize 8192",
            "ecosystem.policy.status_max_bytes = 8193: exceeds secure9p.msize 8192",
        ),
    ),
    Breach(
        BOUND,
        {("ecosystem", "policy", "queue_max_entries"): 65, ("ecosystem", "policy", "ctl_max_bytes"): 0},
        (
            "ecosystem.policy.queue_max_entries = 65: exceeds maximum 64",
            "ecosystem.policy.ctl_max_bytes = 0: is below minimum 1",
        ),
    ),
    Breach(BOUND, {(*POLICY_RULE, "id"): ""}, ('ecosystem.policy.rules[0].id = "": must not be empty',)),
    Breach(
        BOUND,
        {(*POLICY_RULE, "id"): "x" * 65},
        (f'ecosystem.policy.rules[0].id = "{"x" * 63}…: exceeds 64 characters',),
    ),
    Breach(
        BOUND,
        {(*POLICY_RULE, "target"): "queen/ctl"},
        ('ecosystem.policy.rules[0].target = "queen/ctl": must be an absolute path',),
    ),
    Breach(
        BOUND,
        {(*POLICY_RULE, "target"): "/"},
        ('ecosystem.policy.rules[0].target = "/": must not be the root',),
    ),
    Breach(
        BOUND,
        {(*POLICY_RULE, "target"): "/queen/c*"},
        ("ecosystem.policy.rules[0].target = \"/queen/c*\": '*' must be a whole component",),
    ),
    Breach(
        BOUND,
        {("ecosystem", "audit", "replay_max_entries"): 257},
        ("ecosystem.audit.replay_max_entries = 257: exceeds maximum 256",),
    ),
    Breach(
        "replay_needs_audit",
        {("ecosystem", "audit", "enable"): False},
        ("ecosystem.audit.replay_enable = true: replay requires ecosystem.audit.enable = true",),
    ),
    Breach(
        BOUND,
        {("telemetry", "ring_bytes_per_worker"): 0},
        ("telemetry.ring_bytes_per_worker = 0: is below minimum 1",),
    ),
    Breach(
        "ring_budget",
        {("telemetry", "ring_bytes_per_worker"): 4097},
        (
            (
                "telemetry.ring_bytes_per_worker = 4097: "
                "telemetry rings 32776 bytes exceed event-pump budget 32768 bytes"
            ),
        ),
    ),
    Breach(
        "ingest_switch",
        {("telemetry_ingest", "max_segments_per_device"): 0},
        ("telemetry_ingest.max_segments_per_device = 0: the three limits must be all zero or all non-zero",),
    ),
    Breach(
        "ingest_total",
        {
            ("telemetry_ingest", "max_total_bytes_per_device"): 32767,
            ("client_policies", "coh", "telemetry", "max_total_bytes_per_device"): 32767,
        },
        ("telemetry_ingest.max_total_bytes_per_device = 32767: must be >= max_bytes_per_segment 32768",),
    ),
    Breach(
        BOUND,
        {TRANSITIONS: [{"from": "BOOTING", "to": "ONLINE"}] * 9},
        ("lifecycle.auto_transitions: has 9 entries, maximum 8",),
    ),
    Breach(
        "transition_moves",
        {TRANSITIONS: [{"from": "BOOTING", "to": "BOOTING"}]},
        ("lifecycle.auto_transitions[0]: transition from BOOTING to itself does nothing",),
    ),
    Breach(
        "transition_allowed",
        {TRANSITIONS: [{"from": "BOOTING", "to": "OFFLINE"}, {"from": "DRAINING", "to": "ONLINE"}]},
        (
            (
                "lifecycle.auto_transitions[0]: transition BOOTING -> OFFLINE is not allowed "
                "(only BOOTING -> ONLINE or DEGRADED)"
            ),
            (
                "lifecycle.auto_transitions[1]: transition DRAINING -> ONLINE is not allowed "
                "(only BOOTING -> ONLINE or DEGRADED)"
            ),
        ),
    ),
    Breach(
        "transition_once",
        {TRANSITIONS: [{"from": "BOOTING", "to": "ONLINE"}] * 2},
        ("lifecycle.auto_transitions[1]: duplicate transition BOOTING -> ONLINE",),
    ),
    Breach(
        "listener_urls",
        listening("unix:/s", "tcp://[::1]:5640", "unix:///s"),
        ('listeners[2].url = "unix:///s": duplicate listener unix:///s',),
    ),
    Breach(
        "listener_reach",
        {**listening("tcp://0.0.0.0:5640", "tcp://hive.example:1"), **OWN_SECRETS},
        (
            (
                'listeners[0].url = "tcp://0.0.0.0:5640": '
                "other machines reach this: beyond_loopback = true would permit it"
            ),
            (
                'listeners[1].url = "tcp://hive.example:1": '
                "other machines reach this: beyond_loopback = true would permit it"
            ),
        ),
    ),
    Breach(
        "listener_sessions",
        listening("unix:/a", "unix:/b", sessions=3192),
        ("listeners: 6384 sessions exceed 6383: 16384 in all, less 10000 workers and a mount",),
    ),
    Breach(
        "listener_secrets",
        {
            **listening("unix:/s", "tcp://[::]:5640", beyond_loopback=True),
            ("tickets",): [
                {"role": "queen", "secret": "bootstrap"},
                {"role": "queen", "secret": "one's own"},
                {"role": "worker-bus", "secret": "worker"},
            ],
        },
        (
            (
                "tickets[0]: everybody knows this sample secret of role queen, and other machines reach "
                "tcp://[::]:5640: set a secret of your own"
            ),
            (
                "tickets[2]: everybody knows this sample secret of role worker-bus, and other machines reach "
                "tcp://[::]:5640: set a secret of your own"
            ),
        ),
    ),
    Breach(
        BOUND,
        listening("http://localhost:80"),
        (
            (
                'listeners[0].url = "http://localhost:80": '
                "not an address: 'http://localhost:80'; write unix:/path or tcp://host:port"
            ),
        ),
    ),
    Breach(
        BOUND,
        listening("unix:hive.sock"),
        ('listeners[0].url = "unix:hive.sock": the path of a socket must begin with /',),
    ),
    Breach(
        BOUND,
        listening("tcp://localhost:5640?profile=linux"),
        (
            (
                'listeners[0].url = "tcp://localhost:5640?profile=linux": '
                "options are keys of the table here: write profile = … below the url"
            ),
        ),
    ),
    Breach(
        BOUND,
        listening("unix:/s", profile="plan9", sessions=0, fids=65537, handshake_ms=0, stall_ms=60001),
        (
            "listeners[0].profile = \"plan9\": must be 'strict' or 'linux'",
            "listeners[0].sessions = 0: is below minimum 1",
            "listeners[0].fids = 65537: exceeds maximum 65536",
            "listeners[0].handshake_ms = 0: is below minimum 1",
            "listeners[0].stall_ms = 60001: exceeds maximum 60000",
        ),
    ),
    Breach(
        BOUND,
        listening("unix:/s", sessions=16385, idle_ms=86400001),
        (
            "listeners[0].sessions = 16385: exceeds maximum 16384",
            "listeners[0].idle_ms = 86400001: exceeds maximum 86400000",
        ),
    ),
    Breach(
        BOUND,
        listening(*(f"unix:/s{number}" for number in range(17)), sessions=1),
        ("listeners: has 17 entries, maximum 16",),
    ),
    Breach(
        "console_urls",
        {**listening("unix:/s"), **consoles("pty:", "pty:", "unix:///s", "serial:/t", "serial:/t?baud=9600")},
        (
            'consoles[2].url = "unix:///s": duplicate place unix:///s',
            'consoles[4].url = "serial:/t?baud=9600": duplicate place serial:/t?baud=9600',
        ),
    ),
    Breach(
        "console_reach",
        {**consoles("tcp://0.0.0.0:1", token_file="t"), **OWN_SECRETS},
        (
            (
                'consoles[0].url = "tcp://0.0.0.0:1": '
                "other machines reach this: beyond_loopback = true would permit it"
            ),
        ),
    ),
    Breach(
        "console_tokens",
        consoles("tcp://127.0.0.1:1", "unix:/c", "pty:", "serial:/dev/ttyS0"),
        ("consoles[0]: a console on TCP needs a token: name the file that holds it with token_file",),
    ),
    Breach(
        "console_tokens_used",
        consoles("unix:/c", "tcp://127.0.0.1:1", token_file="t"),
        ('consoles[0].token_file = "t": only a console on TCP asks for a token, and unix:/c is none',),
    ),
    Breach(
        "console_secrets",
        {
            **consoles("tcp://[::]:1", token_file="t", beyond_loopback=True),
            ("tickets",): [{"role": "queen", "secret": "bootstrap"}],
        },
        (
            (
                "tickets[0]: everybody knows this sample secret of role queen, and other machines reach "
                "tcp://[::]:1: set a secret of your own"
            ),
        ),
    ),
    Breach(
        BOUND,
        consoles("http://x", "serial:ttyS0", "pty:/dev/pts/1", "serial:/t?stop=1", "unix:c", "tcp://h:1?a=b"),
        (
            (
                'consoles[0].url = "http://x": is no place for a console: '
                "write tcp://host:port, unix:/path, pty: or serial:/dev/ttyS0"
            ),
            (
                'consoles[1].url = "serial:ttyS0": is no place for a console: '
                "write tcp://host:port, unix:/path, pty: or serial:/dev/ttyS0"
            ),
            (
                'consoles[2].url = "pty:/dev/pts/1": is no place for a console: '
                "write tcp://host:port, unix:/path, pty: or serial:/dev/ttyS0"
            ),
            (
                'consoles[3].url = "serial:/t?stop=1": the only option of a serial line is its speed: '
                "write ?baud=115200"
            ),
            'consoles[4].url = "unix:c": the path of a socket must begin with /',
            (
                'consoles[5].url = "tcp://h:1?a=b": '
                "options are keys of the table here: write a = … below the url"
            ),
        ),
    ),
    Breach(
        BOUND,
        consoles("pty:", clients=257, auth_ms=0, idle_ms=86400001, stall_ms=60001),
        (
            "consoles[0].clients = 257: exceeds maximum 256",
            "consoles[0].auth_ms = 0: is below minimum 1",
            "consoles[0].idle_ms = 86400001: exceeds maximum 86400000",
            "consoles[0].stall_ms = 60001: exceeds maximum 60000",
        ),
    ),
    Breach(
        BOUND,
        consoles("pty:", token="a secret"),
        ("consoles[0].token: unknown key (did you mean token_file?)",),
    ),
    Breach(
        "node_bytes",
        {("observability", "proc_9p", "sessions_bytes"): 5192},
        ("observability.proc_9p.sessions_bytes = 5192: is below required minimum 5193",),
    ),
    Breach(
        "node_bytes",
        {("observability", "proc_ingest", "watch_line_bytes"): ABSENT},
        ("observability.proc_ingest.watch_line_bytes = 160 (default): is below required minimum 185",),
    ),
    Breach(
        BOUND,
        {("observability", "proc_9p", "outstanding_bytes"): 8193},
        ("observability.proc_9p.outstanding_bytes = 8193: exceeds maximum 8192",),
    ),
    Breach(
        BOUND,
        {
            ("observability", "proc_ingest", "watch_max_entries"): 65,
            ("observability", "proc_ingest", "watch_min_interval_ms"): 0,
            ("observability", "proc_ingest", "latency_samples"): 65,
        },
        (
            "observability.proc_ingest.watch_max_entries = 65: exceeds maximum 64",
            "observability.proc_ingest.watch_min_interval_ms = 0: is below minimum 1",
            "observability.proc_ingest.latency_samples = 65: exceeds maximum 64",
        ),
    ),
    Breach(
        "watch_sources",
        {
            ("observability", "proc_ingest", "dropped"): False,
            ("observability", "proc_ingest", "queued"): False,
        },
        ("observability.proc_ingest.watch = true: watch requires dropped, queued",),
    ),
    Breach(
        "ui_status_files",
        {("observability", "proc_9p", "short_writes"): False},
        ("ui_providers.proc_9p.short_writes = true: requires observability.proc_9p.short_writes = true",),
    ),
    Breach(
        "ui_policy",
        {("ecosystem", "policy", "enable"): False},
        (
            "ui_providers.policy_preflight.req = true: requires ecosystem.policy.enable = true",
            "ui_providers.policy_preflight.diff = true: requires ecosystem.policy.enable = true",
        ),
    ),
    Breach(
        "ui_updates",
        {("cas", "enable"): False, ("cas", "delta", "enable"): False},
        (
            "ui_providers.updates.manifest = true: requires cas.enable = true",
            "ui_providers.updates.status = true: requires cas.enable = true",
        ),
    ),
    Breach(
        "ui_update_manifest",
        {("ui_providers", "updates", "manifest"): False},
        (
            (
                "ui_providers.updates.manifest = false: "
                "ui_providers.updates.manifest must be true when cas.enable = true"
            ),
        ),
    ),
    Breach(
        BOUND,
        {("client_policies", "heartbeat", "interval_ms"): 0},
        ("client_policies.heartbeat.interval_ms = 0: is below minimum 1",),
    ),
    Breach(
        "retry_pauses",
        {("client_policies", "retry", "ceiling_ms"): 199},
        ("client_policies.retry.ceiling_ms = 199: must be >= backoff_ms 200",),
    ),
    Breach(
        "tail_range",
        {("client_policies", "cohsh", "tail"): {"poll_ms_min": 1001}},
        ("client_policies.cohsh.tail.poll_ms_default = 1000 (default): must be within 1001..10000",),
    ),
    Breach(
        "tail_range",
        {("client_policies", "cohsh", "tail"): {"poll_ms_max": 999}},
        ("client_policies.cohsh.tail.poll_ms_default = 1000 (default): must be within 250..999",),
    ),
    Breach(
        "pull_limits",
        {("client_policies", "coh", "telemetry", "max_segments_per_device"): 5},
        (
            (
                "client_policies.coh.telemetry.max_segments_per_device = 5: "
                "exceeds telemetry_ingest.max_segments_per_device 4"
            ),
        ),
    ),
    Breach(
        "chunk_range",
        {("cas", "store", "chunk_bytes"): 0},
        ("cas.store.chunk_bytes = 0: must be within 1..8192 (secure9p.msize)",),
    ),
    Breach(
        "chunk_budget",
        {("cas", "store", "chunk_bytes"): 4097},
        ("cas.store.chunk_bytes = 4097: cas chunks 32776 bytes exceed event-pump budget 32768 bytes",),
    ),
    Breach(
        "delta_needs_store",
        {("cas", "enable"): False, ("ui_providers", "updates"): {}},
        ("cas.delta.enable = true: delta updates require cas.enable = true",),
    ),
    Breach(
        "signing_decided",
        {("cas", "signing"): ABSENT},
        ("cas.signing: required when cas.enable = true (set required = false to accept unsigned updates)",),
    ),
    Breach(
        "signing_key_named",
        {("cas", "signing", "key_path"): ABSENT},
        ("cas.signing.key_path: required when cas.signing.required = true",),
    ),
    Breach(
        "signing_key_named",
        {("cas", "signing"): {"required": True, "revoked_keys": ["ab" * 32]}},
        ("cas.signing.key_path: required when cas.signing.required = true",),
    ),
    Breach(
        "signing_keys_own",
        {
            **listening("tcp://[::]:5640", beyond_loopback=True),
            ("tickets",): [{"role": "queen", "secret": "one's own"}],
            ("cas", "signing", "public_keys"): ["ab" * 32, SAMPLE_PUBLIC_KEY.upper()],
        },
        (
            (
                f'cas.signing.public_keys[1] = "{SAMPLE_PUBLIC_KEY.upper()[:63]}…: everybody can sign with '
                "this sample key, and other machines reach tcp://[::]:5640: `cas-tool keygen` makes one"
            ),
        ),
    ),
    Breach(
        "signing_key_usable",
        {("cas", "signing", "key_path"): "absent.hex"},
        (
            (
                'cas.signing.key_path = "absent.hex": '
                "cas signing key absent.hex cannot be read: no such file or directory"
            ),
        ),
    ),
    Breach(
        "needed_devices",
        {("hardware",): {**UEFI, "devices": [UART, RTC]}},
        ("hardware.devices: hardware.profile uefi_aarch64 requires NET devices",),
    ),
    Breach(
        "needed_devices",
        {("hardware",): {"profile": "uefi_aarch64", "attestation": {}}},
        ("hardware.devices: hardware.profile uefi_aarch64 requires UART, NET, RTC devices",),
    ),
    Breach(
        "device_places",
        {("hardware",): {"devices": [{**UART, "mmio_base": 0}, {**NET, "mmio_base": 0x0A003E10}]}},
        (
            "hardware.devices[0].mmio_base = 0: must be a multiple of 4096 above 0",
            "hardware.devices[1].mmio_base = 167788048: must be a multiple of 512 above 0",
        ),
    ),
    Breach(
        "device_kinds",
        {("hardware",): {"devices": [UART, {**RTC, "kind": "UART"}]}},
        ('hardware.devices[1].kind = "UART": duplicate UART device',),
    ),
    Breach(
        "device_overlaps",
        {("hardware",): {"devices": [{**UART, "mmio_size": 0x20000}, RTC]}},
        ("hardware.devices[1].mmio_base = 151060480: registers overlap those of the UART device",),
    ),
    Breach(
        "attestation_decided",
        {("hardware",): {key: value for key, value in UEFI.items() if key != "attestation"}},
        (
            (
                "hardware.attestation: required by hardware.profile uefi_aarch64 "
                "(set enabled = false to do without)"
            ),
        ),
    ),
    Breach(
        "attestation_device",
        {("hardware",): {**UEFI, "attestation": {"enabled": True}}},
        (('hardware.attestation.provider = "tpm2" (default): tpm2 attestation requires a TPM device'),),
    ),
    Breach(
        BOUND,
        {("hardware",): {"devices": [{**UART, "kind": "GPU", "irq": 1020}], "attestation": {"pcrs": [24]}}},
        (
            "hardware.devices[0].kind = \"GPU\": must be 'UART', 'NET', 'RTC' or 'TPM'",
            "hardware.devices[0].irq = 1020: exceeds maximum 1019",
            "hardware.attestation.pcrs[0] = 24: exceeds maximum 23",
        ),
    ),
    Breach(BOUND, {("store",): {"batch_ms": 0}}, ("store.batch_ms = 0: is below minimum 1",)),
    Breach(
        BOUND,
        {("store",): {"fsync": "sometimes"}},
        ("store.fsync = \"sometimes\": must be 'always', 'batch' or 'never'",),
    ),
    Breach(
        BOUND,
        {("workers",): {"heartbeat_ms": 9, "max_workers": limits.WORKERS_MAX + 1}},
        (
            "workers.heartbeat_ms = 9: is below minimum 10",
            f"workers.max_workers = {limits.WORKERS_MAX + 1}: exceeds maximum {limits.WORKERS_MAX}",
        ),
    ),
)


def problems_of(text: str, *folders: Path) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        load_text(text, "m", folders or (FOLDER,))
    return caught.value.problems


@pytest.mark.parametrize(
    "breach", BREACHES, ids=lambda breach: f"{breach.rule}-{'.'.join(map(str, next(iter(breach.edits))))}"
)
def test_a_breach_is_told_in_full_and_alone(breach: Breach) -> None:
    text = as_toml(edited(content_of(REGRESSION), breach.edits))

    assert tuple(problem.split(": ", 1)[1] for problem in problems_of(text)) == breach.problems


def test_every_rule_has_a_breach() -> None:
    assert {breach.rule for breach in BREACHES} - {BOUND} == {rule.name for rule in RULES}


def test_rule_names_are_unique() -> None:
    assert Counter(rule.name for rule in RULES).most_common(1)[0][1] == 1


@pytest.mark.parametrize("path", [STOCK, REGRESSION], ids=lambda path: path.stem)
def test_samples_break_no_rule(path: Path) -> None:
    assert check(Subject(Document.model_validate(content_of(path)), (FOLDER,))) == []


class Reader:
    """A document that notes which tables are read."""

    def __init__(self, document: Document, tables: set[str]) -> None:
        self._document = document
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        self._tables.add(name)
        return getattr(self._document, name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_reads_the_tables_it_declares(rule: Rule) -> None:
    tables: set[str] = set()
    contents = [content_of(STOCK), content_of(REGRESSION)]
    contents += [edited(content_of(REGRESSION), b.edits) for b in BREACHES if b.rule == rule.name]

    for content in contents:
        reader: Any = Reader(Document.model_validate(content), tables)
        list(rule.find(Subject(reader, (FOLDER,))))

    assert tables == rule.reads


def test_pulls_are_not_judged_where_devices_cannot_push() -> None:
    limits = ("max_segments_per_device", "max_bytes_per_segment", "max_total_bytes_per_device")
    off: Edits = {("telemetry_ingest", key): 0 for key in limits}

    load_text(as_toml(edited(content_of(REGRESSION), off)), "m", (FOLDER,))


def test_services_that_are_off_are_not_held_to_the_frame_size() -> None:
    off: Edits = {
        ("secure9p", "msize"): 512,
        ("ecosystem", "audit"): {"journal_max_bytes": 9000},
        ("ecosystem", "policy"): {"queue_max_bytes": 9000},
        ("ui_providers", "policy_preflight"): {},
    }

    load_text(as_toml(edited(content_of(REGRESSION), off)), "m", (FOLDER,))


def test_unsharded_hives_may_name_worker_paths_without_the_alias() -> None:
    plain: Edits = {
        ("sharding",): {},
        ("namespaces", "mounts"): [{"service": "w", "target": ["worker"]}],
        (*POLICY_RULE, "target"): "/worker/*/telemetry",
    }

    load_text(as_toml(edited(content_of(REGRESSION), plain)), "m", (FOLDER,))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"00" * 31, "must be 32 bytes (got 31)"),
        (b"00" * 33 + b"\n", "must be 32 bytes (got 33)"),
        (b"", "must be 32 bytes (got 0)"),
        (b"hunter2", "must be hexadecimal"),
        (b"\xff" * 64, "must be hexadecimal"),
        (b"00" * 40_000, "exceeds 8192 bytes"),
    ],
)
def test_signing_keys_of_another_form_are_refused_without_showing_them(
    data: bytes, fault: str, tmp_path: Path
) -> None:
    (tmp_path / "key.hex").write_bytes(data)
    text = as_toml(edited(content_of(REGRESSION), {("cas", "signing", "key_path"): "key.hex"}))

    assert problems_of(text, tmp_path)[0].endswith(f'= "key.hex": cas signing key key.hex {fault}')


def test_signing_keys_are_taken_from_the_first_folder_that_has_one(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    for folder in (first, second, third):
        folder.mkdir()
    (second / "key.hex").write_text("ab" * 32 + "\n")
    (third / "key.hex").write_text("too short")
    text = as_toml(edited(content_of(REGRESSION), {("cas", "signing", "key_path"): "key.hex"}))

    load_text(text, "m", (first, second, third))


def test_a_key_that_is_a_directory_is_told(tmp_path: Path) -> None:
    text = as_toml(edited(content_of(REGRESSION), {("cas", "signing", "key_path"): "."}))

    assert problems_of(text, tmp_path)[0].endswith("cas signing key . cannot be read: is a directory")


def test_no_key_is_looked_for_where_none_is_required() -> None:
    signing = {"required": False, "key_path": "absent.hex"}

    load_text(as_toml(edited(content_of(REGRESSION), {("cas", "signing"): signing})), "m", (FOLDER,))


@pytest.mark.parametrize("attestation", [{}, {"enabled": True}, {"enabled": True, "provider": "dice"}])
def test_a_uefi_machine_with_all_its_devices_is_accepted(attestation: dict[str, object]) -> None:
    tpm = {
        "kind": "TPM",
        "compatible": "tcg,tpm-tis",
        "mmio_base": 0x0C000000,
        "mmio_size": 0x5000,
        "irq": 99,
    }
    hardware = {**UEFI, "devices": [UART, NET, RTC, tpm], "attestation": attestation}

    load_text(as_toml(edited(content_of(REGRESSION), {("hardware",): hardware})), "m", (FOLDER,))


def test_a_virtual_machine_needs_no_devices() -> None:
    load_text(as_toml(edited(content_of(REGRESSION), {("hardware",): {}})), "m", (FOLDER,))


@pytest.mark.parametrize(
    ("version", "told"),
    [("1.0", ["1.1", "1.2", "1.3", "1.4", "1.5"]), ("1.3", ["1.4", "1.5"]), ("1.4", ["1.5"])],
)
def test_an_old_version_is_told_what_came_since(version: str, told: list[str]) -> None:
    text = as_toml(edited(content_of(REGRESSION), {("root_task", "schema"): version}))
    [problem] = problems_of(text)

    assert re.findall(r"since ([0-9.]+),", problem) == told


@pytest.mark.parametrize(
    "url",
    ["unix:/run/s", "tcp://localhost:1", "tcp://127.8.9.1:1", "tcp://[::1]:1"],
)
def test_what_only_this_machine_reaches_needs_no_permission_and_no_own_secrets(url: str) -> None:
    load_text(as_toml(edited(content_of(REGRESSION), listening(url))), "m", (FOLDER,))


@pytest.mark.parametrize(
    "url", ["tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://192.168.0.1:1", "tcp://hive.example:1"]
)
def test_other_machines_are_let_in_on_permission_if_the_secrets_are_ones_own(url: str) -> None:
    edits = {**listening(url, beyond_loopback=True), **OWN_SECRETS}

    load_text(as_toml(edited(content_of(REGRESSION), edits)), "m", (FOLDER,))


def test_any_number_of_listeners_may_take_whichever_port_is_free() -> None:
    edits = listening("tcp://127.0.0.1:0", "tcp://127.0.0.1:0")

    load_text(as_toml(edited(content_of(REGRESSION), edits)), "m", (FOLDER,))
