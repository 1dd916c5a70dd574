"""`cas-tool download`: the payload of an epoch, every chunk checked before it is kept."""

import argparse
import hashlib
import os
from collections import deque
from pathlib import Path

from ninedoor.castool import modelcommands, padding, signatures
from ninedoor.castool.epochs import Epoch, fetch, verified
from ninedoor.castool.keys import read_public
from ninedoor.castool.patience import patiently
from ninedoor.castool.progress import Advance, progress
from ninedoor.castool.report import report
from ninedoor.castool.sinks import FileSink, Sink, StreamSink
from ninedoor.castool.ways.way import Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.secretfiles import STANDARD_INPUT


class Received:
    """How far the payload of `epoch` has come: `chunks` of it, `fetched` bytes in this run."""

    def __init__(self, epoch: Epoch, sink: Sink, advance: Advance) -> None:
        self.epoch = epoch
        self.chunks = 0
        self.fetched = 0
        self._latest: deque[bytes] = deque(maxlen=2 + -(-padding.TRAILER_BYTES // epoch.bundle.chunk_bytes))
        self._sink = sink
        self._advance = advance
        self._digest = hashlib.sha256()
        for chunk in sink.present(epoch):
            self._count(chunk)

    @property
    def tail(self) -> bytes:
        """The end of what has come, as long as `padding.exact_size` wants it."""
        return b"".join(self._latest)[-padding.tail_bytes(self.epoch.bundle.chunk_bytes) :]

    def rest(self, way: Way) -> None:
        """Take what is missing."""
        for chunk in verified(way, self.epoch, self.chunks):
            self._sink.put(chunk)
            self.fetched += len(chunk)
            self._count(chunk)

    def check(self) -> None:
        """Raises CommandFailure when the payload is not that of the manifest, though its chunks are."""
        expected = self.epoch.bundle.payload_sha256
        if self._digest.digest() != expected:
            raise CommandFailure(
                Exit.FAILED,
                f"the payload's hash is {self._digest.hexdigest()}, by the manifest it is {expected.hex()}",
            )

    def _count(self, chunk: bytes) -> None:
        self.chunks += 1
        self._digest.update(chunk)
        self._latest.append(chunk)
        self._advance(len(chunk))


def download(arguments: argparse.Namespace) -> int:
    """Download the payload, or the rest of it."""
    if arguments.model is not None:
        return modelcommands.download(arguments)
    streams = arguments.output == STANDARD_INPUT
    if streams and arguments.json:
        raise CommandFailure(Exit.USAGE, "standard output cannot be both the payload and JSON")
    place = Path(arguments.output)
    if not streams and os.path.lexists(place) and not arguments.force:
        raise CommandFailure(Exit.USAGE, f"{place} exists; --force replaces it")
    keys = read_public(arguments.public_key)
    epoch = patiently(arguments, lambda way: fetch(way, arguments.epoch), lambda: 0)
    signature = signatures.demand(epoch.bundle, keys)
    sink: Sink = StreamSink() if streams else FileSink(place)
    try:
        with progress(f"downloading {arguments.epoch}", epoch.size, shown=not arguments.quiet) as advance:
            received = Received(epoch, sink, advance)
            patiently(arguments, received.rest, lambda: received.chunks)
        received.check()
        cut = 0 if arguments.raw else _padding(received)
        sink.finish(cut)
    except KeyboardInterrupt:
        raise CommandFailure(
            Exit.INTERRUPTED, "interrupted; the same command goes on with the rest"
        ) from None
    finally:
        sink.close()
    if not streams:
        _tell(arguments, received, cut, signature)
    return Exit.OK


def _padding(received: Received) -> int:
    """Bytes at the end that `pack --pad` added."""
    bundle = received.epoch.bundle
    exact = padding.exact_size(bundle.payload_bytes, bundle.chunk_bytes, received.tail)
    return 0 if exact is None else bundle.payload_bytes - exact


def _tell(arguments: argparse.Namespace, received: Received, cut: int, signature: str) -> None:
    epoch = received.epoch
    report(
        arguments,
        {
            "epoch": epoch.bundle.epoch,
            "output": arguments.output,
            "bytes": epoch.size - cut,
            "bytes_fetched": received.fetched,
            "padding": cut,
            "payload_sha256": epoch.bundle.payload_sha256.hex(),
            "signature": signature,
        },
        f"downloaded update epoch={epoch.bundle.epoch} bytes={epoch.size - cut} to {arguments.output}",
    )
