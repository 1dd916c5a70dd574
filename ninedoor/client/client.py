"""File operations over a `Channel` for programs that wait for each result: what workers, tools and tests
speak instead of messages.

What an operation does is in `operations.py`, `writing.py` and `tailing.py`; the trio client runs the same.
Fids count upwards and are never used again, as the strict profile demands. Paths are absolute strings as an
operator writes them.
"""

import errno
import os
import time
from collections.abc import Iterator
from typing import Any, TypeVar

from ninedoor import limits
from ninedoor.client import contents, cursors, operations, writing
from ninedoor.client.channel import Channel
from ninedoor.client.operations import Handle
from ninedoor.client.steps import Batch, Operation, Pause
from ninedoor.client.tailing import POLL_S, Cursor, Piece
from ninedoor.client.writing import ShortWrites
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Dirent

T = TypeVar("T")


def run(channel: Channel, operation: Operation[T]) -> T:
    """Carry out `operation`: its result, or what it raises."""
    resume: Any = operation.send
    value: Any = None
    while True:
        try:
            step: Any = resume(value)
        except StopIteration as done:
            result: T = done.value
            return result
        kind = type(step)
        try:
            if kind is Batch:
                value = channel.call_many(step.requests)
            elif kind is Pause:
                time.sleep(step.seconds)
                value = None
            else:
                value = channel.call(step)
            resume = operation.send
        except BaseException as failed:
            value, resume = failed, operation.throw


class File:
    """An open fid. Close it, or use it as a context manager."""

    def __init__(self, channel: Channel, handle: Handle) -> None:
        self._channel = channel
        self._handle = handle
        self._closed = False

    @property
    def fid(self) -> int:
        return self._handle.fid

    @property
    def _open(self) -> Handle:
        """Raises EBADF once the file is closed."""
        if self._closed:
            raise P9Error(errno.EBADF, "the file is closed")
        return self._handle

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at `offset`, at most one payload of the session; b"" at the end."""
        return run(self._channel, operations.read(self._open, offset, size))

    def read_all(self) -> bytes:
        """From offset 0 until a read brings nothing."""
        return run(self._channel, operations.read_all(self._open))

    def write(self, data: bytes, offset: int = limits.APPEND_OFFSET) -> int:
        """One Twrite; returns the bytes taken."""
        return run(self._channel, operations.write(self._open, data, offset))

    def write_all(
        self, data: bytes, *, short_writes: ShortWrites = "reject", pipelined: bool = False
    ) -> None:
        """Append all of `data`, in several writes where it needs them. See `writing.write_all`."""
        run(
            self._channel,
            writing.write_all(self._open, data, short_writes=short_writes, pipelined=pipelined),
        )

    def close(self) -> None:
        """Let go of the fid. Idempotent."""
        if not self._closed:
            self._closed = True
            run(self._channel, operations.clunk(self._handle.fid))

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class Client:
    """An attached session. Raises P9Error wherever the server refuses. Close it, or use it as a context
    manager; that closes the channel too."""

    def __init__(
        self, channel: Channel, *, uname: str = "queen", ticket: str = "", msize: int = limits.MSIZE_MAX
    ):
        self.channel = channel
        self._session = run(channel, operations.attach(uname, ticket, msize))

    @property
    def root(self) -> int:
        """The fid of the root directory."""
        return self._session.root

    def walk(self, path: str) -> int:
        """A new fid for `path`."""
        return run(self.channel, operations.walk(self._session, path))

    def clunk(self, fid: int) -> None:
        """Let go of `fid`."""
        run(self.channel, operations.clunk(fid))

    def open(self, path: str, flags: int = os.O_RDONLY) -> File:
        """Walk and open with Linux open(2) `flags`."""
        return File(self.channel, run(self.channel, operations.open_(self._session, path, flags)))

    def read(self, path: str) -> bytes:
        """Everything `path` holds."""
        return run(self.channel, operations.read_path(self._session, path))

    def whole(self, path: str, most: int) -> bytes:
        """As `read`, in as few requests as it takes. Raises EMSGSIZE for more than `most` bytes."""
        return run(self.channel, contents.whole(self._session, path, most))

    def latest(self, path: str, most: int) -> tuple[bytes, int]:
        """The last `most` bytes of `path`, from the beginning of a line on, and the offset behind them."""
        return run(self.channel, contents.latest(self._session, path, most))

    def append(self, path: str, data: bytes) -> int:
        """One write at the end of `path`; returns the bytes taken."""
        return run(self.channel, operations.append(self._session, path, data))

    def command(self, path: str, line: str) -> None:
        """Write one command to the ctl file at `path`. A refusal has the reason that the ctl file gives."""
        run(self.channel, operations.command(self._session, path, line))

    def stat(self, path: str) -> m.Rgetattr:
        """Attributes as Tgetattr tells them."""
        return run(self.channel, operations.stat(self._session, path))

    def entries(self, path: str) -> list[Dirent]:
        """The children of directory `path`."""
        return run(self.channel, operations.entries(self._session, path))

    def names(self, path: str) -> list[str]:
        """The names in directory `path`, sorted bytewise."""
        return [entry.name for entry in self.entries(path)]

    def tail(
        self,
        path: str,
        cursor: Cursor = "end",
        *,
        resume: str = "",
        follow: bool = True,
        interval_s: float = POLL_S,
    ) -> Iterator[Piece]:
        """New bytes of `path` from `cursor` on, piece by piece, for ever; up to its present end unless
        `follow`. An idle file is looked at every `interval_s`. See `tailing`. With `resume`, the name of a
        cursor that the hive keeps, from where that stands (see `cursors`); `cursor` is where it begins."""
        tail = cursors.tail(self._session, path, cursor, resume, follow=follow, interval_s=interval_s)
        try:
            while piece := run(self.channel, tail.next_piece()):
                yield piece
        finally:
            run(self.channel, tail.close())

    def cursor(self, path: str, name: str) -> int | None:
        """Where the cursor `name` of the telemetry at `path` stands; None when there is none."""
        return run(self.channel, cursors.get(self._session, path, name))

    def set_cursor(self, path: str, name: str, offset: int) -> None:
        """Let the cursor `name` stand at `offset`: all before it was dealt with."""
        run(self.channel, cursors.set_(self._session, path, name, offset))

    def drop_cursor(self, path: str, name: str) -> None:
        """Forget the cursor `name`."""
        run(self.channel, cursors.drop(self._session, path, name))

    def close(self) -> None:
        """End the session and everything open in it."""
        self.channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
