"""What every case of the suite is written against, and the doors behind it.

A refusal is an OSError with the errno that the peer sees, whichever door it came through. Paths are absolute
within the hive.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol, TypeVar

from ninedoor.client.channel import Channel
from ninedoor.client.client import Client, File
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid

T = TypeVar("T")

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT
"""How a shell opens for `>>`."""

REPLACE = os.O_WRONLY | os.O_TRUNC | os.O_CREAT
"""How a shell opens for `>`."""

ANSWER_S = 10.0
"""Longest wait for another process: far more than any case takes."""

CHANGES = (
    "chmod", "chown", "link", "mkdir", "mkfifo", "rename", "rmdir", "symlink", "truncate", "unlink", "utime",
)  # fmt: skip
"""What `Door.change` can try."""


class Stat(NamedTuple):
    """The part of stat(2) that is the same behind every door."""

    mode: int
    size: int
    uid: int
    gid: int
    links: int


class Handle(Protocol):
    """An open file."""

    def read(self, offset: int, size: int) -> bytes: ...

    def write(self, data: bytes) -> int: ...

    def close(self) -> None: ...


class Door(Protocol):
    """One session of a hive, as its user has it."""

    denied_by_mode: str
    """What the opening of a file against its mode bits meets."""

    gone_while_open: str
    """What the path of a node meets that has vanished while this door still has the node open."""

    def read(self, path: str) -> bytes:
        """All of a file, as cat reads it."""

    def write(self, path: str, data: bytes, flags: int = APPEND) -> int:
        """Open, write once, close, as a shell's redirection does."""

    def names(self, path: str) -> list[str]:
        """The names in a directory, in the order the door gives them."""

    def stat(self, path: str) -> Stat: ...

    def open(self, path: str, flags: int) -> Handle: ...

    def change(self, verb: str, path: str, other: str) -> None:
        """Try one of `CHANGES` on `path`; `other` is the second path of those that take two. Refused always:
        Precondition is that Linux itself has nothing against it."""

    def close(self) -> None: ...


# -- 9P


def _as_os_error(action: Callable[..., T], *arguments: Any) -> T:
    try:
        return action(*arguments)
    except P9Error as refusal:
        raise OSError(refusal.ecode, refusal.reason) from refusal


class ChannelHandle:
    """An open fid."""

    def __init__(self, file: File) -> None:
        self._file = file

    def read(self, offset: int, size: int) -> bytes:
        return _as_os_error(self._file.read, offset, size)

    def write(self, data: bytes) -> int:
        return _as_os_error(self._file.write, data)

    def close(self) -> None:
        _as_os_error(self._file.close)


Request = m.Message

ON_DIRECTORY: dict[str, Callable[[Fid, str, str], Request]] = {
    "mkdir": lambda fid, name, _other: m.Tmkdir(fid, name, 0o755, 0),
    "mkfifo": lambda fid, name, _other: m.Tmknod(fid, name, 0o010644, 0, 0, 0),
    "symlink": lambda fid, name, other: m.Tsymlink(fid, name, other, 0),
    "unlink": lambda fid, name, _other: m.Tunlinkat(fid, name, 0),
    "rmdir": lambda fid, name, _other: m.Tunlinkat(fid, name, 0x200),
}
ON_NODE: dict[str, Callable[[Fid], Request]] = {
    "chmod": lambda fid: m.Tsetattr(fid, 0x1, 0o600, 0, 0, 0, 0, 0, 0, 0),
    "chown": lambda fid: m.Tsetattr(fid, 0x6, 0, 1, 1, 0, 0, 0, 0, 0),
    "truncate": lambda fid: m.Tsetattr(fid, 0x8, 0, 0, 0, 0, 0, 0, 0, 0),
    "utime": lambda fid: m.Tsetattr(fid, 0x1B0, 0, 0, 0, 0, 0, 0, 0, 0),
}


