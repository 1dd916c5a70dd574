"""Rules on host providers, audit, replay, policy and sidecars."""

from collections.abc import Iterator

from ninedoor.manifest.lines import KeyPath
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.models.sidecars import BusAdapter, LoraAdapter
from ninedoor.manifest.rules.rule import Finding, Findings, Subject

TAMPER_ENTRY_BYTES = 128
"""Bytes one entry of a tamper log is counted with."""

SIDECAR_BUDGET_BYTES = 16384
"""Most bytes that all spools and tamper logs of a manifest may claim."""

_AUDIT_BYTES = ("journal_max_bytes", "decisions_max_bytes")
_REPLAY_BYTES = ("replay_ctl_max_bytes", "replay_status_max_bytes")
_POLICY_BYTES = ("queue_max_bytes", "ctl_max_bytes", "status_max_bytes")


def replay_needs_audit(subject: Subject) -> Findings:
    audit = subject.document.ecosystem.audit
    if audit.replay_enable and not audit.enable:
        yield Finding(("ecosystem", "audit", "replay_enable"), {})


def frame_bounds(subject: Subject) -> Findings:
    msize = subject.document.secure9p.msize
    for keys, size in _sizes_within_a_frame(subject.document):
        if size > msize:
            yield Finding(keys, {"msize": msize})


def _sizes_within_a_frame(document: Document) -> Iterator[tuple[KeyPath, int]]:
    audit, policy = document.ecosystem.audit, document.ecosystem.policy
    for table, enabled, keys in (
        ("audit", audit.enable, _AUDIT_BYTES),
        ("audit", audit.replay_enable, _REPLAY_BYTES),
        ("policy", policy.enable, _POLICY_BYTES),
    ):
        for key in keys if enabled else ():
            yield ("ecosystem", table, key), getattr(getattr(document.ecosystem, table), key)


def sidecar_frame_bounds(subject: Subject) -> Findings:
    msize = subject.document.secure9p.msize
    for keys, bus in _bus_adapters(subject.document):
        if bus.spool.max_bytes > msize:
            yield Finding((*keys, "spool", "max_bytes"), {"msize": msize})
    for keys, radio in _radio_adapters(subject.document):
        if radio.max_payload_bytes > msize:
            yield Finding((*keys, "max_payload_bytes"), {"msize": msize})


def sidecar_adapters(subject: Subject) -> Findings:
    sidecars = subject.document.sidecars
    for kind, table in (("modbus", sidecars.modbus), ("dnp3", sidecars.dnp3), ("lora", sidecars.lora)):
        if table.enable and not table.adapters:
            yield Finding(("sidecars", kind, "enable"), {"kind": kind})


def sidecar_baud(subject: Subject) -> Findings:
    for keys, adapter in _bus_adapters(subject.document):
        if adapter.link == "serial" and adapter.baud < 1:
            yield Finding((*keys, "baud"), {})


def sidecar_ids(subject: Subject) -> Findings:
    seen: set[tuple[str, str]] = set()
    for keys, adapter in _adapters(subject.document):
        name = (str(keys[1]), adapter.id)
        if name in seen:
            yield Finding((*keys, "id"), {"id": adapter.id})
        seen.add(name)


def sidecar_scopes(subject: Subject) -> Findings:
    seen: set[str] = set()
    for keys, adapter in _adapters(subject.document):
        if adapter.scope in seen:
            yield Finding((*keys, "scope"), {"scope": adapter.scope})
        seen.add(adapter.scope)


def sidecar_budget(subject: Subject) -> Findings:
    spools = sum(adapter.spool.max_bytes for _, adapter in _bus_adapters(subject.document))
    entries = sum(adapter.tamper_log_max_entries for _, adapter in _radio_adapters(subject.document))
    total = spools + entries * TAMPER_ENTRY_BYTES
    if total > SIDECAR_BUDGET_BYTES:
        yield Finding(("sidecars",), {"total": total, "budget": SIDECAR_BUDGET_BYTES})


def _bus_adapters(document: Document) -> Iterator[tuple[KeyPath, BusAdapter]]:
    for kind, bus in (("modbus", document.sidecars.modbus), ("dnp3", document.sidecars.dnp3)):
        for index, adapter in enumerate(bus.adapters):
            yield ("sidecars", kind, "adapters", index), adapter


def _radio_adapters(document: Document) -> Iterator[tuple[KeyPath, LoraAdapter]]:
    for index, adapter in enumerate(document.sidecars.lora.adapters):
        yield ("sidecars", "lora", "adapters", index), adapter


def _adapters(document: Document) -> Iterator[tuple[KeyPath, BusAdapter | LoraAdapter]]:
    yield from _bus_adapters(document)
    yield from _radio_adapters(document)
