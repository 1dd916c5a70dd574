"""The guest's header: it compiles, says what the manifest says, and keeps secrets out."""

import shutil
import subprocess
from pathlib import Path

import pytest
from blake3 import blake3

from ninedoor.manifest.emit.header import c_string, header
from ninedoor.manifest.load import Manifest, load, load_text
from tests.manifest.samples import REGRESSION, STOCK, Edits, as_toml, content_of, edited

COMPILER = shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="gcc is not installed")

DEVICE = {
    "kind": "UART",
    "compatible": "arm,pl011",
    "mmio_base": 0x1_0900_0000,
    "mmio_size": 4096,
    "irq": 33,
}
ODD = 'a"b\\c??/d ünï'
"""What a string literal of C could be closed, escaped or confused by."""


def built(path: Path, edits: Edits) -> Manifest:
    return load_text(as_toml(edited(content_of(path), edits)), "m", (path.parent,))


def compiled(folder: Path, manifest: Manifest, program: str) -> str:
    """What a C program prints that includes the header of `manifest`."""
    (folder / "manifest.h").write_text(header(manifest))
    (folder / "main.c").write_text(
        f'#include <stdio.h>\n#include "manifest.h"\nint main(void) {{ {program} }}\n'
    )
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([str(COMPILER), *flags, "-o", "main", "main.c"], cwd=folder, check=True)
    return subprocess.run([str(folder / "main")], capture_output=True, check=True).stdout.decode()


@needs_compiler
@pytest.mark.parametrize("path", [STOCK, REGRESSION], ids=lambda path: path.stem)
def test_the_header_compiles_freestanding_without_a_warning(path: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.h").write_text(header(load(path)))
    (tmp_path / "unit.c").write_text('#include "manifest.h"\n#include "manifest.h"\nint unit;\n')
    flags = ["-std=c11", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]

    subprocess.run([str(COMPILER), *flags, "unit.c"], cwd=tmp_path, check=True)


@needs_compiler
def test_a_program_reads_what_the_manifest_says(tmp_path: Path) -> None:
    edits: Edits = {
        ("profile", "name"): "virt",
        ("secure9p", "msize"): 4096,
        ("ui_providers", "policy_preflight"): {},
        ("ecosystem", "policy", "enable"): False,
        ("ecosystem", "audit"): {},
        ("namespaces", "mounts"): [{"service": ODD.replace("/", ""), "target": ["log", "ü"]}],
        ("hardware",): {"devices": [DEVICE], "attestation": {"pcrs": [3, 11]}},
    }
    program = """
        printf("%s %u %d\\n", NINEDOOR_PROFILE_NAME, NINEDOOR_SECURE9P_MSIZE, NINEDOOR_FEATURES_NET_CONSOLE);
        printf("%u %s %s\\n", NINEDOOR_MOUNTS_COUNT, ninedoor_mounts[0].service, ninedoor_mounts[0].path);
        printf("%u %s\\n", NINEDOOR_TICKET_ROLES_COUNT, ninedoor_ticket_roles[1]);
        printf("%s %u\\n", ninedoor_bus_adapters[0].path, ninedoor_bus_adapters[0].spool_bytes);
        printf("%s %u\\n", ninedoor_lora_adapters[0].region, ninedoor_lora_adapters[0].payload_bytes);
        printf("%#llx %u\\n", ninedoor_devices[0].mmio_base, ninedoor_devices[0].irq);
        printf("%d %d %d\\n", ninedoor_attestation_pcrs[0], ninedoor_attestation_pcrs[1],
            ninedoor_attestation_pcrs[2]);
        for (const char *const *line = ninedoor_audit_lines; *line; line++) puts(*line);
    """
    manifest = built(REGRESSION, edits)
    told = compiled(tmp_path, manifest, program).splitlines()

    assert told[:7] == [
        "virt 4096 1",
        f"1 {ODD.replace('/', '')} /log/ü",
        "5 worker-heartbeat",
        "/bus/modbus-main 512",
        "us915 64",
        "0x109000000 33",
        "3 11 -1",
    ]
    assert told[7:10] == [
        "manifest.schema=1.5",
        "manifest.profile=virt",
        f"manifest.sha256={manifest.sha256}",
    ]
    assert len(told) == 7 + 23


def test_neither_secrets_nor_keys_made_of_them_are_in_the_header() -> None:
    secrets = {"queen": "hunter2-queen", "worker-gpu": "hunter2-gpu"}
    tickets = [{"role": role, "secret": secret} for role, secret in secrets.items()]
    text = header(built(STOCK, {("tickets",): tickets}))

    assert '"queen",\n    "worker-gpu",\n    0,' in text
    for secret in secrets.values():
        assert secret not in text
        assert blake3(secret.encode()).hexdigest()[:16] not in text


@needs_compiler
def test_every_character_survives_a_string_literal(tmp_path: Path) -> None:
    text = "".join(map(chr, [*range(1, 0x250), 0x20AC, 0x1F41D])) + "??=??/0123"
    (tmp_path / "main.c").write_text(
        f"#include <stdio.h>\nint main(void) {{ fputs({c_string(text)}, stdout); }}\n"
    )
    subprocess.run([str(COMPILER), "-std=c11", "-Werror", "-o", "main", "main.c"], cwd=tmp_path, check=True)

    assert subprocess.run([str(tmp_path / "main")], capture_output=True, check=True).stdout == text.encode()


def test_a_literal_is_plain_ascii_without_trigraphs() -> None:
    assert c_string('a?"\\\x7fü') == '"a\\077\\042\\134\\177\\303\\274"'
