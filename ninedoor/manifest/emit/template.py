"""What a packer of updates has to keep to."""

import json

from ninedoor.manifest.load import Manifest
from ninedoor.manifest.rules.updates import STORED_CHUNKS

SCHEMA = "cohesix-cas/manifest-v1"
"""Schema of the update manifests that follow the template."""


def cas_template(manifest: Manifest) -> str:
    """The template as JSON with sorted keys."""
    cas = manifest.document.cas
    # Without a budget the store is the original's, of a fixed size; with one, updates are as large as ours.
    most = STORED_CHUNKS if cas.store.budget_bytes is None else manifest.config.cas.max_chunks
    content = {
        "schema": SCHEMA,
        "manifest_sha256": manifest.sha256,
        "enabled": cas.enable,
        "chunk_bytes": cas.store.chunk_bytes,
        "chunks_max": cas.store.max_chunks or most,
        "delta_enabled": cas.delta.enable,
        "signing_required": cas.signing is not None and cas.signing.required,
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
