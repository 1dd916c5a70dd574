"""What coh-rtc writes for packers is read, and anything else is refused by name."""

import json

import pytest

from ninedoor.castool.template import found
from ninedoor.cli.exits import CommandFailure
from ninedoor.manifest.emit.template import cas_template
from ninedoor.manifest.load import load
from tests.castool.conftest import Tool
from tests.manifest.samples import STOCK

GOOD = {
    "chunk_bytes": 128,
    "chunks_max": 8,
    "delta_enabled": True,
    "enabled": True,
    "manifest_sha256": "0" * 64,
    "schema": "cohesix-cas/manifest-v1",
    "signing_required": False,
}


def test_the_compilers_template_is_read(tool: Tool) -> None:
    template = found(tool.file("t.json", cas_template(load(STOCK)).encode()))

    assert template is not None
    assert template.chunk_bytes >= 1
    assert template.chunks_max >= 8


def test_it_is_found_in_its_places(tool: Tool) -> None:
    assert found(None) is None

    for folder, size in (("configs/generated", 256), ("out", 64)):
        (tool.home / folder).mkdir(parents=True)
        text = json.dumps(GOOD | {"chunk_bytes": size}).encode()
        tool.file(f"{folder}/cas_manifest_template.json", text)
        template = found(None)
        assert template is not None
        assert template.chunk_bytes == size


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is no template"),
        (json.dumps(GOOD | {"chunk_bytes": "128"}).encode(), "chunk_bytes is '128', no int"),
        (json.dumps(GOOD | {"chunk_bytes": True}).encode(), "chunk_bytes is True, no int"),
        (json.dumps({**GOOD, "schema": "v9"}).encode(), "is for 'v9'"),
        (
            json.dumps({key: GOOD[key] for key in GOOD if key != "enabled"}).encode(),
            "enabled is None, no bool",
        ),
    ],
)
def test_what_is_no_template_is_refused(tool: Tool, content: bytes, complaint: str) -> None:
    with pytest.raises(CommandFailure) as refused:
        found(tool.file("t.json", content))

    assert complaint in refused.value.text
