"""`ninedoor telemetry pull`: every segment that devices have pushed, into files of this machine.

A segment is written beside its place as `.partial` and renamed once it is whole, so that what has the right
name is complete. Pulling again fetches what is new: a file as long as its segment is left alone, a shorter
one is continued, for segments only grow.
"""

import argparse
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ninedoor import limits
from ninedoor.cli.addresses import located
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import directory
from ninedoor.cli.mounting import identity
from ninedoor.cli.secretfiles import read_token
from ninedoor.cli.values import URLS
from ninedoor.client.client import Client, File
from ninedoor.client.opening import connect
from ninedoor.errors import P9Error

ROOT = "/queen/telemetry"

PARTIAL = ".partial"

OVERLAP = 4096
"""Bytes at the end of what is there that are compared before it is continued: a hive that is not the same has
segments of the same names."""

_GONE = frozenset({errno.ENOENT, errno.ESTALE})
"""What a segment meets that is evicted meanwhile."""


class Reader(Protocol):
    """An open file."""

    def size(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes: ...


class Source(Protocol):
    """A hive to pull from. Everything raises OSError, as system calls do."""

    def names(self, path: str) -> list[str]: ...

    def open(self, path: str) -> AbstractContextManager[Reader]: ...


class _MountedReader:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)


class _Mounted:
    """The hive on the directory `mount`."""

    def __init__(self, mount: str) -> None:
        self._mount = mount

    def names(self, path: str) -> list[str]:
        return os.listdir(self._mount + path)

    @contextmanager
    def open(self, path: str) -> Iterator[Reader]:
        descriptor = os.open(self._mount + path, os.O_RDONLY)
        try:
            yield _MountedReader(descriptor)
        finally:
            os.close(descriptor)


class _ClientReader:
    def __init__(self, client: Client, file: File, path: str) -> None:
        self._client = client
        self._file = file
        self._path = path

    def size(self) -> int:
        with _as_system_calls():
            return self._client.stat(self._path).size

    def read(self, offset: int, size: int) -> bytes:
        with _as_system_calls():
            return self._file.read(offset, size)


class _Served:
    """The hive that `client` is attached to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def names(self, path: str) -> list[str]:
        with _as_system_calls():
            return self._client.names(path)

    @contextmanager
    def open(self, path: str) -> Iterator[Reader]:
        with _as_system_calls():
            file = self._client.open(path)
        try:
            yield _ClientReader(self._client, file, path)
        finally:
            with suppress(P9Error):
                file.close()


@contextmanager
def _as_system_calls() -> Iterator[None]:
    try:
        yield
    except P9Error as refusal:
        raise OSError(refusal.ecode, refusal.reason) from refusal


def pull(arguments: argparse.Namespace) -> int:
    """Pull everything. Raises CommandFailure where there is no ingest, and what a file refuses."""
    with _opened(arguments) as source:
        try:
            devices = sorted(source.names(ROOT))
        except OSError as failure:
            if failure.errno != errno.ENOENT:
                raise
            raise CommandFailure(Exit.FAILED, _nothing_there(arguments.source)) from failure
        if not devices:
            sys.stdout.write("telemetry: none\n")
        for device in devices:
            _pull_device(source, device, Path(arguments.out))
    return Exit.OK


def _nothing_there(source: str) -> str:
    """Why `source` has no segments at all."""
    if not source.startswith(URLS) and not os.path.isdir(os.path.join(source, "proc")):
        return f"no hive is mounted on {source}"
    return f"{source} has no {ROOT}: telemetry ingest is disabled there"


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[Source]:
    if not arguments.source.startswith(URLS):
        if arguments.ticket is not None or arguments.role is not None:
            raise CommandFailure(Exit.USAGE, "a mount has attached already: --role and --ticket are for URLs")
        yield _Mounted(directory(arguments.source))
        return
    address, options = located(arguments.source)
    if options:
        raise CommandFailure(Exit.USAGE, f"{address}: options are for --listen")
    token = "" if arguments.ticket is None else read_token(arguments.ticket)
    with connect(address, uname=identity(arguments.role, token, arguments.ticket), ticket=token) as client:
        yield _Served(client)


def _pull_device(source: Source, device: str, out: Path) -> None:
    _require_name(device)
    place = out / device
    for segment in sorted(source.names(f"{ROOT}/{device}/seg")):
        _require_name(segment)
        saved = place / segment
        told = f"telemetry device={device} segment={segment}"
        try:
            fetched, size = _fetch(source, f"{ROOT}/{device}/seg/{segment}", saved)
        except OSError as failure:
            if failure.errno not in _GONE:
                raise
            partial_of(saved).unlink(missing_ok=True)
            sys.stderr.write(f"ninedoor telemetry pull: {device}/{segment} was evicted meanwhile\n")
            continue
        sys.stdout.write(f"{told} bytes={size} {'saved' if fetched else 'kept'}={saved}\n")
        sys.stdout.flush()


def _require_name(name: str) -> None:
    """A hive that is not ours may call its files anything; none of it leaves the directory of the pull."""
    if name in ("", ".", "..") or "/" in name or "\0" in name or not name.isprintable():
        raise CommandFailure(Exit.FAILED, f"the hive has a name that is none: {name!a}")


def partial_of(saved: Path) -> Path:
    """Where the file grows that will be called `saved`."""
    return saved.with_name(saved.name + PARTIAL)


def _fetch(source: Source, path: str, saved: Path) -> tuple[bool, int]:
    """Bring `saved` up to date: whether that was needed, and its size then."""
    saved.parent.mkdir(parents=True, exist_ok=True)
    with source.open(path) as segment:
        there = saved.stat().st_size if saved.exists() else -1
        if there == segment.size():
            return False, there
        partial = partial_of(saved)
        if there >= 0:
            partial.write_bytes(saved.read_bytes())
        with partial.open("ab+") as growing:
            at = growing.seek(0, os.SEEK_END)
            behind = max(0, at - OVERLAP)
            growing.seek(behind)
            if growing.read() != _exactly(segment, behind, at - behind):
                raise CommandFailure(
                    Exit.FAILED,
                    f"{partial if there < 0 else saved} is no beginning of {path}: that is another hive's; "
                    "pull into another directory",
                )
            while data := segment.read(at, limits.MSIZE_MAX):
                growing.write(data)
                at += len(data)
            growing.flush()
            os.fsync(growing.fileno())
        partial.rename(saved)
    return True, at


def _exactly(segment: Reader, offset: int, size: int) -> bytes:
    parts = b""
    while len(parts) < size and (data := segment.read(offset + len(parts), size - len(parts))):
        parts += data
    return parts
