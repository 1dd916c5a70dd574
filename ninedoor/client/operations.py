"""What a client can do with a namespace, as operations (see `steps.py`): written once, run by every driver.

Each leaves behind no fid but the one it returns, whatever happens to it. Paths are absolute strings as an
operator writes them. P9Error is raised wherever the server refuses.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ninedoor import limits
from ninedoor.client.failures import Unanswered
from ninedoor.client.fids import FidNumbers
from ninedoor.client.steps import Operation
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_dirents
from ninedoor.wire.types import GETATTR_BASIC, VERSION, Dirent, Fid, Qid

ROOT = 1
"""The fid of the attach."""

APPEND = os.O_WRONLY | os.O_APPEND


class Attached:
    """An attached session, as its client knows it."""

    def __init__(self, msize: int) -> None:
        self.root: Final = ROOT
        self.payload: Final = msize - limits.IO_OVERHEAD
        self.fids: Final = FidNumbers(ROOT + 1)


@dataclass(frozen=True, slots=True)
class Handle:
    """An open fid. `iounit` is the most bytes that one read or write carries."""

    fid: int
    flags: int
    iounit: int
    qid: Qid


def attach(uname: str, ticket: str, msize: int) -> Operation[Attached]:
    """Begin a session. Raises what the server refuses it with, EOPNOTSUPP when it speaks another dialect;
    EINVAL and EMSGSIZE, with nothing sent, for a uname or ticket that no message holds."""
    _check_string("uname", uname)
    _check_string("ticket", ticket)
    reply = yield m.Tversion(msize, VERSION)
    if reply.version != VERSION:
        raise P9Error(errno.EOPNOTSUPP, f"the server speaks {reply.version!r}, not {VERSION}")
    if reply.msize < limits.MSIZE_MIN:
        raise P9Error(errno.EOPNOTSUPP, f"the server's msize is {reply.msize}, under {limits.MSIZE_MIN}")
    yield m.Tattach(Fid(ROOT), Fid(limits.NOFID), uname, ticket, limits.NOFID)
    return Attached(reply.msize)


def _check_string(name: str, text: str) -> None:
    """The text itself is never repeated: it may be a ticket."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise P9Error(errno.EINVAL, f"{name} is not UTF-8") from None
    if size > limits.STRING_MAX:
        raise P9Error(errno.EMSGSIZE, f"{name} of {size} bytes over {limits.STRING_MAX}")


def walk(session: Attached, path: str) -> Operation[int]:
    """A new fid for `path`."""
    names = split(path)
    fid = session.fids.take()
    reached = yield from _walk(session, fid, names)
    if reached == len(names):
        return fid
    raise (yield from _missing(session, names[:reached], names[reached]))


def split(path: str) -> tuple[str, ...]:
    """The names in `path`. Raises EINVAL past the depth that any server allows, EINVAL and ENAMETOOLONG for a
    name that no frame holds. What else is no name is the server's to refuse."""
    names = tuple(name for name in path.split("/") if name)
    if len(names) > limits.WALK_DEPTH_MAX:
        raise P9Error(errno.EINVAL, f"walk depth {len(names)} over {limits.WALK_DEPTH_MAX}")
    for name in names:
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise P9Error(errno.EINVAL, f"name {name!a} is not UTF-8") from None
        if size > limits.NAME_MAX:
            raise P9Error(errno.ENAMETOOLONG, f"name of {size} bytes over {limits.NAME_MAX}")
    return names


def _walk(session: Attached, fid: int, names: Sequence[str]) -> Operation[int]:
    """How many of the names exist; all of them, and `fid` is there, or its number is free again. When it is
    not known whether the server made it, the number stays taken."""
    try:
        reply = yield m.Twalk(Fid(session.root), Fid(fid), tuple(names))
    except Unanswered:
        raise
    except P9Error:
        session.fids.put_back(fid)
        raise
    reached = len(reply.qids)
    if reached < len(names):
        session.fids.put_back(fid)
    return reached


def _missing(session: Attached, parents: tuple[str, ...], name: str) -> Operation[P9Error]:
    """Why a walk stopped at `name`: a server tells only of the first name of a walk."""
    fid = session.fids.take()
    if (yield from _walk(session, fid, parents)) == len(parents):
        try:
            yield m.Twalk(Fid(fid), Fid(fid), (name,))
        except P9Error as refusal:
            return refusal
        finally:
            yield from clunk(fid)
    return P9Error(errno.ENOENT, f"{name} not found")


