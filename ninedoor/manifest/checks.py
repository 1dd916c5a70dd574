"""Every rule that a manifest must keep beyond the types and bounds of its single values.

`RULES` is the whole list; the functions are in `ninedoor.manifest.rules`. All breaches are reported at once.
A rule whose tables could not be understood is skipped, so no problem is the mere echo of another.
"""

from collections.abc import Collection

from ninedoor.manifest.problems import Problem
from ninedoor.manifest.resolve import as_json_value, value_at
from ninedoor.manifest.rules import (
    clients,
    consoles,
    ecosystem,
    hardware,
    listeners,
    protocol,
    telemetry,
    updates,
)
from ninedoor.manifest.rules.rule import Rule, Subject


def _tables(names: str) -> frozenset[str]:
    return frozenset(names.split())


RULES: tuple[Rule, ...] = (
    Rule(
        "schema",
        _tables("root_task"),
        "unsupported root_task.schema {found} (expected {expected}): {change}",
        protocol.schema,
    ),
    Rule("batch", _tables("secure9p"), "batched payload {payload} exceeds msize {msize}", protocol.batch),
    Rule(
        "host_only_features",
        _tables("profile features"),
        "{feature} requires profile.kernel = false",
        protocol.host_only_features,
    ),
    Rule(
        "role_isolation",
        _tables("namespaces"),
        "the isolation of roles cannot be switched off",
        protocol.role_isolation,
    ),
    Rule(
        "mount_depth",
        _tables("secure9p namespaces"),
        "namespace mount {service} exceeds walk depth {depth}",
        protocol.mount_depth,
    ),
    Rule("mount_names", _tables("namespaces"), "duplicate namespace mount {service}", protocol.mount_names),
    Rule("tickets", _tables("tickets"), "duplicate ticket entry for role {role}", protocol.tickets),
    Rule(
        "shard_depth",
        _tables("secure9p sharding"),
        "sharding requires secure9p.walk_depth >= {depth}",
        protocol.shard_depth,
    ),
    Rule(
        "alias_depth",
        _tables("secure9p sharding"),
        "the worker alias requires secure9p.walk_depth >= {depth}",
        protocol.alias_depth,
    ),
    Rule(
        "legacy_mounts",
        _tables("sharding namespaces"),
        "{path} needs sharding.legacy_worker_alias = true",
        protocol.legacy_mounts,
    ),
    Rule(
        "legacy_targets",
        _tables("sharding ecosystem"),
        "{path} needs sharding.legacy_worker_alias = true",
        protocol.legacy_targets,
    ),
    Rule("cache", _tables("cache"), "{key} requires cache.kernel_ops = true", protocol.cache),
    Rule(
        "replay_needs_audit",
        _tables("ecosystem"),
        "replay requires ecosystem.audit.enable = true",
        ecosystem.replay_needs_audit,
    ),
    Rule(
        "frame_bounds",
        _tables("secure9p ecosystem"),
        "exceeds secure9p.msize {msize}",
        ecosystem.frame_bounds,
    ),
    Rule(
        "sidecar_frame_bounds",
        _tables("secure9p sidecars"),
        "exceeds secure9p.msize {msize}",
        ecosystem.sidecar_frame_bounds,
    ),
    Rule(
        "sidecar_adapters",
        _tables("sidecars"),
        "sidecars.{kind} requires at least one adapter",
        ecosystem.sidecar_adapters,
    ),
    Rule("sidecar_baud", _tables("sidecars"), "must be >= 1 on a serial link", ecosystem.sidecar_baud),
    Rule("sidecar_ids", _tables("sidecars"), "duplicate adapter id {id}", ecosystem.sidecar_ids),
    Rule("sidecar_scopes", _tables("sidecars"), "duplicate sidecar scope {scope}", ecosystem.sidecar_scopes),
    Rule(
        "sidecar_budget",
        _tables("sidecars"),
        "sidecar buffers {total} bytes exceed budget {budget} bytes",
        ecosystem.sidecar_budget,
    ),
    Rule(
        "ring_budget",
        _tables("telemetry"),
        "telemetry rings {total} bytes exceed event-pump budget {budget} bytes",
        telemetry.ring_budget,
    ),
    Rule(
        "ingest_switch",
        _tables("telemetry_ingest"),
        "the three limits must be all zero or all non-zero",
        telemetry.ingest_switch,
    ),
    Rule(
        "ingest_total",
        _tables("telemetry_ingest"),
        "must be >= max_bytes_per_segment {segment}",
        telemetry.ingest_total,
    ),
    Rule(
        "transition_moves",
        _tables("lifecycle"),
        "transition from {state} to itself does nothing",
        telemetry.transition_moves,
    ),
    Rule(
        "transition_allowed",
        _tables("lifecycle"),
        "transition {start} -> {end} is not allowed (only BOOTING -> ONLINE or DEGRADED)",
        telemetry.transition_allowed,
    ),
    Rule(
        "transition_once",
        _tables("lifecycle"),
        "duplicate transition {start} -> {end}",
        telemetry.transition_once,
    ),
    Rule(
        "node_bytes",
        _tables("observability sharding"),
        "is below required minimum {minimum}",
        telemetry.node_bytes,
    ),
    Rule("watch_sources", _tables("observability"), "watch requires {missing}", telemetry.watch_sources),
    Rule(
        "ui_status_files",
        _tables("ui_providers observability"),
        "requires {needs} = true",
        telemetry.ui_status_files,
    ),
    Rule("ui_policy", _tables("ui_providers ecosystem"), "requires {needs} = true", telemetry.ui_policy),
    Rule("ui_updates", _tables("ui_providers cas"), "requires {needs} = true", telemetry.ui_updates),
    Rule(
        "ui_update_manifest",
        _tables("ui_providers cas"),
        "ui_providers.updates.manifest must be true when cas.enable = true",
        telemetry.ui_update_manifest,
    ),
    Rule("retry_pauses", _tables("client_policies"), "must be >= backoff_ms {backoff}", clients.retry_pauses),
    Rule(
        "tail_range",
        _tables("client_policies"),
        "must be within {least}..{most}",
        clients.tail_range,
    ),
    Rule(
        "pull_limits",
        _tables("client_policies telemetry_ingest"),
        "exceeds telemetry_ingest.{key} {kept}",
        clients.pull_limits,
    ),
    Rule(
        "chunk_range",
        _tables("cas secure9p"),
        "must be within 1..{msize} (secure9p.msize)",
        updates.chunk_range,
    ),
    Rule(
        "chunk_budget",
        _tables("cas"),
        "cas chunks {total} bytes exceed event-pump budget {budget} bytes",
        updates.chunk_budget,
    ),
    Rule(
        "delta_needs_store",
        _tables("cas"),
        "delta updates require cas.enable = true",
        updates.delta_needs_store,
    ),
    Rule(
        "signing_decided",
        _tables("cas"),
        "required when cas.enable = true (set required = false to accept unsigned updates)",
        updates.signing_decided,
    ),
    Rule(
        "signing_key_named",
        _tables("cas"),
        "required when cas.signing.required = true",
        updates.signing_key_named,
    ),
    Rule("signing_key_usable", _tables("cas"), "cas signing key {path} {fault}", updates.signing_key_usable),
    Rule(
        "signing_keys_own",
        _tables("cas listeners consoles"),
        "everybody can sign with this sample key, and other machines reach {url}: "
        "`cas-tool keygen` makes one",
        updates.signing_keys_own,
    ),
    Rule("listener_urls", _tables("listeners"), "duplicate listener {url}", listeners.listener_urls),
    Rule(
        "listener_reach",
        _tables("listeners"),
        "other machines reach this: beyond_loopback = true would permit it",
        listeners.listener_reach,
    ),
    Rule(
        "listener_sessions",
        _tables("listeners workers"),
        "{total} sessions exceed {most}: {all} in all, less {workers} workers and a mount",
        listeners.listener_sessions,
    ),
    Rule(
        "listener_secrets",
        _tables("listeners tickets"),
        "everybody knows this sample secret of role {role}, and other machines reach {url}: "
        "set a secret of your own",
        listeners.listener_secrets,
    ),
    Rule("console_urls", _tables("listeners consoles"), "duplicate place {url}", consoles.console_urls),
    Rule(
        "console_reach",
        _tables("consoles"),
        "other machines reach this: beyond_loopback = true would permit it",
        consoles.console_reach,
    ),
    Rule(
        "console_tokens",
        _tables("consoles"),
        "a console on TCP needs a token: name the file that holds it with token_file",
        consoles.console_tokens,
    ),
    Rule(
        "console_tokens_used",
        _tables("consoles"),
        "only a console on TCP asks for a token, and {url} is none",
        consoles.console_tokens_used,
    ),
    Rule(
        "console_secrets",
        _tables("consoles tickets"),
        "everybody knows this sample secret of role {role}, and other machines reach {url}: "
        "set a secret of your own",
        consoles.console_secrets,
    ),
    Rule(
        "needed_devices",
        _tables("hardware"),
        "hardware.profile uefi_aarch64 requires {missing} devices",
        hardware.needed_devices,
    ),
    Rule(
        "device_places",
        _tables("hardware"),
        "must be a multiple of {step} above 0",
        hardware.device_places,
    ),
    Rule("device_kinds", _tables("hardware"), "duplicate {kind} device", hardware.device_kinds),
    Rule(
        "device_overlaps",
        _tables("hardware"),
        "registers overlap those of the {other} device",
        hardware.device_overlaps,
    ),
    Rule(
        "attestation_decided",
        _tables("hardware"),
        "required by hardware.profile {profile} (set enabled = false to do without)",
        hardware.attestation_decided,
    ),
    Rule(
        "attestation_device",
        _tables("hardware"),
        "tpm2 attestation requires a TPM device",
        hardware.attestation_device,
    ),
)


def check(subject: Subject, not_understood: Collection[str] = ()) -> list[Problem]:
    """Every breach of every rule that can be judged.

    Args:
        subject: the document and the folders its files are searched in.
        not_understood: top-level tables whose content in `subject` is a stand-in.
    """
    content = as_json_value(subject.document)
    return [
        Problem(finding.keys, rule.message.format(**finding.values), value_at(content, finding.keys))
        for rule in RULES
        if rule.reads.isdisjoint(not_understood)
        for finding in rule.find(subject)
    ]
