"""What a checked document amounts to: the resolved JSON with its hash, and the runtime configuration.

The JSON is the fingerprint of a deployment: guest, clients and packages compare its SHA-256. So its bytes are
fixed: all keys with defaults filled in, in the order of the models, two blanks of indentation, UTF-8 without
escapes, no newline at the end.
"""

import hashlib
import json
from collections.abc import Mapping

from ninedoor import config
from ninedoor.cas.signing import KeyFile
from ninedoor.manifest.lines import KeyPath
from ninedoor.manifest.models.access import Ticket
from ninedoor.manifest.models.core import Features
from ninedoor.manifest.models.document import Document

_TESTS_ONLY = {"latency_tolerance_ms", "counter_tolerance"}
"""What tests grant to a hive under load; the hive itself has no use for it."""


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


def to_config(document: Document, sha256: str, keys: KeyFile | None = None) -> config.Config:
    """The settings that the running hive reads. `sha256` is the fingerprint of the resolved document, `keys`
    what the file of its signing keys holds."""
    shown = document.observability
    return config.Config(
        manifest_sha256=sha256,
        secure9p=_secure9p(document),
        secrets=_secrets(document.tickets),
        ticket_limits=config.TicketLimits(**document.ticket_limits.model_dump()),
        services={mount.service: tuple(mount.target) for mount in document.namespaces.mounts},
        telemetry=_telemetry(document),
        telemetry_ingest=config.TelemetryIngest(**document.telemetry_ingest.model_dump()),
        lifecycle=_lifecycle(document),
        sharding=config.Sharding(**document.sharding.model_dump()),
        proc_9p=config.ProcNinep(**shown.proc_9p.model_dump()),
        proc_9p_session=config.ProcNinepSession(**shown.proc_9p_session.model_dump()),
        proc_ingest=config.ProcIngest(**shown.proc_ingest.model_dump(exclude=_TESTS_ONLY)),
        proc_root=config.ProcRoot(**shown.proc_root.model_dump()),
        proc_pressure=config.ProcPressure(**shown.proc_pressure.model_dump()),
        twins=config.Twins(
            **document.ui_providers.proc_9p.model_dump(), **document.ui_providers.proc_ingest.model_dump()
        ),
        store=config.Store(**document.store.model_dump()) if document.store else config.Store(),
        workers=config.Workers(**document.workers.model_dump()) if document.workers else config.Workers(),
        cas=_cas(document, keys or KeyFile(())),
        listeners=tuple(config.Listener(**listener.model_dump()) for listener in document.listeners),
        consoles=tuple(config.Console(**console.model_dump()) for console in document.consoles),
        gpu=document.features.gpu is not False,
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
        retain_on_boot=telemetry.cursor.retain_on_boot,
    )


def _lifecycle(document: Document) -> config.Lifecycle:
    """A manifest without the table has a hive that is always there to be used; one with it begins where it
    says."""
    if "lifecycle" not in document.model_fields_set:
        return config.Lifecycle()
    steps = document.lifecycle.auto_transitions
    return config.Lifecycle(document.lifecycle.initial_state, tuple((step.from_, step.to) for step in steps))


def _cas(document: Document, keys: KeyFile) -> config.Cas:
    """What the file leaves out has the defaults of `config.Cas`."""
    cas, signing = document.cas, document.cas.signing
    shown = document.ui_providers.updates
    return config.Cas(
        enable=cas.enable,
        delta=cas.delta.enable,
        required=signing is None or signing.required,
        key_path="" if signing is None else signing.key_path or "",
        keys=(*keys.keys, *_written([] if signing is None else signing.public_keys)),
        revoked=(*keys.revoked, *_written([] if signing is None else signing.revoked_keys)),
        models=document.ecosystem.models.enable,
        manifest=shown.manifest,
        status=shown.status,
        **cas.store.model_dump(exclude_none=True),
    )


def _written(keys: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(key) for key in keys)


def _secrets(tickets: list[Ticket]) -> dict[str, tuple[str, ...]]:
    secrets: dict[str, tuple[str, ...]] = {}
    for ticket in tickets:
        secrets[ticket.role] = (*secrets.get(ticket.role, ()), ticket.secret)
    return secrets
