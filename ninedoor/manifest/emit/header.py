"""The manifest as a C header for the guest.

Plain C11 without an include, so that it compiles freestanding. Scalars are macros, named for their keys;
arrays are tables that end with an empty entry and have a macro with their length. Of a ticket only the role
is told: neither its secret nor a key derived from it, which would mint just as well, has business in a guest.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ninedoor import limits
from ninedoor.manifest.emit.audit import audit_lines, hashes
from ninedoor.manifest.labels import placed_adapters
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.models.sidecars import BusAdapter, LoraAdapter
from ninedoor.manifest.resolve import as_json_value, value_at

SCALARS = (
    "root_task",
    "profile",
    "event_pump",
    "secure9p",
    "secure9p.short_write",
    "features",
    "cache",
    "sharding",
    "telemetry",
    "telemetry.cursor",
    "telemetry_ingest",
    "lifecycle",
    "hardware",
    "hardware.attestation",
)
"""Tables whose plain values become macros."""

LIMITS = (
    "MSIZE_MIN",
    "MSIZE_MAX",
    "WALK_DEPTH_MAX",
    "NAME_MAX",
    "HEADER_BYTES",
    "READ_OVERHEAD",
    "WRITE_OVERHEAD",
    "IO_OVERHEAD",
    "LINE_MAX",
    "TICKET_CHARS_MAX",
)
"""Constants of `ninedoor.limits` that a 9P client needs as well."""

_HEAD = """\
/* Written by coh-rtc; do not edit. */
#ifndef NINEDOOR_MANIFEST_H
#define NINEDOOR_MANIFEST_H
"""

_STRUCTS = """\
struct ninedoor_mount { const char *service; const char *path; };
struct ninedoor_transition { const char *from; const char *to; };
struct ninedoor_bus_adapter {
    const char *kind; const char *id; const char *path; const char *scope; const char *link;
    unsigned baud; unsigned spool_entries; unsigned spool_bytes; unsigned enabled;
};
struct ninedoor_lora_adapter {
    const char *id; const char *path; const char *scope; const char *region;
    unsigned duty_cycle_percent; unsigned window_ms; unsigned payload_bytes; unsigned tamper_entries;
    unsigned enabled;
};
struct ninedoor_device {
    const char *kind; const char *compatible;
    unsigned long long mmio_base; unsigned long long mmio_size; unsigned irq;
};
"""


class _Array(NamedTuple):
    """A table of the header: `name` without prefix, its C element type, its rows of C values, and the entry
    that ends it."""

    name: str
    element: str
    rows: Sequence[Sequence[object]]
    end: str = "{ 0 }"


def header(manifest: Manifest) -> str:
    """The header as text."""
    document = manifest.document
    sums = hashes(document, manifest.sha256)
    parts = [
        _HEAD,
        _macros(_scalars(document)),
        _macros((f"LIMIT_{name}", getattr(limits, name)) for name in LIMITS),
        _macros(
            {
                "MANIFEST_SHA256": manifest.sha256,
                "TICKETS_SHA256": sums.tickets,
                "MOUNTS_SHA256": sums.mounts,
                "AUDIT_LINES_SHA256": sums.lines,
            }.items()
        ),
        _STRUCTS,
        *(_array(table) for table in _arrays(document, manifest.sha256)),
        "#endif\n",
    ]
    return "\n".join(parts)


def c_string(text: str) -> str:
    """`text` as a C string literal of its UTF-8 bytes. What is not plain is written as three octal digits,
    which, unlike hexadecimal ones, end by themselves; a question mark could begin a trigraph."""
    plain = re.compile(rb'[^ -~]|["\\?]')
    escaped = plain.sub(lambda byte: b"\\%03o" % byte[0][0], text.encode())
    return f'"{escaped.decode()}"'


def _scalars(document: Document) -> Iterator[tuple[str, object]]:
    content = as_json_value(document)
    for table in SCALARS:
        found = value_at(content, tuple(table.split(".")))
        for key, value in found.items() if isinstance(found, Mapping) else ():
            if not isinstance(value, Mapping | list | None):
                yield f"{table}.{key}".replace(".", "_").upper(), value


def _arrays(document: Document, sha256: str) -> Iterator[_Array]:
    mounts = [(mount.service, "/" + "/".join(mount.target)) for mount in document.namespaces.mounts]
    steps = [(step.from_, step.to) for step in document.lifecycle.auto_transitions]
    hardware = document.hardware
    devices = [tuple(device.model_dump().values()) for device in hardware.devices] if hardware else []
    registers = hardware.attestation.pcrs if hardware and hardware.attestation else []
    yield _Array("ticket_roles", "char *const", [(ticket.role,) for ticket in document.tickets], "0")
    yield _Array("mounts", "struct ninedoor_mount", mounts)
    yield _Array("transitions", "struct ninedoor_transition", steps)
    yield from _adapters(document)
    yield _Array("devices", "struct ninedoor_device", devices)
    yield _Array("attestation_pcrs", "int", [(register,) for register in registers], "-1")
    yield _Array("audit_lines", "char *const", [(line,) for line in audit_lines(document, sha256)], "0")


def _adapters(document: Document) -> Iterator[_Array]:
    sidecars = document.sidecars
    enabled = {"modbus": sidecars.modbus.enable, "dnp3": sidecars.dnp3.enable, "lora": sidecars.lora.enable}
    buses: list[Sequence[object]] = []
    radios: list[Sequence[object]] = []
    for kind, path, adapter in placed_adapters(document):
        match adapter:
            case BusAdapter():
                bus = (kind, adapter.id, path, adapter.scope, adapter.link, adapter.baud)
                buses.append((*bus, adapter.spool.max_entries, adapter.spool.max_bytes, enabled[kind]))
            case LoraAdapter():
                radio = (adapter.id, path, adapter.scope, adapter.region)
                bounds = (adapter.duty_cycle_percent, adapter.window_ms, adapter.max_payload_bytes)
                radios.append((*radio, *bounds, adapter.tamper_log_max_entries, enabled[kind]))
    yield _Array("bus_adapters", "struct ninedoor_bus_adapter", buses)
    yield _Array("lora_adapters", "struct ninedoor_lora_adapter", radios)


def _macros(values: Iterable[tuple[str, object]]) -> str:
    return "".join(f"#define NINEDOOR_{name} {_c_value(value)}\n" for name, value in values)


def _array(table: _Array) -> str:
    rows = [*(_row(row) for row in table.rows), table.end]
    lines = "".join(f"    {row},\n" for row in rows)
    return (
        f"#define NINEDOOR_{table.name.upper()}_COUNT {len(table.rows)}u\n"
        f"static const {table.element} ninedoor_{table.name}[] = {{\n{lines}}};\n"
    )


def _row(row: Sequence[object]) -> str:
    values = ", ".join(map(_c_value, row))
    return values if len(row) == 1 else f"{{ {values} }}"


def _c_value(value: object) -> str:
    match value:
        case bool():
            return str(int(value))
        case int():
            return f"{value}u" if value < 1 << 32 else f"{value}ull"
        case _:
            return c_string(str(value))
