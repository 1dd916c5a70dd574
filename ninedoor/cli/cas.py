"""`ninedoor cas`: the updates in a state directory, listed, verified and cleared without the hive."""

import argparse
import json
import sys
import time
from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.store.blobs import DiskBlobs, ViewedBlobs, has_blobs
from ninedoor.store.directory import StateDirectory
from ninedoor.updates import inventory
from ninedoor.updates.inventory import Inventory


def show(arguments: argparse.Namespace) -> int:
    """One line for each epoch and model, and what there is of chunks; with --json one object."""
    blobs = _viewed(arguments)
    try:
        found = inventory.take(blobs)
    finally:
        blobs.close()
    if arguments.json:
        _write_json(_facts(found))
        return Exit.OK
    for epoch in _epochs(found):
        sys.stdout.write(" ".join(f"{key}={value}" for key, value in epoch.items()) + "\n")
    for name, size in sorted(found.pending.items()):
        state = "manifest_pending" if size else "empty"  # as /updates/<epoch>/status has them
        sys.stdout.write(f"epoch={name} state={state} manifest_pending_bytes={size}\n")
    for digest in sorted(found.models):
        sys.stdout.write(f"model={digest.hex()}\n")
    counts = " ".join(f"{key}={value}" for key, value in _chunks(found).items())
    sys.stdout.write(f"chunks {counts}\n")
    sys.stderr.write("".join(f"ninedoor cas list: {fault}\n" for fault in found.faults))
    return Exit.OK


def verify(arguments: argparse.Namespace) -> int:
    """One line for each thing that is wrong, and how much was looked at; SYSTEM when anything is wrong."""
    blobs = _viewed(arguments)
    try:
        found = inventory.take(blobs)
        faults = list(inventory.verify(found, blobs))
    finally:
        blobs.close()
    if arguments.json:
        _write_json({"chunks": len(found.chunks), "epochs": len(found.bundles), "faults": faults})
    else:
        sys.stdout.write("".join(f"{fault}\n" for fault in faults))
        count = f"{len(found.chunks)} chunks, {len(found.bundles)} epochs"
        sys.stdout.write(
            f"{count}: {len(faults)} faults\n" if faults else f"{count}: all as they should be\n"
        )
    return Exit.SYSTEM if faults else Exit.OK


def collect(arguments: argparse.Namespace) -> int:
    """Drop epochs, then remove chunks that nothing refers to. Raises StoreError while a hive runs here."""
    _viewed(arguments).close()
    lock = StateDirectory.take(Path(arguments.state), create=False)
    try:
        blobs = DiskBlobs(Path(arguments.state))
        try:
            found = inventory.take(blobs)
            for name in arguments.drop:
                inventory.drop(found, blobs, name)
            removed, size = inventory.clear(found, blobs, time.time() - arguments.older_than)
            kept = len(found.unused())
            blobs.sync()
        except CasFault as fault:
            raise CommandFailure(Exit.FAILED, fault.reason) from fault
        finally:
            blobs.close()
    finally:
        lock.close()
    if arguments.json:
        _write_json({"dropped": arguments.drop, "removed": removed, "bytes": size, "kept": kept})
    else:
        rest = f"; {kept} more are unused, but younger" if kept else ""
        sys.stdout.write(f"removed {removed} chunks, {size} bytes{rest}\n")
    return Exit.OK


def _viewed(arguments: argparse.Namespace) -> ViewedBlobs:
    state = Path(arguments.state)
    if not has_blobs(state):
        raise CommandFailure(Exit.FAILED, f"{state} holds no updates: no hive with [cas] has run there")
    return ViewedBlobs(state)


def _facts(found: Inventory) -> dict[str, object]:
    return {
        "epochs": _epochs(found),
        "pending": found.pending,
        "models": [digest.hex() for digest in sorted(found.models)],
        "chunks": _chunks(found),
        "quarantine": sorted(found.quarantined),
        "faults": found.faults,
    }


def _epochs(found: Inventory) -> list[dict[str, object]]:
    """The committed epochs, in the order of their numbers."""
    ordered = sorted(found.bundles.items(), key=lambda item: (int(item[0]), item[0]))
    return [
        {
            "epoch": name,
            "kind": bundle.kind,
            "payload_bytes": bundle.payload_bytes,
            "payload_sha256": bundle.payload_sha256.hex(),
            "chunks": len(bundle.chunks),
            "missing": found.missing(bundle),
            "base": None if bundle.delta is None else bundle.delta.base_epoch,
            "signed": bundle.signature is not None,
        }
        for name, bundle in ordered
    ]


def _chunks(found: Inventory) -> dict[str, int]:
    unused = found.unused()
    return {
        "count": len(found.chunks),
        "bytes": sum(found.chunks.values()),
        "partial": len(found.partial),
        "unused": len(unused),
        "unused_bytes": sum(found.chunks.get(d, 0) + found.partial.get(d, 0) for d in unused),
        "quarantined": len(found.quarantined),
    }


def _write_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
