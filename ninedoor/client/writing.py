"""Writes longer than one message, on nodes that grow at their end.

Guarantees. The data is cut into pieces of at most one iounit, after a line feed wherever there is one, and
what was taken is never sent again. One after the other (the default): what was taken is a beginning of the
data; the piece after a refused or short one is never sent. `pipelined`: many whole lines are on their way at
once and are taken in their order, since a session is served in order; when one is refused, those that were on
their way behind it may have been taken. `PartialWrite` tells which bytes were not.
"""

import errno
from typing import Literal

from ninedoor import limits
from ninedoor.client.failures import PartialWrite
from ninedoor.client.operations import Handle, write
from ninedoor.client.pipeline import WINDOW
from ninedoor.client.steps import Batch, Operation, Pause
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid

ShortWrites = Literal["reject", "retry"]

RETRY_PAUSES_S = (0.005, 0.010, 0.020)
"""Waits before the rest of a short write is sent again, one for each attempt; the original's numbers."""


SHORT = "short write"


def piece_end(data: bytes, start: int, most: int) -> int:
    """Where the piece of `data` that begins at `start` ends: at most `most` bytes on, after the last line
    feed in them unless all that is left fits. A line longer than `most` is cut."""
    if len(data) - start <= most:
        return len(data)
    cut = data.rfind(b"\n", start, start + most) + 1
    return cut if cut > start else start + most


def write_all(
    handle: Handle, data: bytes, *, short_writes: ShortWrites = "reject", pipelined: bool = False
) -> Operation[None]:
    """Append all of `data`.

    `short_writes` says what becomes of a piece that the server takes only in part: `reject` raises at once,
    `retry` sends the rest up to three times after the pauses above. `pipelined` is for data of whole lines
    that mean something each by itself; short writes are rejected then, because what comes next is under way.

    Raises the refusal when nothing was written; PartialWrite when some was; EINVAL for `pipelined` data with
    an unfinished last line or together with `retry`, EMSGSIZE for `pipelined` data with a line over the
    iounit: then nothing was sent.
    """
    if pipelined:
        if short_writes == "retry":
            raise P9Error(errno.EINVAL, "short writes cannot be retried while later lines are under way")
        yield from _write_lines(handle, data)
        return
    start = end = 0
    pauses = RETRY_PAUSES_S if short_writes == "retry" else ()
    try:
        while end < len(data):
            end = piece_end(data, start, handle.iounit)
            for pause in (*pauses, None):
                start += yield from write(handle, data[start:end], limits.APPEND_OFFSET)
                if start == end:
                    break
                if pause is None:
                    raise P9Error(errno.EIO, SHORT)
                yield Pause(pause)
    except P9Error as failure:
        if start == 0:
            raise
        raise PartialWrite(failure.ecode, failure.reason, len(data), ((start, len(data)),)) from failure


def _write_lines(handle: Handle, data: bytes) -> Operation[None]:
    pieces = _lines(data, handle.iounit)
    missing: list[tuple[int, int]] = []
    failure: P9Error | None = None
    for first in range(0, len(pieces), WINDOW):
        batch = pieces[first : first + WINDOW]
        requests = [m.Twrite(Fid(handle.fid), limits.APPEND_OFFSET, data[at:end]) for at, end in batch]
        for (at, end), reply in zip(batch, (yield Batch(requests)), strict=True):
            if isinstance(reply, P9Error):
                failure = failure or reply
                missing.append((at, end))
            elif reply.count < end - at:
                failure = failure or P9Error(errno.EIO, SHORT)
                missing.append((at + reply.count, end))
        if failure is not None:
            if batch[-1][1] < len(data):
                missing.append((batch[-1][1], len(data)))
            break
    if failure is not None:
        partial = PartialWrite(failure.ecode, failure.reason, len(data), tuple(missing))
        raise partial if partial.taken else failure


def _lines(data: bytes, most: int) -> list[tuple[int, int]]:
    """Spans of whole lines, each of at most `most` bytes."""
    if data and not data.endswith(b"\n"):
        raise P9Error(errno.EINVAL, "the last line has no line feed: only whole lines can be pipelined")
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(data):
        end = piece_end(data, start, most)
        if data[end - 1 : end] != b"\n":
            raise P9Error(errno.EMSGSIZE, f"line over {most} bytes: it cannot be pipelined")
        spans.append((start, end))
        start = end
    return spans
