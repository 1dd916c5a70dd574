"""`cas-tool upload`: what a hive does not have of a bundle is brought to it, the manifest last.

Nothing is remembered between two runs, or two sessions of one run: what is there, the hive tells. Several who
upload the same bundle at once do no harm to each other; each may find that the others have done its work.
"""

import argparse
import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cas.status import Status, parse_text
from ninedoor.castool import advice, modelcommands
from ninedoor.castool.bundle import MANIFEST, Directory, open_directory
from ninedoor.castool.models import is_model
from ninedoor.castool.patience import patiently
from ninedoor.castool.progress import Advance, progress
from ninedoor.castool.report import report
from ninedoor.castool.ways.way import Parcel, Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error

SAMPLE = 64
"""How many of the chunks that an epoch does not list are looked for elsewhere."""

PASSES = 4
"""How often in a row what was refused is looked at again, and sent, without any more of it being there."""

BUSY_S = 0.05
"""Wait before the end of a manifest is sent again to a hive that is busy with it."""

_PASSING = frozenset({errno.EBUSY, errno.EIO, errno.EAGAIN})
"""Refusals that say nothing of what was sent."""

_OF_ANOTHER = frozenset({errno.EINVAL, errno.EMSGSIZE})
"""Refusals of what does not go on with what is there: somebody else may write the same file, or a part of it
was there that did not belong to it, and is gone now. Of what is complete in itself they are final."""


@dataclass
class Tally:
    """What was done in this run: chunks and bytes that were sent. `shown` is what the progress bar knows."""

    chunks: int = 0
    size: int = 0
    shown: int = 0


def upload(arguments: argparse.Namespace) -> int:
    """Upload the bundle, or the rest of it."""
    if is_model(Path(arguments.bundle)):
        return modelcommands.upload(arguments)
    source = open_directory(Path(arguments.bundle))
    bundle = source.bundle
    tally = Tally()
    with progress(f"uploading {bundle.epoch}", bundle.payload_bytes, shown=not arguments.quiet) as advance:
        try:
            fresh = patiently(
                arguments, partial(_upload, source, tally, advance, arguments.retry_s), lambda: tally.chunks
            )
        except KeyboardInterrupt:
            raise CommandFailure(
                Exit.INTERRUPTED,
                f"interrupted after {tally.chunks} chunks; the same command goes on with the rest",
            ) from None
    report(
        arguments,
        {
            "epoch": bundle.epoch,
            "payload_sha256": bundle.payload_sha256.hex(),
            "chunks": len(bundle.chunks),
            "chunks_sent": tally.chunks,
            "bytes_sent": tally.size,
            "was_there": not fresh,
        },
        *([] if fresh else ["all of it was there already"]),
        f"uploaded update epoch={bundle.epoch}",
    )
    return Exit.OK


def _upload(source: Directory, tally: Tally, advance: Advance, patience_s: float, way: Way) -> bool:
    """Bring what is missing; false when nothing was. Raises CommandFailure, P9Error, ConnectError."""
    folder = f"/updates/{source.bundle.epoch}"
    status = _status(way, folder)
    committed = _is_committed(status)
    if committed and way.read(f"{folder}/{MANIFEST}") != source.encoded:
        raise CommandFailure(
            Exit.FAILED,
            f"epoch {source.bundle.epoch} is another update there, with payload_sha256 {_hex(status)}; "
            "an epoch never changes: pack another one",
        )
    if committed and status.state == "ready":
        advance(source.bundle.payload_bytes - tally.shown)
        return False
    _bring_chunks(way, source, f"{folder}/chunks", tally, advance)
    if not committed:
        _bring_manifest(way, source, folder, patience_s)
    status = _status(way, folder)
    if status.state != "ready":
        raise CommandFailure(
            Exit.FAILED, f"epoch {status.epoch} is {status.state} with all of it sent; see {folder}/status"
        )
    return True


def _bring_chunks(way: Way, source: Directory, folder: str, tally: Tally, advance: Advance) -> None:
    missing = _missing(way, source, folder)
    _show(source, missing, tally, advance)
    idle = 0
    while missing:
        refused: dict[int, P9Error] = {}
        before = tally.chunks
        indices = iter(list(missing))
        for sent in way.send(folder, _parcels(source, missing)):
            index = next(indices)
            if sent.refused is None:
                tally.chunks += 1
                tally.size += len(sent.parcel.data) - sent.parcel.start
                tally.shown += len(sent.parcel.data)
                advance(len(sent.parcel.data))
            elif isinstance(sent.refused, Unanswered):
                raise sent.refused
            elif sent.refused.ecode in _PASSING | _OF_ANOTHER:
                source.chunk(index)  # it may be ours that is damaged
                if sent.refused.ecode == errno.EMSGSIZE and not sent.parcel.start:
                    raise _chunk_failure(way, f"{folder}/{sent.parcel.name}", sent.refused)
                refused[index] = sent.refused
            else:
                raise _chunk_failure(way, f"{folder}/{sent.parcel.name}", sent.refused)
        if not refused:
            return
        idle = 0 if tally.chunks > before else idle + 1
        missing = _missing(way, source, folder)
        if idle >= PASSES and missing:
            index = next(iter(missing))
            why = refused.get(index) or next(iter(refused.values()))
            raise _chunk_failure(way, f"{folder}/{source.bundle.chunks[index].hex()}", why)


