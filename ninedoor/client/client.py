"""File operations over a `Channel`: what workers, tools and tests speak instead of messages.

Fids count upwards and are never used again, as the strict profile demands, and without gaps, which that
profile remembers one by one. Paths are absolute strings as an operator writes them.
"""

import errno
import os
from collections.abc import Iterator
from typing import Any

from ninedoor import limits
from ninedoor.client.channel import Channel
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_dirents
from ninedoor.wire.types import Dirent, Fid


class File:
    """An open fid. Close it, or use it as a context manager."""

    def __init__(self, channel: Channel, fid: int, iounit: int) -> None:
        self._channel = channel
        self._iounit = iounit
        self.fid = fid

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at `offset`; b"" at the end. Raises P9Error."""
        data: bytes = self._channel.call(m.Tread(Fid(self.fid), offset, min(size, self._iounit))).data
        return data

    def read_all(self) -> bytes:
        """From offset 0 until a read brings nothing."""
        parts: list[bytes] = []
        offset = 0
        while part := self.read(offset, self._iounit):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def write(self, data: bytes, offset: int = limits.APPEND_OFFSET) -> int:
        """One Twrite; returns the bytes taken. Raises P9Error."""
        taken: int = self._channel.call(m.Twrite(Fid(self.fid), offset, data)).count
        return taken

    def close(self) -> None:
        self._channel.call(m.Tclunk(Fid(self.fid)))

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class Client:
    """An attached session. Raises P9Error wherever the server refuses."""

    def __init__(
        self, channel: Channel, *, uname: str = "queen", ticket: str = "", msize: int = limits.MSIZE_MAX
    ):
        self._channel = channel
        self.root = 1
        channel.call(m.Tversion(msize, "9P2000.L"))
        channel.call(m.Tattach(Fid(self.root), Fid(limits.NOFID), uname, ticket, limits.NOFID))
        self._next_fid = self.root + 1

    def walk(self, path: str) -> int:
        """A new fid for `path`."""
        names = tuple(name for name in path.split("/") if name)
        reached = self._walk(names)
        if reached < len(names):
            raise self._missing(names[:reached], names[reached])
        return self._next_fid - 1

    def _walk(self, names: tuple[str, ...]) -> int:
        """How many of the names exist. A walk that is refused or falls short leaves its fid number free."""
        reached = len(self._channel.call(m.Twalk(Fid(self.root), Fid(self._next_fid), names)).qids)
        if reached == len(names):
            self._next_fid += 1
        return reached

    def _missing(self, parents: tuple[str, ...], name: str) -> P9Error:
        """Why a walk stopped at `name`: a server tells only of the first name of a walk."""
        if self._walk(parents) == len(parents):
            fid = self._next_fid - 1
            try:
                self._channel.call(m.Twalk(Fid(fid), Fid(fid), (name,)))
            except P9Error as refusal:
                return refusal
            finally:
                self.clunk(fid)
        return P9Error(errno.ENOENT, f"{name} not found")

    def clunk(self, fid: int) -> None:
        self._channel.call(m.Tclunk(Fid(fid)))

    def open(self, path: str, flags: int = os.O_RDONLY) -> File:
        """Walk and open with Linux open(2) `flags`."""
        fid = self.walk(path)
        try:
            reply = self._channel.call(m.Tlopen(Fid(fid), flags))
        except P9Error:
            self.clunk(fid)
            raise
        return File(self._channel, fid, reply.iounit)

    def read(self, path: str) -> bytes:
        """Everything `path` holds."""
        with self.open(path) as file:
            return file.read_all()

    def append(self, path: str, data: bytes) -> int:
        """One write at the end of `path`; returns the bytes taken."""
        with self.open(path, os.O_WRONLY | os.O_APPEND) as file:
            return file.write(data)

    def stat(self, path: str) -> m.Rgetattr:
        fid = self.walk(path)
        try:
            reply: m.Rgetattr = self._channel.call(m.Tgetattr(Fid(fid), 0x7FF))
        finally:
            self.clunk(fid)
        return reply

    def entries(self, path: str) -> Iterator[Dirent]:
        """The children of directory `path`."""
        with self.open(path) as directory:
            offset = 0
            while records := decode_dirents(self._readdir(directory.fid, offset)):
                yield from records
                offset = records[-1].offset

    def names(self, path: str) -> list[str]:
        """The names in directory `path`, sorted bytewise."""
        return [entry.name for entry in self.entries(path)]

    def _readdir(self, fid: int, offset: int) -> bytes:
        reply: Any = self._channel.call(m.Treaddir(Fid(fid), offset, limits.MSIZE_MAX))
        data: bytes = reply.data
        return data

    def close(self) -> None:
        """End the session and everything open in it."""
        self._channel.close()
