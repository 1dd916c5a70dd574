"""Rules on worker rings, device segments, the life cycle, and the status files."""

from ninedoor.manifest import rendered
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.rules.rule import Finding, Findings, Subject

GUEST_WORKERS = 8
"""Workers whose rings the guest's event pump must be able to hold."""

PUMP_BUDGET_BYTES = 32768
"""Bytes the guest's event pump sets aside for rings, and again for chunks of updates."""

_INGEST_LIMITS = ("max_segments_per_device", "max_bytes_per_segment", "max_total_bytes_per_device")
_START_STATES = ("ONLINE", "DEGRADED")
_WATCHED = ("p50_ms", "p95_ms", "backpressure", "dropped", "queued")


def ring_budget(subject: Subject) -> Findings:
    total = subject.document.telemetry.ring_bytes_per_worker * GUEST_WORKERS
    if total > PUMP_BUDGET_BYTES:
        yield Finding(("telemetry", "ring_bytes_per_worker"), {"total": total, "budget": PUMP_BUDGET_BYTES})


def ingest_switch(subject: Subject) -> Findings:
    ingest = subject.document.telemetry_ingest
    zero = [key for key in _INGEST_LIMITS if getattr(ingest, key) == 0]
    if zero and len(zero) < len(_INGEST_LIMITS):
        for key in zero:
            yield Finding(("telemetry_ingest", key), {})


def ingest_total(subject: Subject) -> Findings:
    ingest = subject.document.telemetry_ingest
    segment = ingest.max_bytes_per_segment
    if 0 < ingest.max_total_bytes_per_device < segment:
        yield Finding(("telemetry_ingest", "max_total_bytes_per_device"), {"segment": segment})


def transition_moves(subject: Subject) -> Findings:
    for index, step in enumerate(subject.document.lifecycle.auto_transitions):
        if step.from_ == step.to:
            yield Finding(("lifecycle", "auto_transitions", index), {"state": step.to})


def transition_allowed(subject: Subject) -> Findings:
    for index, step in enumerate(subject.document.lifecycle.auto_transitions):
        if step.from_ != step.to and (step.from_ != "BOOTING" or step.to not in _START_STATES):
            yield Finding(("lifecycle", "auto_transitions", index), {"start": step.from_, "end": step.to})


def transition_once(subject: Subject) -> Findings:
    steps = [(step.from_, step.to) for step in subject.document.lifecycle.auto_transitions]
    for index, (start, end) in enumerate(steps):
        if (start, end) in steps[:index]:
            yield Finding(("lifecycle", "auto_transitions", index), {"start": start, "end": end})


def node_bytes(subject: Subject) -> Findings:
    observability = subject.document.observability
    shard_bits = _shard_bits(subject.document)
    for table in type(observability).model_fields:
        switches = getattr(observability, table)
        for node in type(switches).model_fields:
            if getattr(switches, node) is not True:
                continue
            key = "watch_line_bytes" if node == "watch" else f"{node}_bytes"
            minimum = rendered.longest(table, node, shard_bits)
            if getattr(switches, key) < minimum:
                yield Finding(("observability", table, key), {"minimum": minimum})


def watch_sources(subject: Subject) -> Findings:
    ingest = subject.document.observability.proc_ingest
    missing = [node for node in _WATCHED if not getattr(ingest, node)]
    if ingest.watch and missing:
        yield Finding(("observability", "proc_ingest", "watch"), {"missing": ", ".join(missing)})


def ui_status_files(subject: Subject) -> Findings:
    document = subject.document
    for table in ("proc_9p", "proc_ingest"):
        wanted = getattr(document.ui_providers, table)
        served = getattr(document.observability, table)
        for node in type(wanted).model_fields:
            if getattr(wanted, node) and not getattr(served, node):
                yield Finding(("ui_providers", table, node), {"needs": f"observability.{table}.{node}"})


def ui_policy(subject: Subject) -> Findings:
    document = subject.document
    preflight = document.ui_providers.policy_preflight
    for node in type(preflight).model_fields:
        if getattr(preflight, node) and not document.ecosystem.policy.enable:
            yield Finding(("ui_providers", "policy_preflight", node), {"needs": "ecosystem.policy.enable"})


def ui_updates(subject: Subject) -> Findings:
    document = subject.document
    updates = document.ui_providers.updates
    for node in type(updates).model_fields:
        if getattr(updates, node) and not document.cas.enable:
            yield Finding(("ui_providers", "updates", node), {"needs": "cas.enable"})


def ui_update_manifest(subject: Subject) -> Findings:
    document = subject.document
    if document.cas.enable and not document.ui_providers.updates.manifest:
        yield Finding(("ui_providers", "updates", "manifest"), {})


def _shard_bits(document: Document) -> int:
    return document.sharding.shard_bits if document.sharding.enabled else 0
