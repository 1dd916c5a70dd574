"""Services, policies, fingerprints and machines in the documentation."""

import hashlib
import re

from ninedoor.manifest.emit.policies import coh_policy, cohsh_policy
from ninedoor.manifest.emit.services import (
    client_policy,
    fingerprint_table,
    frame_table,
    hardware_table,
    listener_table,
    service_table,
)
from ninedoor.manifest.frames import FIELDS, schema_sha256
from ninedoor.manifest.load import load, load_text
from tests.manifest.samples import OURS, REGRESSION, as_toml, content_of, edited


def test_the_fingerprints_are_those_of_the_manifest() -> None:
    manifest = load(REGRESSION)

    assert f"`{manifest.sha256}`" in fingerprint_table(manifest)


def test_every_service_shows_its_settings_and_adapters_their_directories() -> None:
    text = service_table(load(REGRESSION))

    assert "| `ecosystem.models` | `enable = true` |" in text
    assert "`signing.required = true`" in text
    assert "| modbus | `/bus/modbus-main` |" in text


def test_policies_are_shown_with_the_hash_of_what_is_written() -> None:
    manifest = load(OURS)
    text = client_policy(manifest)

    assert re.findall("SHA-256 `([0-9a-f]{64})`", text) == [
        hashlib.sha256(policy(manifest).encode()).hexdigest() for policy in (cohsh_policy, coh_policy)
    ]


def test_a_manifest_without_hardware_says_so() -> None:
    assert hardware_table(load(OURS)).startswith("The manifest has no `[hardware]`")


def test_devices_are_shown_where_they_are() -> None:
    device = {"kind": "UART", "compatible": "arm,pl011", "mmio_base": 0x9000000, "mmio_size": 4096, "irq": 33}
    hardware = {"devices": [device], "attestation": {"provider": "dice"}, "secure_boot": "audit"}
    text = hardware_table(load_text(as_toml(edited(content_of(OURS), {("hardware",): hardware}))))

    assert "| UART | arm,pl011 | 0x9000000 | 0x1000 | 33 |" in text
    assert "Profile virt-aarch64, secure boot audit" in text
    assert 'provider = "dice"' in text


def test_a_manifest_without_listeners_says_so() -> None:
    assert listener_table(load(OURS)).startswith("The manifest has no `[[listeners]]`")


def test_listeners_are_shown_with_all_their_keys() -> None:
    listeners = [{"url": "unix:/s", "fids": 9}, {"url": "tcp://[::1]:1", "profile": "linux"}]
    text = listener_table(load_text(as_toml(edited(content_of(OURS), {("listeners",): listeners}))))

    assert text.splitlines()[0].split(" | ")[:3] == ["| `url`", "`profile`", "`sessions`"]
    assert text.splitlines()[2:] == [
        "| `unix:/s` | `strict` | `1024` | `9` | `5000` | `0` | `5000` | `false` |",
        "| `tcp://[::1]:1` | `linux` | `1024` | `256` | `5000` | `0` | `5000` | `false` |",
    ]


def test_frames_are_shown_with_the_hash_of_their_schema() -> None:
    text = frame_table()

    assert schema_sha256() in text
    assert all(f"| `{field.name}` | {field.cbor_type} | yes |" in text for field in FIELDS)