def _missing(way: Way, source: Directory, folder: str) -> dict[int, int]:
    """Number of the first own chunk of each content that is not complete → how much of it is there."""
    wanted: dict[str, int] = {}
    for index, digest in enumerate(source.bundle.chunks):
        wanted.setdefault(digest.hex(), index)
    missing = {}
    for name, there in _sizes(way, folder, list(wanted)).items():
        if there != source.bundle.chunk_size(wanted[name]):
            missing[wanted[name]] = there
    return missing


def _sizes(way: Way, folder: str, wanted: list[str]) -> dict[str, int]:
    """How much of each chunk is there, in the same order. An epoch lists the chunks that came by it. What
    else the hive has, other epochs brought: only if it has one of a sample, all are looked for."""
    there = set(way.names(folder))
    sizes = way.sizes(folder, [name for name in wanted if name in there])
    others = [name for name in wanted if name not in there]
    sample = others[:: max(1, len(others) // SAMPLE)]
    if any(way.sizes(folder, sample).values()):
        sizes.update(way.sizes(folder, others))
    return {name: sizes.get(name, 0) for name in wanted}


def _parcels(source: Directory, missing: dict[int, int]) -> Iterator[Parcel]:
    for index, there in missing.items():
        data = source.content(index)
        if len(data) != source.bundle.chunk_size(index):
            source.chunk(index)  # says so
        # Whether all else is right, the hive finds out: ours would be the second look at each chunk.
        yield Parcel(source.bundle.chunks[index].hex(), data, there)


def _show(source: Directory, missing: dict[int, int], tally: Tally, advance: Advance) -> None:
    """Let the bar know what was there before anything was sent."""
    if tally.shown == 0:
        tally.shown = source.bundle.payload_bytes - sum(map(source.bundle.chunk_size, missing))
        advance(tally.shown)


def _bring_manifest(way: Way, source: Directory, folder: str, patience_s: float) -> None:
    """The manifest, or the rest of it. What is there of another one is refused with it, and gone then. While
    the hive says that it is busy it hashes the payload, and wants the end of the manifest again."""
    deadline = time.monotonic() + patience_s
    passes = 0
    while True:
        there = _status(way, folder).manifest_pending_bytes if way.resumes else 0
        start = there if there < len(source.encoded) else 0
        (sent,) = way.send(folder, [Parcel(MANIFEST, source.encoded, start)])
        refusal = sent.refused
        if refusal is None:
            return
        if isinstance(refusal, Unanswered):
            raise refusal
        status = _status(way, folder)
        if _is_committed(status) and way.read(f"{folder}/{MANIFEST}") == source.encoded:
            return  # somebody else brought it
        if refusal.ecode == errno.EBUSY and time.monotonic() < deadline:
            time.sleep(BUSY_S)
            continue
        passes += 1
        # Where nothing is left of what was refused, and all of it was sent, it was refused for what it is.
        is_final = refusal.ecode in _OF_ANOTHER and not start and not status.manifest_pending_bytes
        if is_final or refusal.ecode not in _PASSING | _OF_ANOTHER or passes == PASSES:
            text = advice.refused_manifest(way, f"{folder}/{MANIFEST}", refusal)
            raise CommandFailure(Exit.FAILED, text)


def _is_committed(status: Status) -> bool:
    return status.manifest_bytes > 0 and status.manifest_pending_bytes == 0


def _status(way: Way, folder: str) -> Status:
    """Looking at a new epoch makes it."""
    try:
        return parse_text(way.read(f"{folder}/status"))
    except CasFault as wrong:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {folder}/status is {wrong.reason}") from None
    except Unanswered:
        raise
    except P9Error as refused:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {folder}: {refused}") from None


def _chunk_failure(way: Way, path: str, refused: P9Error) -> CommandFailure:
    return CommandFailure(Exit.FAILED, advice.refused_chunk(way, path, refused))


def _hex(status: Status) -> str:
    return "none" if status.payload_sha256 is None else status.payload_sha256.hex()