class ChannelDoor:
    """A 9P client. What Linux would ask for to make a file or change one, it asks for too."""

    denied_by_mode = "EPERM"
    gone_while_open = "ENOENT"

    def __init__(self, channel: Channel, uname: str, ticket: str) -> None:
        self._channel = channel
        self._client = _as_os_error(lambda: Client(channel, uname=uname, ticket=ticket))

    def read(self, path: str) -> bytes:
        return _as_os_error(self._client.read, path)

    def write(self, path: str, data: bytes, flags: int = APPEND) -> int:
        handle = self.open(path, flags)
        try:
            return handle.write(data)
        finally:
            handle.close()

    def names(self, path: str) -> list[str]:
        return _as_os_error(self._client.names, path)

    def stat(self, path: str) -> Stat:
        reply = _as_os_error(self._client.stat, path)
        return Stat(reply.mode, reply.size, reply.uid, reply.gid, reply.nlink)

    def open(self, path: str, flags: int) -> Handle:
        try:
            return ChannelHandle(_as_os_error(self._client.open, path, flags))
        except FileNotFoundError:
            if flags & os.O_CREAT:
                directory, _slash, name = path.rpartition("/")
                with self._fid(directory) as fid:
                    self._call(m.Tlcreate(fid, name, flags, 0o644, 0))
            raise

    def change(self, verb: str, path: str, other: str) -> None:
        directory, _slash, name = path.rpartition("/")
        if verb in ON_DIRECTORY:
            with self._fid(directory) as fid:
                self._call(ON_DIRECTORY[verb](fid, name, other))
        elif verb in ON_NODE:
            with self._fid(path) as fid:
                self._call(ON_NODE[verb](fid))
        else:
            into_directory, _slash, new_name = other.rpartition("/")
            with self._fid(directory) as fid, self._fid(path) as node, self._fid(into_directory) as into:
                rename = m.Trenameat(fid, name, into, new_name)
                self._call(rename if verb == "rename" else m.Tlink(into, node, new_name))

    @contextmanager
    def _fid(self, path: str) -> Iterator[Fid]:
        fid = _as_os_error(self._client.walk, path)
        try:
            yield Fid(fid)
        finally:
            self._client.clunk(fid)

    def _call(self, request: Request) -> None:
        _as_os_error(self._channel.call, request)

    def close(self) -> None:
        self._client.close()


# -- a mounted file system


class OsHandle:
    """A file descriptor of the client process."""

    def __init__(self, calls: Callable[..., Any], descriptor: int) -> None:
        self._calls = calls
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        data: bytes = self._calls("pread", self._descriptor, size, offset)
        return data

    def write(self, data: bytes) -> int:
        count: int = self._calls("write_to", self._descriptor, data)
        return count

    def close(self) -> None:
        self._calls("close", self._descriptor)


class OsCalls:
    """Calls of a function by name in another process, which may hang without taking this one with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, name: str, *arguments: Any) -> Any:
        """The result; an OSError raised there is raised here. TimeoutError without an answer."""
        self._connection.send((name, arguments))
        if not self._connection.poll(ANSWER_S):
            raise TimeoutError(f"no answer to {name}{arguments} within {ANSWER_S:g} s")
        result = self._connection.recv()
        if isinstance(result, OSError):
            raise result
        return result


class OsDoor:
    """A directory on which a hive is mounted, used by system calls of a client process."""

    gone_while_open = "ENOENT"

    def __init__(self, calls: Callable[..., Any], mountpoint: str, unmount: Callable[[], None]) -> None:
        self._calls = calls
        self._mountpoint = mountpoint
        self._unmount = unmount
        self.denied_by_mode = "EPERM" if os.geteuid() == 0 else "EACCES"

    def read(self, path: str) -> bytes:
        data: bytes = self._calls("read", self._mountpoint + path)
        return data

    def write(self, path: str, data: bytes, flags: int = APPEND) -> int:
        count: int = self._calls("write", self._mountpoint + path, data, flags)
        return count

    def names(self, path: str) -> list[str]:
        names: list[str] = self._calls("listdir", self._mountpoint + path)
        return names

    def stat(self, path: str) -> Stat:
        return Stat(*self._calls("stat", self._mountpoint + path))

    def open(self, path: str, flags: int) -> Handle:
        return OsHandle(self._calls, self._calls("open", self._mountpoint + path, flags))

    def change(self, verb: str, path: str, other: str) -> None:
        self._calls("change", verb, self._mountpoint + path, self._mountpoint + other)

    def close(self) -> None:
        self._calls("close_all")
        self._unmount()
