"""What a checked document amounts to: the resolved JSON with its hash, and the runtime configuration.

The JSON is the fingerprint of a deployment: guest, clients and packages compare its SHA-256. So its bytes are
fixed: all keys with defaults filled in, in the order of the models, two blanks of indentation, UTF-8 without
escapes, no newline at the end.
"""

import hashlib
import json
from collections.abc import Mapping

from ninedoor import config
from ninedoor.manifest.lines import KeyPath
from ninedoor.manifest.models.access import Ticket
from ninedoor.manifest.models.core import Features
from ninedoor.manifest.models.document import Document


def as_json_value(document: Document) -> dict[str, object]:
    """The document as plain dicts and lists under the keys of the file, in JSON order."""
    return document.model_dump(by_alias=True)


def value_at(content: object, keys: KeyPath) -> object:
    """What stands at `keys` within plain dicts and lists; None where nothing does."""
    for key in keys:
        if isinstance(content, Mapping):
            content = content.get(key)
        elif isinstance(content, list) and isinstance(key, int) and key < len(content):
            content = content[key]
        else:
            return None
    return content


def resolve(document: Document) -> bytes:
    """The resolved JSON."""
    return json.dumps(as_json_value(document), indent=2, ensure_ascii=False).encode()


def fingerprint(resolved: bytes) -> str:
    """SHA-256 of the resolved JSON, in lower-case hexadecimal."""
    return hashlib.sha256(resolved).hexdigest()


def to_config(document: Document, sha256: str) -> config.Config:
    """The settings that the running hive reads. `sha256` is the fingerprint of the resolved document."""
    return config.Config(
        manifest_sha256=sha256,
        secure9p=_secure9p(document),
        secrets=_secrets(document.tickets),
        ticket_limits=config.TicketLimits(**document.ticket_limits.model_dump()),
        services={mount.service: tuple(mount.target) for mount in document.namespaces.mounts},
        telemetry=_telemetry(document),
        proc_9p=config.ProcNinep(**document.observability.proc_9p.model_dump()),
        store=config.Store(**document.store.model_dump()) if document.store else config.Store(),
        workers=config.Workers(**document.workers.model_dump()) if document.workers else config.Workers(),
        listeners=tuple(config.Listener(**listener.model_dump()) for listener in document.listeners),
        consoles=tuple(config.Console(**console.model_dump()) for console in document.consoles),
        boot_lines=boot_lines(document, sha256),
    )


def boot_lines(document: Document, sha256: str) -> tuple[str, ...]:
    """The lines of /proc/boot that the manifest decides."""
    telemetry = document.telemetry
    return (
        "NineDoor boot: hive online",
        f"manifest.schema={document.root_task.schema_}",
        f"manifest.profile={document.profile.name}",
        f"manifest.sha256={sha256}",
        f"telemetry.ring_bytes_per_worker={telemetry.ring_bytes_per_worker}",
        f"telemetry.frame_schema={telemetry.frame_schema}",
        f"telemetry.cursor.retain_on_boot={spelled(telemetry.cursor.retain_on_boot)}",
        f"event_pump.fds={','.join(event_sources(document.features))}",
    )


def spelled(value: object) -> str:
    """A value as `key=value` lines spell it: booleans as in the file, everything else as it is."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def event_sources(features: Features) -> list[str]:
    """What the guest's event loop waits for, in the order of its polling."""
    serial = ["serial"] if features.serial_console else []
    network = ["net-console"] if features.net_console else []
    return [*serial, "timer", "ipc", *network, "ninedoor"]


def _secure9p(document: Document) -> config.Secure9P:
    secure9p = document.secure9p
    return config.Secure9P(
        msize=secure9p.msize,
        walk_depth=secure9p.walk_depth,
        tags_per_session=secure9p.tags_per_session,
        batch_frames=secure9p.batch_frames,
        short_write=secure9p.short_write.policy,
    )


def _telemetry(document: Document) -> config.Telemetry:
    telemetry = document.telemetry
    return config.Telemetry(
        ring_bytes_per_worker=telemetry.ring_bytes_per_worker,
        frame_schema=telemetry.frame_schema,
    )


def _secrets(tickets: list[Ticket]) -> dict[str, tuple[str, ...]]:
    secrets: dict[str, tuple[str, ...]] = {}
    for ticket in tickets:
        secrets[ticket.role] = (*secrets.get(ticket.role, ()), ticket.secret)
    return secrets
