"""`cas-tool pack`: a payload becomes chunks and a manifest. It passes through once, chunk by chunk."""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ninedoor.cas.limits import is_epoch
from ninedoor.cas.manifest import Bundle, Delta, encode
from ninedoor.cas.signing import sign
from ninedoor.castool import modelcommands, padding
from ninedoor.castool.arguments import OUT_DIR
from ninedoor.castool.bundle import MANIFEST, Directory, open_directory, replacing, write_chunks
from ninedoor.castool.keys import read_seed
from ninedoor.castool.progress import Advance, progress
from ninedoor.castool.report import note, report
from ninedoor.castool.template import Template, chosen
from ninedoor.castool.template import chunk_bytes as size_of_chunks
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.secretfiles import STANDARD_INPUT


def pack(arguments: argparse.Namespace) -> int:
    """Write the bundle, whole or not at all."""
    if arguments.model:
        return modelcommands.pack(arguments)
    if arguments.schema is not None:
        raise CommandFailure(Exit.USAGE, "only a --model has a --schema")
    if not is_epoch(arguments.epoch):
        raise CommandFailure(Exit.USAGE, f"epoch {arguments.epoch!r} must be 1 to 20 digits")
    template = chosen(arguments)
    chunk_bytes = size_of_chunks(arguments.chunk_bytes, template)
    seed = _seed(arguments, template)
    base = _base(arguments, template, chunk_bytes)
    place = Path(arguments.out_dir or f"{OUT_DIR}/{arguments.epoch}")
    _refuse_strangers(place)
    with _payload(arguments.input) as payload, replacing(place) as made:
        bundle = _packed(arguments, payload, base, made, chunk_bytes)
        if template is not None and len(bundle.chunks) > template.chunks_max:
            raise CommandFailure(
                Exit.USAGE,
                f"the payload makes {len(bundle.chunks)} chunks, over max_chunks {template.chunks_max} "
                f"of {template.name}",
            )
        if seed is not None:
            bundle = replace(bundle, signature=sign(bundle, seed))
        encoded = encode(bundle)
        (made / MANIFEST).write_bytes(encoded)
        _refuse_another(place, encoded, force=arguments.force)
    short = bundle.payload_bytes % chunk_bytes
    if short:
        note(f"the last chunk has {short} bytes, which hives of the original refuse; --pad fills it up")
    report(arguments, _facts(place, bundle), f"wrote bundle {place}")
    return Exit.OK


def _packed(
    arguments: argparse.Namespace, payload: BinaryIO, base: Directory | None, into: Path, chunk_bytes: int
) -> Bundle:
    """The manifest of what is written below `into`, unsigned."""
    size = 0 if arguments.input == STANDARD_INPUT else Path(arguments.input).stat().st_size
    if arguments.whole and size % chunk_bytes:
        raise _odd(size, chunk_bytes)
    digest = hashlib.sha256()
    if base is not None:
        for chunk in base.chunks():
            digest.update(chunk)
    with progress(f"packing {arguments.epoch}", size, shown=not arguments.quiet) as advance:
        cut = _chunks(payload, chunk_bytes, pad=arguments.pad, whole=arguments.whole)
        written = write_chunks(_hashed(cut, digest, advance), into)
    if not written.digests:
        raise CommandFailure(Exit.USAGE, "the payload is empty: an update has at least one chunk")
    return Bundle(
        arguments.epoch,
        chunk_bytes,
        written.size,
        digest.digest(),
        tuple(written.digests),
        None if base is None else Delta(base.bundle.epoch, base.bundle.payload_sha256),
    )


def _facts(place: Path, bundle: Bundle) -> dict[str, object]:
    return {
        "bundle": str(place),
        "epoch": bundle.epoch,
        "kind": bundle.kind,
        "chunks": len(bundle.chunks),
        "payload_bytes": bundle.payload_bytes,
        "payload_sha256": bundle.payload_sha256.hex(),
        "signed": bundle.signature is not None,
    }


