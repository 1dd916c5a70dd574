"""`cas-tool verify`: every byte of a bundle, or of an epoch of a hive, against its manifest."""

import argparse
import hashlib
from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cas.manifest import Bundle
from ninedoor.cas.payload import check_delta
from ninedoor.castool import modelcommands, signatures
from ninedoor.castool.bundle import Directory, open_directory
from ninedoor.castool.download import Received
from ninedoor.castool.epochs import fetch
from ninedoor.castool.keys import read_public
from ninedoor.castool.models import is_model
from ninedoor.castool.patience import patiently
from ninedoor.castool.progress import Advance, progress
from ninedoor.castool.report import report
from ninedoor.castool.sinks import NoSink
from ninedoor.cli.exits import CommandFailure, Exit


def verify(arguments: argparse.Namespace) -> int:
    """Check it. Raises CommandFailure for the first fault."""
    if (arguments.bundle is None) == (arguments.epoch is None and arguments.model is None):
        raise CommandFailure(Exit.USAGE, "give a bundle, or --epoch or --model and where the hive is")
    if arguments.model is not None or (arguments.bundle is not None and is_model(Path(arguments.bundle))):
        return modelcommands.verify(arguments)
    keys = read_public(arguments.public_key)
    if arguments.bundle is not None:
        bundle, place = _directory(arguments), arguments.bundle
    else:
        bundle = _epoch(arguments)
        place = f"/updates/{bundle.epoch}"
    signature = signatures.demand(bundle, keys)
    facts = {
        "epoch": bundle.epoch,
        "kind": bundle.kind,
        "chunks": len(bundle.chunks),
        "payload_bytes": bundle.payload_bytes,
        "payload_sha256": bundle.payload_sha256.hex(),
        "signature": signature,
    }
    words = " ".join(f"{name}={value}" for name, value in facts.items())
    report(arguments, {"verified": place, **facts}, f"verified {place} {words}")
    return Exit.OK


def _epoch(arguments: argparse.Namespace) -> Bundle:
    epoch = patiently(arguments, lambda way: fetch(way, arguments.epoch), lambda: 0)
    with progress(f"verifying {arguments.epoch}", epoch.size, shown=not arguments.quiet) as advance:
        received = Received(epoch, NoSink(), advance)
        patiently(arguments, received.rest, lambda: received.chunks)
    received.check()
    return epoch.bundle


def _directory(arguments: argparse.Namespace) -> Bundle:
    directory = open_directory(Path(arguments.bundle))
    bundle = directory.bundle
    parts = [directory]
    if bundle.delta is not None:
        parts.insert(0, _base(arguments, bundle))
    size = sum(part.bundle.payload_bytes for part in parts)
    digest = hashlib.sha256()
    with progress(f"verifying {bundle.epoch}", size, shown=not arguments.quiet) as advance:
        for part in parts:
            _read(part, digest, advance)
    if digest.digest() != bundle.payload_sha256:
        raise CommandFailure(
            Exit.FAILED,
            f"{directory.place}: the payload's hash is {digest.hexdigest()}, "
            f"by the manifest it is {bundle.payload_sha256.hex()}",
        )
    return bundle


def _read(part: Directory, digest: "hashlib._Hash", advance: Advance) -> None:
    for chunk in part.chunks():
        digest.update(chunk)
        advance(len(chunk))


def _base(arguments: argparse.Namespace, bundle: Bundle) -> Directory:
    assert bundle.delta is not None  # whoever asks has looked
    if arguments.delta_base is None:
        raise CommandFailure(
            Exit.USAGE,
            f"{arguments.bundle} is a delta: give that of epoch {bundle.delta.base_epoch} as --delta-base",
        )
    base = open_directory(Path(arguments.delta_base))
    try:
        check_delta(bundle, base.bundle if base.bundle.epoch == bundle.delta.base_epoch else None)
    except CasFault as wrong:
        raise CommandFailure(Exit.FAILED, f"{base.place} is not the base: {wrong.reason}") from None
    return base
