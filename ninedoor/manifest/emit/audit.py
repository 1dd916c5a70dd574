"""The lines that a guest prints at boot, and the hashes of parts of a manifest.

Lines and hashes are those of the original format: a log of either implementation can be compared with the
other's.
"""

import hashlib
import json
from typing import NamedTuple

from ninedoor.manifest.models.document import Document
from ninedoor.manifest.resolve import as_json_value, event_sources, spelled, value_at


class Hashes(NamedTuple):
    """SHA-256, in lower-case hexadecimal, of parts of a manifest as compact JSON."""

    tickets: str
    mounts: str
    lines: str


def audit_lines(document: Document, sha256: str) -> tuple[str, ...]:
    """What the guest tells of its manifest before it does anything else, one `key=value` a line. `sha256` is
    the fingerprint of the resolved document."""
    content = as_json_value(document)
    shards = 1 << document.sharding.shard_bits
    isolation = spelled(document.namespaces.role_isolation)
    return (
        f"manifest.schema={document.root_task.schema_}",
        f"manifest.profile={document.profile.name}",
        f"manifest.sha256={sha256}",
        f"manifest.tickets={len(document.tickets)}",
        f"manifest.namespaces={len(document.namespaces.mounts)} role_isolation={isolation}",
        *_each(content, "manifest.", "secure9p", "msize", "walk_depth", "tags_per_session", "batch_frames"),
        *_each(content, "manifest.", "secure9p.short_write", "policy"),
        *_each(content, "manifest.", "sharding", "enabled", "shard_bits", "legacy_worker_alias"),
        f"manifest.sharding.shard_count={shards}",
        *_each(content, "", "telemetry", "ring_bytes_per_worker", "frame_schema"),
        *_each(content, "", "telemetry.cursor", "retain_on_boot"),
        *_each(
            content, "manifest.", "cache", "kernel_ops", "dma_clean", "dma_invalidate", "unify_instructions"
        ),
        *_each(content, "manifest.", "features", "net_console"),
        f"event_pump.fds={','.join(event_sources(document.features))}",
    )


def hashes(document: Document, sha256: str) -> Hashes:
    """The hashes of the ticket list, the mounts, and the lines above."""
    content = as_json_value(document)
    return Hashes(
        _hash(content["tickets"]),
        _hash(value_at(content, ("namespaces", "mounts"))),
        _hash(audit_lines(document, sha256)),
    )


def compact(content: object) -> bytes:
    """`content` as JSON without blanks, UTF-8 without escapes."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _each(content: object, prefix: str, table: str, *keys: str) -> list[str]:
    found = [(key, value_at(content, (*table.split("."), key))) for key in keys]
    return [f"{prefix}{table}.{key}={spelled(value)}" for key, value in found]


def _hash(content: object) -> str:
    return hashlib.sha256(compact(content)).hexdigest()
