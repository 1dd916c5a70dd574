"""What a packer of updates is told."""

import json
from pathlib import Path

from ninedoor.manifest.emit.template import cas_template
from ninedoor.manifest.load import load
from tests.manifest.samples import OURS, STOCK, as_toml, content_of, edited


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


def test_a_store_with_a_budget_takes_as_many_chunks_as_the_hive(tmp_path: Path) -> None:
    store = {"chunk_bytes": 8000, "budget_bytes": 1 << 30}
    file = tmp_path / "hive.toml"
    file.write_text(as_toml(edited(content_of(OURS), {("cas", "store"): store})))
    manifest = load(file)

    assert json.loads(cas_template(manifest))["chunks_max"] == manifest.config.cas.max_chunks == 65536