def _seed(arguments: argparse.Namespace, template: Template | None) -> bytes | None:
    if arguments.signing_key is None:
        if template is not None and template.signing_required:
            by = template.name.removeprefix("the ")
            raise CommandFailure(Exit.USAGE, f"signing key required by {by}: give --signing-key")
        return None
    if arguments.signing_key == arguments.input == STANDARD_INPUT:
        raise CommandFailure(Exit.USAGE, "standard input cannot be both the payload and the signing key")
    return read_seed(arguments.signing_key, () if template is None else template.keys)


def _base(arguments: argparse.Namespace, template: Template | None, chunk_bytes: int) -> Directory | None:
    """The base of a delta, which has to be a whole update with chunks of the same size."""
    if arguments.delta_base is None:
        return None
    if template is not None and not template.delta_enabled:
        raise CommandFailure(
            Exit.USAGE, f"by {template.name}, the hive takes no deltas: enable of [cas.delta] is false"
        )
    base = open_directory(Path(arguments.delta_base))
    bundle = base.bundle
    fault = ""
    if bundle.delta is not None:
        fault = f"is a delta on epoch {bundle.delta.base_epoch} itself: a base is a whole update"
    elif bundle.chunk_bytes != chunk_bytes:
        fault = f"has chunks of {bundle.chunk_bytes} bytes, not of {chunk_bytes}"
    elif bundle.epoch == arguments.epoch:
        fault = f"is epoch {bundle.epoch} too: a delta is another one"
    elif _exact_size(base) is not None:
        fault = "was packed with --pad: its padding would lie in the middle of the delta's payload"
    if fault:
        raise CommandFailure(Exit.USAGE, f"{base.place} {fault}")
    return base


def _exact_size(base: Directory) -> int | None:
    """The exact size of a payload that --pad filled up, None for any other."""
    count, wanted = len(base.bundle.chunks), padding.tail_bytes(base.bundle.chunk_bytes)
    first = max(0, count - 1 - -(-wanted // base.bundle.chunk_bytes))
    tail = b"".join(map(base.chunk, range(first, count)))[-wanted:]
    return padding.exact_size(base.bundle.payload_bytes, base.bundle.chunk_bytes, tail)


def _payload(source: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if source == STANDARD_INPUT else Path(source).open("rb")


def _chunks(payload: BinaryIO, chunk_bytes: int, *, pad: bool, whole: bool) -> Iterator[bytes]:
    """The payload in chunks, the last of which may be shorter. Raises CommandFailure when it may not be."""
    size = 0
    tail = b""
    while len(chunk := payload.read(chunk_bytes)) == chunk_bytes:
        size += chunk_bytes
        tail = (tail + chunk)[-padding.tail_bytes(chunk_bytes) :]
        yield chunk
    size += len(chunk)
    if pad:
        rest = chunk + padding.padding(size, chunk_bytes)
        for at in range(0, len(rest), chunk_bytes):
            yield rest[at : at + chunk_bytes]
        return
    if padding.exact_size(size, chunk_bytes, tail + chunk) is not None:
        raise CommandFailure(
            Exit.USAGE,
            "the payload ends like one that was padded already: give --pad, to get it back as it is",
        )
    if chunk:
        if whole:
            raise _odd(size, chunk_bytes)
        yield chunk


def _hashed(chunks: Iterator[bytes], digest: "hashlib._Hash", advance: Advance) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
        advance(len(chunk))


def _odd(size: int, chunk_bytes: int) -> CommandFailure:
    return CommandFailure(Exit.USAGE, f"payload length {size} is not a multiple of chunk_bytes {chunk_bytes}")


def _refuse_strangers(place: Path) -> None:
    """Only a bundle, or an empty directory, is ever replaced."""
    if place.exists() and not (place / MANIFEST).exists() and (not place.is_dir() or any(place.iterdir())):
        raise CommandFailure(
            Exit.USAGE, f"{place} holds something else than a bundle: choose another --out-dir"
        )


def _refuse_another(place: Path, encoded: bytes, *, force: bool) -> None:
    there = place / MANIFEST
    if not force and there.exists() and there.read_bytes() != encoded:
        raise CommandFailure(Exit.USAGE, f"{place} holds another bundle; --force replaces it")
