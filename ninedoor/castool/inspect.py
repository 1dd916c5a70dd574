"""`cas-tool inspect`: what a manifest says, be it a file, in a bundle or of a hive's epoch. Its chunks are
not looked at.
"""

import argparse
import json
import sys
from pathlib import Path

from ninedoor.cas.manifest import SCHEMA, Bundle, signed_message
from ninedoor.castool import modelcommands, signatures
from ninedoor.castool.bundle import LIMITS, MANIFEST, decoded, read_manifest
from ninedoor.castool.epochs import fetch
from ninedoor.castool.keys import read_public
from ninedoor.castool.models import is_model
from ninedoor.castool.patience import patiently
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.secretfiles import STANDARD_INPUT


def inspect(arguments: argparse.Namespace) -> int:
    """Print it. A signature that is not by one of the keys given is shown as wrong, and is no failure."""
    if (arguments.source is None) == (arguments.epoch is None and arguments.model is None):
        raise CommandFailure(
            Exit.USAGE, "give a manifest or bundle, or --epoch or --model and where the hive is"
        )
    if arguments.model is not None or (arguments.source is not None and is_model(Path(arguments.source))):
        return modelcommands.inspect(arguments)
    keys = read_public(arguments.public_key)
    if arguments.source is None:
        epoch = patiently(arguments, lambda way: fetch(way, arguments.epoch), lambda: 0)
        encoded, bundle = epoch.encoded, epoch.bundle
    else:
        encoded = _read(arguments.source)
        bundle = decoded(encoded, arguments.source)
    facts = _facts(encoded, bundle) | {"signature_state": signatures.state(bundle, keys)}
    if arguments.json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write(_sheet(facts, listed=arguments.chunks))
    return Exit.OK


def _read(source: str) -> bytes:
    if source == STANDARD_INPUT:
        return sys.stdin.buffer.read(LIMITS.manifest_bytes + 1)
    place = Path(source)
    return read_manifest(place / MANIFEST if place.is_dir() else place)


def _facts(encoded: bytes, bundle: Bundle) -> dict[str, object]:
    delta = bundle.delta
    return {
        "schema": SCHEMA,
        "epoch": bundle.epoch,
        "kind": bundle.kind,
        "manifest_bytes": len(encoded),
        "signed_bytes": len(signed_message(bundle)),
        "chunk_bytes": bundle.chunk_bytes,
        "payload_bytes": bundle.payload_bytes,
        "payload_sha256": bundle.payload_sha256.hex(),
        "delta_base_epoch": None if delta is None else delta.base_epoch,
        "delta_base_sha256": None if delta is None else delta.base_sha256.hex(),
        "signature": None if bundle.signature is None else bundle.signature.hex(),
        "chunks": [digest.hex() for digest in bundle.chunks],
    }


def _sheet(facts: dict[str, object], *, listed: bool) -> str:
    """`facts` for people, one a line."""
    chunks = facts["chunks"]
    assert isinstance(chunks, list)  # see `_facts`
    rows = [(name, "none" if value is None else value) for name, value in facts.items() if name != "chunks"]
    rows.append(("chunks", len(chunks)))
    if listed:
        rows += [(f"chunk {number}", digest) for number, digest in enumerate(chunks)]
    return "".join(f"{name:<18} {value}\n" for name, value in rows)
