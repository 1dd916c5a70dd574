"""The handlers pyfuse3 calls: each turns one request of the kernel into 9P messages of one session.

Handlers decide nothing: what is refused, and with which errno, is the session's to say, also for what the
namespace never does. None of them waits for anything, so each is atomic and the mount never hangs on one. A
refusal becomes its errno. Any other exception is a bug: it is logged in full and becomes EIO, because what
reaches pyfuse3 ends the mount.

Left to pyfuse3's defaults, which answer ENOSYS once and are never asked again: extended attributes (the
kernel then says EOPNOTSUPP), flush (close succeeds; a write is done when it is answered) and access (the
kernel decides from the modes, see `default_permissions` in `options.py`).
"""

import errno
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from functools import partial, update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

import pyfuse3
from pyfuse3 import (
    EntryAttributes,
    FileInfo,
    FUSEError,
    PollHandle,
    ReaddirToken,
    RequestContext,
    SetattrFields,
    StatvfsData,
)

from ninedoor.doors.fuse.attrs import is_immutable
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.listings import Listings
from ninedoor.doors.fuse.names import Call, Kernel, Names, Notices
from ninedoor.doors.fuse.polls import Polls
from ninedoor.errors import P9Error
from ninedoor.limits import IO_OVERHEAD, MSIZE_MAX, NOFID
from ninedoor.session.session import VERSION
from ninedoor.wire import messages as m
from ninedoor.wire.types import U32, U64, Fid, Qid

_log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

AT_REMOVEDIR = 0x200
"""Flag of Tunlinkat that makes it rmdir, as in unlinkat(2)."""

SETATTR_MODE, SETATTR_UID, SETATTR_GID, SETATTR_SIZE, SETATTR_ATIME, SETATTR_MTIME, SETATTR_CTIME = (
    1 << bit for bit in range(7)
)
SETATTR_ATIME_SET, SETATTR_MTIME_SET = 1 << 7, 1 << 8
"""P9_SETATTR_*: which fields of a Tsetattr count."""

_tread: Callable[[tuple[int, int, int]], m.Tread] = partial(tuple.__new__, m.Tread)
_twrite: Callable[[tuple[int, int, bytes]], m.Twrite] = partial(tuple.__new__, m.Twrite)
"""The two messages of the hot path, built in half the time their own constructors take."""


def _handler(
    method: "Callable[Concatenate[Operations, P], R]",
) -> "Callable[Concatenate[Operations, P], Coroutine[Any, Any, R]]":
    """The async handler that pyfuse3 expects, made of a method that never waits."""

    async def handle(self: "Operations", /, *arguments: P.args, **keywords: P.kwargs) -> R:
        try:
            return method(self, *arguments, **keywords)
        except P9Error as refusal:
            raise FUSEError(refusal.ecode) from None
        except FUSEError:
            raise
        except Exception as bug:
            _log.exception("bug in the FUSE handler %s", method.__name__)
            raise FUSEError(errno.EIO) from bug

    update_wrapper(handle, method)
    return handle


