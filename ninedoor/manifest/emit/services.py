"""What a manifest asks for besides the core: services, sockets, its machine, clients' settings."""

import hashlib
from collections.abc import Iterator, Mapping

from ninedoor.manifest import toml
from ninedoor.manifest.emit import markdown
from ninedoor.manifest.emit.audit import hashes
from ninedoor.manifest.emit.policies import coh_policy, cohsh_policy
from ninedoor.manifest.frames import FIELDS, schema_sha256
from ninedoor.manifest.labels import placed_adapters
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.resolve import as_json_value, spelled, value_at

OPTIONAL = (
    "features",
    "sharding",
    "ecosystem.host",
    "ecosystem.audit",
    "ecosystem.policy",
    "ecosystem.models",
    "sidecars.modbus",
    "sidecars.dnp3",
    "sidecars.lora",
    "telemetry_ingest",
    "lifecycle",
    "ui_providers.policy_preflight",
    "ui_providers.updates",
    "cas",
)
"""Tables of services that a hive can do without."""


def fingerprint_table(manifest: Manifest) -> str:
    """By what the manifest can be recognised, here, in /proc/boot and in a guest's boot log."""
    document = manifest.document
    sums = hashes(document, manifest.sha256)
    rows = [
        ("schema", document.root_task.schema_),
        ("profile", document.profile.name),
        ("resolved manifest, SHA-256", manifest.sha256),
        ("its tickets", sums.tickets),
        ("its mounts", sums.mounts),
        ("the guest's audit lines", sums.lines),
    ]
    return markdown.table(("what", "value"), [(what, markdown.code(value)) for what, value in rows])


def service_table(manifest: Manifest) -> str:
    """Every optional service with its settings, and the directories of adapters."""
    content = as_json_value(manifest.document)
    rows = [
        (markdown.code(table), "\n".join(_settings(value_at(content, tuple(table.split("."))))))
        for table in OPTIONAL
    ]
    adapters = [
        (kind, markdown.code(path), markdown.code(toml.value(adapter.model_dump())))
        for kind, path, adapter in placed_adapters(manifest.document)
    ]
    text = markdown.table(("table", "settings"), rows)
    if adapters:
        text += "\n" + markdown.table(("adapter", "directory", "settings"), adapters)
    return text


def listener_table(manifest: Manifest) -> str:
    """Every socket the hive listens on when nothing else is asked for."""
    listeners = [listener.model_dump() for listener in manifest.document.listeners]
    if not listeners:
        return "The manifest has no `[[listeners]]`: the hive listens where the command line says.\n"
    rows = [[markdown.code(spelled(value)) for value in listener.values()] for listener in listeners]
    return markdown.table([markdown.code(key) for key in listeners[0]], rows)


def client_policy(manifest: Manifest) -> str:
    """The policy files in full, with the hashes by which their programs recognise them."""
    parts = []
    for name, text in (("cohsh_policy", cohsh_policy(manifest)), ("coh_policy", coh_policy(manifest))):
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        parts.append(f"`configs/generated/{name}.toml`, SHA-256 `{sha256}`:\n\n```toml\n{text}```\n")
    return "\n".join(parts)


def hardware_table(manifest: Manifest) -> str:
    """The machine the guest finds itself on."""
    hardware = manifest.document.hardware
    if hardware is None:
        return "The manifest has no `[hardware]`: the guest runs on QEMU's virt machine.\n"
    attestation = hardware.attestation
    stated = "none" if attestation is None else toml.value(attestation.model_dump())
    rows = [
        (device.kind, device.compatible, f"{device.mmio_base:#x}", f"{device.mmio_size:#x}", str(device.irq))
        for device in hardware.devices
    ]
    machine = f"Profile {hardware.profile}, secure boot {hardware.secure_boot}"
    head = f"{machine}, attestation {markdown.code(stated)}.\n"
    return head + (
        "\n" + markdown.table(("device", "compatible", "registers", "bytes", "interrupt"), rows)
        if rows
        else ""
    )


def frame_table() -> str:
    """The keys of a telemetry frame."""
    rows = [
        (markdown.code(field.name), field.cbor_type, "yes" if field.required else "no", field.description)
        for field in FIELDS
    ]
    table = markdown.table(("key", "CBOR type", "required", "meaning"), rows)
    return f"{table}\nSHA-256 of the schema: `{schema_sha256()}`.\n"


def _settings(table: object) -> Iterator[str]:
    """`key = value` for every key below a table; arrays of tables that stand elsewhere are left out."""
    assert isinstance(table, Mapping)
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from (f"`{key}.{setting[1:]}" for setting in _settings(value))
        elif key != "adapters":
            yield markdown.code(f"{key} = {'absent' if value is None else toml.value(value)}")