def clunk(fid: int) -> Operation[None]:
    """Let go of `fid`. When no answer comes, nothing can be done about it and nobody needs to know."""
    try:
        yield m.Tclunk(Fid(fid))
    except Unanswered:
        return


def open_(session: Attached, path: str, flags: int) -> Operation[Handle]:
    """Walk and open with Linux open(2) `flags`."""
    fid = yield from walk(session, path)
    try:
        reply = yield m.Tlopen(Fid(fid), flags)
    except BaseException:
        yield from clunk(fid)
        raise
    # An iounit of 0 leaves it to the msize, open(5).
    iounit = min(reply.iounit or session.payload, session.payload)
    return Handle(fid, flags, iounit, reply.qid)


def read(handle: Handle, offset: int, size: int) -> Operation[bytes]:
    """Up to `size` bytes, no more than one iounit, at `offset`; b"" at the end."""
    reply = yield m.Tread(Fid(handle.fid), offset, min(size, handle.iounit))
    data: bytes = reply.data
    return data


def read_all(handle: Handle) -> Operation[bytes]:
    """From offset 0 until a read brings nothing. One read after the other: where the next one begins in a
    stream that drops its oldest bytes depends on what the last one brought."""
    parts: list[bytes] = []
    offset = 0
    while part := (yield from read(handle, offset, handle.iounit)):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def write(handle: Handle, data: bytes, offset: int) -> Operation[int]:
    """One Twrite; the bytes taken."""
    reply = yield m.Twrite(Fid(handle.fid), offset, data)
    taken: int = reply.count
    return taken


def read_path(session: Attached, path: str) -> Operation[bytes]:
    """Everything `path` holds."""
    handle = yield from open_(session, path, os.O_RDONLY)
    try:
        return (yield from read_all(handle))
    finally:
        yield from clunk(handle.fid)


def append(session: Attached, path: str, data: bytes) -> Operation[int]:
    """One write at the end of `path`; the bytes taken."""
    handle = yield from open_(session, path, APPEND)
    try:
        return (yield from write(handle, data, limits.APPEND_OFFSET))
    finally:
        yield from clunk(handle.fid)


def stat(session: Attached, path: str) -> Operation[m.Rgetattr]:
    fid = yield from walk(session, path)
    try:
        reply: m.Rgetattr = yield m.Tgetattr(Fid(fid), GETATTR_BASIC)
        return reply
    finally:
        yield from clunk(fid)


def entries(session: Attached, path: str) -> Operation[list[Dirent]]:
    """The children of directory `path`, in the server's order."""
    handle = yield from open_(session, path, os.O_RDONLY)
    try:
        found: list[Dirent] = []
        offset = 0
        while records := decode_dirents((yield from _readdir(session, handle, offset))):
            found += records
            offset = records[-1].offset
        return found
    finally:
        yield from clunk(handle.fid)


def _readdir(session: Attached, handle: Handle, offset: int) -> Operation[bytes]:
    reply: Any = yield m.Treaddir(Fid(handle.fid), offset, session.payload)
    data: bytes = reply.data
    return data


def command(session: Attached, path: str, line: str) -> Operation[None]:
    """Write the command `line` to the ctl file at `path`.

    A refusal is raised with the reason that the ctl file gives for it, which a reply cannot carry; with
    errno's own words when the file is not readable or tells of no such line.
    """
    handle = yield from open_(session, path, os.O_RDWR | os.O_APPEND)
    try:
        before = (yield m.Tgetattr(Fid(handle.fid), GETATTR_BASIC)).size
        try:
            yield from write(handle, line.encode() + b"\n", limits.APPEND_OFFSET)
        except Unanswered:
            raise
        except P9Error as refusal:
            reason = yield from _outcome(handle, before, refusal.ecode, line.strip())
            raise P9Error(refusal.ecode, reason or refusal.reason) from None
    finally:
        yield from clunk(handle.fid)


def _outcome(handle: Handle, offset: int, ecode: int, line: str) -> Operation[str]:
    """The reason of the newest refusal of `line` written since `offset`; "" when none is found."""
    told = b""
    try:
        while part := (yield from read(handle, offset + len(told), handle.iounit)):
            told += part
    except P9Error:
        return ""
    start = f"ERR {errno.errorcode.get(ecode, ecode)} {line}: "
    for outcome in reversed(told.decode("utf-8", "replace").splitlines()):
        if outcome.startswith(start):
            return outcome.removeprefix(start)
    return ""
