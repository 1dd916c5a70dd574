"""What the bridge asks of a hive again and again, in as few round trips as it takes (see
`ninedoor.client.steps`).

The requests of one such operation are in flight together and served in their order.
"""

from typing import Any

from ninedoor import limits
from ninedoor.client.failures import Unanswered
from ninedoor.client.operations import APPEND, Attached, Handle, read, split
from ninedoor.client.steps import Batch, Operation
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, Fid

PIECES_MAX = 8
"""Writes of one report: a larger result goes ahead of it by itself, piece by piece."""


def sizes(handles: list[Handle]) -> Operation[list[int]]:
    """How large each of the open files is now."""
    replies = yield Batch([m.Tgetattr(Fid(handle.fid), GETATTR_BASIC) for handle in handles])
    _raise_first(replies)
    return [reply.size for reply in replies]


def read_anew(handle: Handle) -> Operation[bytes]:
    """Everything that the text behind `handle` says now: it is made for each open, and read from there."""
    replies = yield Batch(
        [m.Tlopen(Fid(handle.fid), handle.flags), m.Tread(Fid(handle.fid), 0, handle.iounit)]
    )
    _raise_first(replies)
    part: bytes = replies[1].data
    text = bytearray(part)
    while len(part) == handle.iounit:
        part = yield from read(handle, len(text), handle.iounit)
        text += part
    return bytes(text)


def report(session: Attached, status: Handle, path: str, result: bytes, line: bytes) -> Operation[int]:
    """Append `result`, which is of at most PIECES_MAX writes, to `path` and then `line` to `status`; how
    many bytes of that were taken. Raises the first refusal; the hive refuses the line when it has not got
    the result whole."""
    fid = session.fids.take()
    pieces = [result[start : start + status.iounit] for start in range(0, len(result), status.iounit)]
    names = split(path)
    replies = yield Batch(
        [
            m.Twalk(Fid(session.root), Fid(fid), names),
            m.Tlopen(Fid(fid), APPEND),
            *(m.Twrite(Fid(fid), limits.APPEND_OFFSET, piece) for piece in pieces),
            m.Tclunk(Fid(fid)),
            m.Twrite(Fid(status.fid), limits.APPEND_OFFSET, line),
        ]
    )
    walked = replies[0]
    if not isinstance(walked, Unanswered) and (isinstance(walked, P9Error) or len(walked.qids) < len(names)):
        session.fids.put_back(fid)
    _raise_first(replies)
    taken: int = replies[-1].count
    return taken


def _raise_first(replies: list[Any]) -> None:
    for reply in replies:
        if isinstance(reply, P9Error):
            raise reply
