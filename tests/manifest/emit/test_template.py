"""What a packer of updates is told."""

import json

from ninedoor.manifest.emit.template import cas_template
from ninedoor.manifest.load import load
from tests.manifest.samples import OURS, STOCK


def test_the_template_says_what_the_manifest_says() -> None:
    manifest = load(STOCK)

    assert json.loads(cas_template(manifest)) == {
        "schema": "cohesix-cas/manifest-v1",
        "manifest_sha256": manifest.sha256,
        "enabled": True,
        "chunk_bytes": 128,
        "chunks_max": 8,
        "delta_enabled": True,
        "signing_required": True,
    }


def test_keys_are_sorted_and_limits_are_the_files() -> None:
    text = cas_template(load(OURS))

    assert list(json.loads(text)) == sorted(json.loads(text))
    assert '"chunks_max": 65536' in text
    assert text.endswith("}\n")