class Operations(pyfuse3.Operations):
    """One mount: one session, reached through `call`, with `notices` of what changes in it. A file handle is
    the fid that is open; an inode keeps a fid to walk from (`inodes.py`)."""

    supports_dot_lookup = False

    def __init__(self, call: Call, notices: Notices, kernel: Kernel | None = None) -> None:
        super().__init__()
        self._call = call
        self._iounit = MSIZE_MAX - IO_OVERHEAD
        self._names = Names(call, notices, kernel or Kernel())
        self._polls = Polls(notices)
        self._names.on_displaced(self._polls.displaced)
        self._listings = Listings(call, self._names)

    def attach(self, uname: str, aname: str) -> None:
        """Begin the session. Raises P9Error when the attach is refused."""
        self._iounit = self._call(m.Tversion(U32(MSIZE_MAX), VERSION)).msize - IO_OVERHEAD
        self._names.attach(self._call(m.Tattach(Fid(0), Fid(NOFID), uname, aname, U32(NOFID))).qid)

    def close(self) -> None:
        """Take no more notices, and make none. The session is its owner's to close."""
        self._names.close()
        self._polls.close()

    # -- data -------------------------------------------------------------------------------------------
    # read and write are all of the daemon's work that repeats thousands of times a second, hence written out.

    async def read(self, fh: int, off: int, size: int) -> bytes:
        try:
            if size <= self._iounit:
                data: bytes = self._call(_tread((fh, off, size))).data
                return data
            return self._read_pieces(fh, off, size)
        except P9Error as refusal:
            raise FUSEError(refusal.ecode) from None
        except Exception as bug:
            _log.exception("bug in the FUSE handler read")
            raise FUSEError(errno.EIO) from bug

    async def write(self, fh: int, off: int, buf: bytes) -> int:
        try:
            if len(buf) <= self._iounit:
                count: int = self._call(_twrite((fh, off, buf))).count
                return count
            return self._write_pieces(fh, off, buf)
        except P9Error as refusal:
            raise FUSEError(refusal.ecode) from None
        except Exception as bug:
            _log.exception("bug in the FUSE handler write")
            raise FUSEError(errno.EIO) from bug

    def _read_pieces(self, fid: int, offset: int, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0:
            asked = min(size, self._iounit)
            try:
                data: bytes = self._call(_tread((fid, offset, asked))).data
            except P9Error:
                if pieces:
                    break  # what was read is given; the next read meets the refusal again
                raise
            pieces.append(data)
            if len(data) < asked:
                break
            offset += asked
            size -= asked
        return b"".join(pieces)

    def _write_pieces(self, fid: int, offset: int, data: bytes) -> int:
        """Lines stay whole where they can. After a piece was taken, a refusal of the next is a short write:
        the writer learns what arrived, and meets the refusal when it goes on."""
        written = 0
        while written < len(data):
            piece = data[written : piece_end(data, written, self._iounit)]
            try:
                count: int = self._call(_twrite((fid, offset + written, piece))).count
            except P9Error:
                if written:
                    break
                raise
            written += count
            if count < len(piece):
                break
        return written

    # -- files ------------------------------------------------------------------------------------------

    @_handler
    def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        fid = self._names.clone(self._names.inode(inode))
        try:
            opened: m.Rlopen = self._call(m.Tlopen(Fid(fid), U32(flags & 0xFFFFFFFF)))
        except P9Error:
            self._names.clunk(fid)
            raise
        return self._opened(fid, opened.qid)

    @_handler
    def create(
        self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        parent, text = self._names.inode(parent_inode), _text(name, errno.EINVAL)
        fid = self._names.clone(parent)
        try:
            opened: m.Rlcreate = self._call(
                m.Tlcreate(Fid(fid), text, U32(flags & 0xFFFFFFFF), U32(mode), U32(ctx.gid))
            )
            return self._opened(fid, opened.qid), self._told(self._names.lookup(parent, text))
        except P9Error:
            self._names.clunk(fid)
            raise

    def _opened(self, fid: int, qid: Qid) -> FileInfo:
        kept = is_immutable(qid)
        return FileInfo(fh=fid, direct_io=not kept, keep_cache=kept)

    @_handler
    def release(self, fh: int) -> None:
        self._polls.release(fh)
        self._names.clunk(fh)

    @_handler
    def fsync(self, fh: int, datasync: bool) -> None:
        self._call(m.Tfsync(Fid(fh), U32(datasync)))

    @_handler
    def poll(self, inode: int, fh: int, poll_handle: PollHandle | None, ctx: RequestContext) -> int:
        return self._polls.events(self._names.known(inode), fh, poll_handle)

    # -- names and attributes ---------------------------------------------------------------------------

    @_handler
    def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        return self._told(self._names.lookup(self._names.inode(parent_inode), _text(name, errno.ENOENT)))

    def _told(self, inode: Inode) -> EntryAttributes:
        inode.lookups += 1
        return inode.entry

    @_handler
    def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for number, lookups in inode_list:
            self._names.forget(number, lookups)

    @_handler
    def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        return self._attributes(inode)

    def _attributes(self, number: int) -> EntryAttributes:
        inode = self._names.inode(number)
        self._names.refresh(inode)
        return inode.entry

    @_handler
    def setattr(
        self,
        inode: int,
        attr: EntryAttributes,
        fields: SetattrFields,
        fh: int | None,
        ctx: RequestContext,
    ) -> EntryAttributes:
        target = self._names.inode(inode)
        atime, mtime = divmod(attr.st_atime_ns, 10**9), divmod(attr.st_mtime_ns, 10**9)
        self._call(
            m.Tsetattr(
                Fid(target.fid),
                U32(_setattr_mask(fields)),
                U32(attr.st_mode),
                U32(attr.st_uid),
                U32(attr.st_gid),
                U64(attr.st_size),
                *(U64(atime[0]), U64(atime[1])),
                *(U64(mtime[0]), U64(mtime[1])),
            )
        )
        return self._attributes(inode)

    @_handler
    def statfs(self, ctx: RequestContext) -> StatvfsData:
        answer: m.Rstatfs = self._call(m.Tstatfs(Fid(0)))
        stats = StatvfsData()
        stats.f_bsize = stats.f_frsize = answer.bsize
        stats.f_blocks, stats.f_bfree, stats.f_bavail = answer.blocks, answer.bfree, answer.bavail
        stats.f_files, stats.f_ffree, stats.f_favail = answer.files, answer.ffree, answer.ffree
        stats.f_namemax = answer.namelen
        return stats

    # -- directories ------------------------------------------------------------------------------------

    @_handler
    def opendir(self, inode: int, ctx: RequestContext) -> int:
        return self._listings.open(self._names.inode(inode))

    @_handler
    def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        self._listings.reply(fh, start_id, token)

    @_handler
    def releasedir(self, fh: int) -> None:
        self._listings.close(fh)

    @_handler
    def fsyncdir(self, fh: int, datasync: bool) -> None:
        self._call(m.Tfsync(Fid(fh), U32(datasync)))

    # -- what the namespace does not do: asked of the session all the same, so that one rule answers ----

    @_handler
    def readlink(self, inode: int, ctx: RequestContext) -> bytes:
        target: str = self._call(m.Treadlink(Fid(self._names.inode(inode).fid))).target
        return target.encode()

    @_handler
    def mkdir(self, parent_inode: int, name: bytes, mode: int, ctx: RequestContext) -> EntryAttributes:
        return self._made(parent_inode, name, lambda fid, text: m.Tmkdir(fid, text, U32(mode), U32(ctx.gid)))

    @_handler
    def mknod(
        self, parent_inode: int, name: bytes, mode: int, rdev: int, ctx: RequestContext
    ) -> EntryAttributes:
        numbers = U32(mode), U32(os.major(rdev)), U32(os.minor(rdev)), U32(ctx.gid)
        return self._made(parent_inode, name, lambda fid, text: m.Tmknod(fid, text, *numbers))

    @_handler
    def symlink(self, parent_inode: int, name: bytes, target: bytes, ctx: RequestContext) -> EntryAttributes:
        aim = _text(target, errno.EINVAL)
        return self._made(parent_inode, name, lambda fid, text: m.Tsymlink(fid, text, aim, U32(ctx.gid)))

    @_handler
    def link(
        self, inode: int, new_parent_inode: int, new_name: bytes, ctx: RequestContext
    ) -> EntryAttributes:
        source = Fid(self._names.inode(inode).fid)
        return self._made(new_parent_inode, new_name, lambda fid, text: m.Tlink(fid, source, text))

    def _made(self, parent: int, name: bytes, request: Callable[[Fid, str], m.Message]) -> EntryAttributes:
        directory, text = self._names.inode(parent), _text(name, errno.EINVAL)
        self._call(request(Fid(directory.fid), text))
        return self._told(self._names.lookup(directory, text))

    @_handler
    def unlink(self, parent_inode: int, name: bytes, ctx: RequestContext) -> None:
        self._unlinkat(parent_inode, name, 0)

    @_handler
    def rmdir(self, parent_inode: int, name: bytes, ctx: RequestContext) -> None:
        self._unlinkat(parent_inode, name, AT_REMOVEDIR)

    def _unlinkat(self, parent: int, name: bytes, flags: int) -> None:
        directory = Fid(self._names.inode(parent).fid)
        self._call(m.Tunlinkat(directory, _text(name, errno.ENOENT), U32(flags)))

    @_handler
    def rename(
        self,
        parent_inode_old: int,
        name_old: bytes,
        parent_inode_new: int,
        name_new: bytes,
        flags: int,
        ctx: RequestContext,
    ) -> None:
        old, new = (Fid(self._names.inode(number).fid) for number in (parent_inode_old, parent_inode_new))
        self._call(m.Trenameat(old, _text(name_old, errno.ENOENT), new, _text(name_new, errno.EINVAL)))


def piece_end(data: bytes, start: int, most: int) -> int:
    """Where the piece of `data` that begins at `start` ends: at most `most` bytes on, after the last line
    feed in them unless all that is left fits. A line longer than `most` is cut."""
    if len(data) - start <= most:
        return len(data)
    cut = data.rfind(b"\n", start, start + most) + 1
    return cut if cut > start else start + most


def _text(name: bytes, ecode: int) -> str:
    """A name as 9P has it. Raises P9Error(`ecode`) for bytes that no name of the namespace can have."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise P9Error(ecode, f"name {name!r} is not UTF-8") from None


def _setattr_mask(fields: SetattrFields) -> int:
    """P9_SETATTR bits for what the kernel wants changed; it has filled in what "now" is."""
    chosen = (
        (fields.update_mode, SETATTR_MODE),
        (fields.update_uid, SETATTR_UID),
        (fields.update_gid, SETATTR_GID),
        (fields.update_size, SETATTR_SIZE),
        (fields.update_atime, SETATTR_ATIME | SETATTR_ATIME_SET),
        (fields.update_mtime, SETATTR_MTIME | SETATTR_MTIME_SET),
        (fields.update_ctime, SETATTR_CTIME),
    )
    return sum(bits for wanted, bits in chosen if wanted)
