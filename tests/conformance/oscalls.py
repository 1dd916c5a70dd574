"""The client process of a mounted hive: runs system calls that another process names.

Run as `python -m tests.conformance.oscalls DESCRIPTOR`, the descriptor being a connection that carries
(name, arguments) here and results or OSErrors back. It imports nothing of the project.
"""

import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_opened: set[int] = set()


def read(path: str) -> bytes:
    """As cat reads: from the start until nothing comes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 17):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write(path: str, data: bytes, flags: int) -> int:
    descriptor = os.open(path, flags, 0o644)
    try:
        return os.write(descriptor, data)
    finally:
        os.close(descriptor)


def stat(path: str) -> tuple[int, int, int, int, int]:
    status = os.stat(path)
    return status.st_mode, status.st_size, status.st_uid, status.st_gid, status.st_nlink


def open_(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o644)
    _opened.add(descriptor)
    return descriptor


def close(descriptor: int) -> None:
    _opened.discard(descriptor)
    os.close(descriptor)


def close_all() -> None:
    while _opened:
        os.close(_opened.pop())


CHANGES: dict[str, Callable[[str, str], object]] = {
    "chmod": lambda path, _other: os.chmod(path, 0o600),
    "chown": lambda path, _other: os.chown(path, 1, 1),
    "link": os.link,
    "mkdir": lambda path, _other: os.mkdir(path),
    "mkfifo": lambda path, _other: os.mkfifo(path),
    "rename": os.rename,
    "rmdir": lambda path, _other: os.rmdir(path),
    "symlink": lambda path, other: os.symlink(other, path),
    "truncate": lambda path, _other: os.truncate(path, 0),
    "unlink": lambda path, _other: os.unlink(path),
    "utime": lambda path, _other: os.utime(path),
}


def change(verb: str, path: str, other: str) -> None:
    CHANGES[verb](path, other)


CALLS: dict[str, Callable[..., Any]] = {
    "change": change,
    "close": close,
    "close_all": close_all,
    "listdir": os.listdir,
    "open": open_,
    "pread": os.pread,
    "read": read,
    "stat": stat,
    "write": write,
    "write_to": os.write,
}


def main(descriptor: int) -> None:
    """Answer until the other end hangs up."""
    connection = Connection(descriptor)
    while True:
        try:
            name, arguments = connection.recv()
        except EOFError:
            return
        try:
            result = CALLS[name](*arguments)
        except OSError as refused:
            result = refused
        connection.send(result)


if __name__ == "__main__":
    main(int(sys.argv[1]))
