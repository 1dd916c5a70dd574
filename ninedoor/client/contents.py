"""Files as they are now, whole or their end, in as few requests as it takes.

Rates and quotas of tickets count each of them.
"""

import errno
import os
from typing import NamedTuple

from ninedoor.client.operations import Attached, Handle, clunk, open_, read
from ninedoor.client.steps import Operation
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, GETATTR_DATA_VERSION, Fid


class _Extent(NamedTuple):
    """What a file holds: the bytes from offset `base` to `end`."""

    base: int
    end: int


def whole(session: Attached, path: str, most: int) -> Operation[bytes]:
    """All that the file holds. Raises EMSGSIZE for more than `most` bytes."""
    handle = yield from open_(session, path, os.O_RDONLY)
    try:
        return (yield from _read_from(handle, (yield from _extent(handle)), most))
    finally:
        yield from clunk(handle.fid)


def latest(session: Attached, path: str, most: int) -> Operation[tuple[bytes, int]]:
    """The last `most` bytes of the file, without the rest of a line that began before them, and the offset
    behind them. What is appended meanwhile comes too, up to as much again; beyond that EMSGSIZE."""
    handle = yield from open_(session, path, os.O_RDONLY)
    try:
        base, end = yield from _extent(handle)
        start = max(base, end - most)
        content = yield from _read_from(handle, _Extent(start, end), 2 * most)
    finally:
        yield from clunk(handle.fid)
    shown = content if start == base else content.partition(b"\n")[2] or content
    return shown, start + len(content)


def _extent(handle: Handle) -> Operation[_Extent]:
    reply = yield m.Tgetattr(Fid(handle.fid), GETATTR_BASIC | GETATTR_DATA_VERSION)
    return _Extent(reply.data_version if reply.valid & GETATTR_DATA_VERSION else 0, reply.size)


def _read_from(handle: Handle, extent: _Extent, most: int) -> Operation[bytes]:
    """The bytes of `extent`, and what came after them meanwhile. One byte more than there should be is asked
    for: who gets less has met the end, without another request."""
    parts: list[bytes] = []
    at = extent.base
    while True:
        remaining = max(extent.end - at, 0)
        asked = min(handle.iounit, remaining + 1 if remaining or not parts else handle.iounit)
        part = yield from read(handle, at, asked)
        parts.append(part)
        at += len(part)
        if at - extent.base > most:
            raise P9Error(errno.EMSGSIZE, f"file of over {most} bytes")
        if not part or (len(part) < asked and at >= extent.end):
            return b"".join(parts)
