"""What a manifest says is shown, wherever it is."""

import io
import sys
from types import SimpleNamespace

import pytest

from ninedoor.cli.exits import Exit
from tests.cas.vectors import VECTORS
from tests.castool.conftest import Tool

EPOCH_101 = f"""\
schema             cohesix-cas/manifest-v1
epoch              101
kind               delta
manifest_bytes     207
signed_bytes       142
chunk_bytes        128
payload_bytes      128
payload_sha256     {VECTORS["101"].bundle.payload_sha256.hex()}
delta_base_epoch   100
delta_base_sha256  {VECTORS["100"].bundle.payload_sha256.hex()}
signature          {VECTORS["101"].data[-64:].hex()}
signature_state    unchecked
chunks             1
"""


def test_a_manifest_is_shown(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    name = tool.file("m", VECTORS["101"].data)

    assert tool.run("inspect", name) == EPOCH_101
    assert tool.run("inspect", name, "--chunks").removeprefix(EPOCH_101) == (
        f"chunk 0            {VECTORS['101'].bundle.chunks[0].hex()}\n"
    )

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(VECTORS["101"].data)))
    assert tool.run("inspect", "-") == EPOCH_101


def test_a_bundle_is_shown(tool: Tool) -> None:
    place = tool.pack("9", bytes(range(256)))
    said = tool.json("inspect", str(place))

    assert said["chunks"] == [digest.hex() for digest in VECTORS["9"].bundle.chunks]
    assert said["delta_base_epoch"] is None


def test_a_wrong_signature_is_shown_and_is_no_failure(tool: Tool) -> None:
    name = tool.file("m", VECTORS["9"].data)
    tool.run("keygen", "other")
    tool.run("keygen", "--public-only", tool.key())

    assert tool.json("inspect", name, "--public-key", "other.pub")["signature_state"] == "wrong"
    assert tool.json("inspect", name, "--public-key", "update.key.pub")["signature_state"] == "valid"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "manifest ends after 0 bytes"), (b"\xa0", "manifest must be an array, got initial byte 0xa0")],
)
def test_what_is_no_manifest_is_refused(tool: Tool, content: bytes, complaint: str) -> None:
    tool.run("inspect", tool.file("m", content), status=Exit.FAILED)

    assert tool.err == f"cas-tool inspect: m is no manifest of an update: {complaint}\n"


def test_a_file_without_end_is_not_read_to_it(tool: Tool) -> None:
    tool.run("inspect", "/dev/zero", status=Exit.FAILED)

    assert "/dev/zero has over" in tool.err
