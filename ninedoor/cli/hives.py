"""A hive as commands use it: the directory where it is mounted, or the socket it listens on.

Both refuse with a P9Error that says why. A system call and a reply have room for an errno only, so the reason
is looked up where the hive tells it: in the ctl file a command was written to, else in its log.
"""

import argparse
import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ninedoor.cli import registry
from ninedoor.cli.addresses import located
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.mounting import identity
from ninedoor.cli.secretfiles import read_token
from ninedoor.cli.values import URLS
from ninedoor.client.address import Address
from ninedoor.client.client import Client
from ninedoor.client.failures import Unanswered
from ninedoor.client.opening import connect
from ninedoor.errors import P9Error
from ninedoor.policy.expiry import expiry
from ninedoor.policy.roles import QUEEN

LOG = "/log/queen.log"

HIVE_VARIABLE = "NINEDOOR_HIVE"

_PIECE = 65536

WHOLE_MAX = 16 << 20
"""Bytes of the longest file that is read from its beginning: far more than any ring or result has."""


class Hive(Protocol):
    """Files of a hive by their absolute paths. Everything raises P9Error."""

    def names(self, path: str) -> list[str]:
        """The names in a directory."""

    def read(self, path: str, offset: int = 0) -> bytes:
        """What a file holds from `offset` on."""

    def size(self, path: str) -> int:
        """Bytes ever appended to a file."""

    def append(self, path: str, data: bytes) -> int:
        """One write at the end of a file; returns the bytes taken."""


class _Mounted:
    """The hive on the directory `mount`."""

    def __init__(self, mount: str) -> None:
        self._mount = mount

    def names(self, path: str) -> list[str]:
        with _refusals():
            return sorted(os.listdir(self._mount + path))

    def size(self, path: str) -> int:
        with _refusals():
            return os.stat(self._mount + path).st_size

    def read(self, path: str, offset: int = 0) -> bytes:
        with _refusals(), open(self._mount + path, "rb", buffering=0) as file:
            parts = []
            while piece := os.pread(file.fileno(), _PIECE, offset):
                parts.append(piece)
                offset += len(piece)
            return b"".join(parts)

    def append(self, path: str, data: bytes) -> int:
        with _refusals(), open(self._mount + path, "ab", buffering=0) as file:
            return os.write(file.fileno(), data)


class _Served:
    """The hive that `client` is attached to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def names(self, path: str) -> list[str]:
        return self._client.names(path)

    def size(self, path: str) -> int:
        return self._client.stat(path).size

    def read(self, path: str, offset: int = 0) -> bytes:
        if not offset:
            return self._client.whole(path, WHOLE_MAX)
        with self._client.open(path) as file:
            parts = []
            while piece := file.read(offset, _PIECE):
                parts.append(piece)
                offset += len(piece)
            return b"".join(parts)

    def append(self, path: str, data: bytes) -> int:
        return self._client.append(path, data)


@contextmanager
def _refusals() -> Iterator[None]:
    """System calls as the hive's answers to them."""
    try:
        yield
    except OSError as failure:
        raise P9Error(failure.errno or errno.EIO, (failure.strerror or str(failure)).lower()) from failure


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Hive]:
    """The hive that `--hive` names, else $NINEDOOR_HIVE, else the only one that runs here. Raises
    CommandFailure, and ConnectError when nobody listens there."""
    name = arguments.hive or os.environ.get(HIVE_VARIABLE) or only(registry.running())
    if not name.startswith(URLS):
        if arguments.ticket is not None or arguments.role is not None:
            raise CommandFailure(Exit.USAGE, "a mount has attached already: --role and --ticket are for URLs")
        yield _Mounted(directory(name))
        return
    address, options = located(name)
    if options:
        raise CommandFailure(Exit.USAGE, f"{address}: options are for --listen")
    token = "" if arguments.ticket is None else read_token(arguments.ticket)
    with _admitted(address, identity(arguments.role, token, arguments.ticket), token) as client:
        yield _Served(client)


def directory(name: str) -> str:
    """The absolute path of the directory `name`, where a hive is mounted. Raises CommandFailure when it is
    not there, and when its server is gone."""
    try:
        is_there = stat.S_ISDIR(os.stat(name).st_mode)
    except FileNotFoundError:
        raise CommandFailure(
            Exit.USAGE, f"{name} does not exist: name the directory of a mount, or a URL, unix: or tcp://"
        ) from None
    except OSError as failure:
        if failure.errno == errno.ENOTCONN:
            raise CommandFailure(
                Exit.FAILED, f"{name} is stale: its server is gone; `ninedoor umount {name}` clears it"
            ) from None
        raise
    if not is_there:
        raise CommandFailure(Exit.USAGE, f"{name} is no directory; a URL begins with unix: or tcp://")
    return os.path.abspath(name)


@contextmanager
def _admitted(address: Address, uname: str, ticket: str) -> Iterator[Client]:
    """A client attached as `uname`. The errno of an attach, and that of a worker's end, say little about
    either; here they get words."""
    try:
        client = connect(address, uname=uname, ticket=ticket)
    except P9Error as refusal:
        why = expiry(ticket, time.time()) or "its log says why"
        raise CommandFailure(Exit.FAILED, f"{address} does not admit {uname}: {refusal}; {why}") from None
    with client:
        try:
            yield client
        except Unanswered:
            raise
        except P9Error as refusal:
            if refusal.ecode != errno.ESTALE or uname == QUEEN:
                raise
            raise P9Error(
                errno.ESTALE, f"{uname} is no more: killed, or its lease or budget is over"
            ) from None


def only(running: list[registry.Service]) -> str:
    """The hive that is meant when none was named. Raises CommandFailure unless there is just one."""
    found = [name for name in map(reached, running) if name is not None]
    if len(found) == 1:
        return found[0]
    what = "there are several: " + ", ".join(found) if found else "nothing that runs here can be looked at"
    raise CommandFailure(
        Exit.USAGE, f"{what}; name a mount, a socket or a console (`ninedoor status` lists them)"
    )


def reached(entry: registry.Service) -> str | None:
    """How a queen without a ticket gets at a service of this machine, None when she does not."""
    local = (url for url in entry.listeners if url.startswith("unix:"))
    return next(local, entry.mountpoint)


def write(hive: Hive, path: str, text: str, *, told: str = LOG) -> int:
    """Append the line `text` to `path`; returns its bytes. A refusal has the reason that is found in `told`:
    the ctl file itself, or the log."""
    data = text.encode() + b"\n"
    before = _size(hive, told)
    if before is None and told != LOG:
        told, before = LOG, _size(hive, LOG)
    try:
        return hive.append(path, data)
    except Unanswered:
        raise
    except P9Error as refusal:
        reason = _reason(hive, told, before, path, refusal.ecode)
        raise P9Error(refusal.ecode, reason or refusal.reason) from None


def _size(hive: Hive, path: str) -> int | None:
    try:
        return hive.size(path)
    except P9Error:
        return None  # whoever may not read it has to do with the errno


def _reason(hive: Hive, told: str, before: int | None, path: str, ecode: int) -> str:
    """The last reason that `told` has for such a refusal since `before`, empty when there is none."""
    if before is None:
        return ""
    try:
        lines = hive.read(told, before).decode("utf-8", "replace").splitlines()
    except P9Error:
        return ""
    name = errno.errorcode.get(ecode, "")
    mark, until = (f"path={path} error={name} ", "reason=") if told == LOG else (f"ERR {name} ", ": ")
    for line in reversed(lines):
        _before, found, rest = line.partition(mark)
        if found:
            return rest.partition(until)[2]
    return ""
