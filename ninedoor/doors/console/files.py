"""What the console does with files, as operations of a client (`ninedoor.client.steps`).

A file is read as it is now, in as few requests as it takes: rates and quotas of tickets count each of them.
"""

import errno
import os
from typing import NamedTuple

from ninedoor import limits
from ninedoor.client.operations import GETATTR_BASIC, Attached, Handle, clunk, open_, read, split
from ninedoor.client.steps import Operation
from ninedoor.client.tailing import GETATTR_DATA_VERSION
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid

_DOTS = frozenset({".", ".."})

_BINARY = (("updates", "*", "chunks", "*"), ("models", "*", "weights"))
"""Files that are never text, whatever their bytes look like."""


class _Extent(NamedTuple):
    """What a file holds: the bytes from offset `base` to `end`."""

    base: int
    end: int


def check_path(path: str) -> None:
    """Raises EINVAL or ENAMETOOLONG for what is no path: the namespace would refuse it too, but not all of it
    gets there. Empty names do not count, so that `/log/` is `/log`."""
    if not path.startswith("/"):
        raise P9Error(errno.EINVAL, f"path {path!r} is not absolute")
    if not _DOTS.isdisjoint(split(path)):
        raise P9Error(errno.EINVAL, f"path {path!r} has a name of dots")


def is_binary(path: str) -> bool:
    """Does `path`, which `check_path` has let through, name a file of bytes?"""
    names = split(path)
    return any(_matches(pattern, names) for pattern in _BINARY)


def whole(session: Attached, path: str) -> Operation[bytes]:
    """All that the file holds. Raises EMSGSIZE for more than CONSOLE_BODY_MAX bytes."""
    handle = yield from open_(session, path, os.O_RDONLY)
    try:
        return (yield from _read_from(handle, (yield from _extent(handle))))
    finally:
        yield from clunk(handle.fid)


def latest(session: Attached, path: str) -> Operation[bytes]:
    """The last CONSOLE_TAIL_BYTES of the file, without the rest of a line that began before them."""
    handle = yield from open_(session, path, os.O_RDONLY)
    try:
        base, end = yield from _extent(handle)
        start = max(base, end - limits.CONSOLE_TAIL_BYTES)
        content = yield from _read_from(handle, _Extent(start, end))
    finally:
        yield from clunk(handle.fid)
    return content if start == base else content.partition(b"\n")[2] or content


def _extent(handle: Handle) -> Operation[_Extent]:
    reply = yield m.Tgetattr(Fid(handle.fid), GETATTR_BASIC | GETATTR_DATA_VERSION)
    return _Extent(reply.data_version if reply.valid & GETATTR_DATA_VERSION else 0, reply.size)


def _read_from(handle: Handle, extent: _Extent) -> Operation[bytes]:
    """The bytes of `extent`, and what came after them meanwhile. One byte more than there should be is asked
    for: who gets less has met the end, without another request."""
    parts: list[bytes] = []
    at = extent.base
    while True:
        asked = min(handle.iounit, max(extent.end - at, 0) + 1)
        part = yield from read(handle, at, asked)
        parts.append(part)
        at += len(part)
        if at - extent.base > limits.CONSOLE_BODY_MAX:
            raise P9Error(errno.EMSGSIZE, f"file of over {limits.CONSOLE_BODY_MAX} bytes")
        if len(part) < asked:
            return b"".join(parts)


def _matches(pattern: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return len(pattern) == len(names) and all(
        part in ("*", name) for part, name in zip(pattern, names, strict=True)
    )
