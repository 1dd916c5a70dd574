"""The handlers pyfuse3 calls: each turns one request of the kernel into 9P messages of one session.

Handlers decide nothing: what is refused, and with which errno, is the session's to say, also for what the
namespace never does. They serve a session of this process and one far away alike; what differs between the
two is behind the ports of `ports.py`. Between two awaits of a handler others may run, so none of them leaves
anything half done there: what the kernel is told is counted in the same breath as it is told.

Left to pyfuse3's defaults, which answer ENOSYS once and are never asked again: extended attributes (the
kernel then says EOPNOTSUPP), flush (close succeeds; a write is done when it is answered) and access (the
kernel decides from the modes, see `default_permissions` in `options.py`).
"""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import pyfuse3
from pyfuse3 import (
    EntryAttributes,
    FileInfo,
    PollHandle,
    ReaddirToken,
    RequestContext,
    SetattrFields,
    StatvfsData,
)

from ninedoor.doors.fuse.attrs import is_immutable
from ninedoor.doors.fuse.guard import guarded
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.ports import Call, Data, Listings, Names, Polls
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import U32, U64, Fid

AT_REMOVEDIR = 0x200
"""Flag of Tunlinkat that makes it rmdir, as in unlinkat(2)."""

SETATTR_MODE, SETATTR_UID, SETATTR_GID, SETATTR_SIZE, SETATTR_ATIME, SETATTR_MTIME, SETATTR_CTIME = (
    1 << bit for bit in range(7)
)
SETATTR_ATIME_SET, SETATTR_MTIME_SET = 1 << 7, 1 << 8
"""P9_SETATTR_*: which fields of a Tsetattr count."""


class Operations(pyfuse3.Operations):
    """One mount: one session, reached through `call`, with `root` as the fid of its attach. A file handle is
    the fid that is open."""

    supports_dot_lookup = False

    def __init__(
        self, call: Call, root: int, names: Names, data: Data, polls: Polls, listings: Listings
    ) -> None:
        super().__init__()
        self._call = call
        self._root = root
        self._names = names
        self._data = data
        self._polls = polls
        self._listings = listings
        # Not methods of this class: a call in between would cost what is gained by writing them out.
        self.read = data.read  # type: ignore[method-assign]
        self.write = data.write  # type: ignore[method-assign]

    def close(self) -> None:
        """Take no more notices, and make none. The session is its owner's to close."""
        self._names.close()
        self._polls.close()

    # -- files ------------------------------------------------------------------------------------------

    @guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        target = self._names.inode(inode)
        fid = await self._names.clone(target)
        try:
            opened: m.Rlopen = await self._call(m.Tlopen(Fid(fid), U32(flags & 0xFFFFFFFF)))
        except BaseException:
            self._names.clunk(fid)
            raise
        return self._opened(target, fid, flags, opened)

    @guarded
    async def create(
        self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        parent, text = self._names.inode(parent_inode), _text(name, errno.EINVAL)
        fid = await self._names.clone(parent)
        try:
            opened: m.Rlcreate = await self._call(
                m.Tlcreate(Fid(fid), text, U32(flags & 0xFFFFFFFF), U32(mode), U32(ctx.gid))
            )
            made = await self._names.lookup(parent, text)
        except BaseException:
            self._names.clunk(fid)
            raise
        return self._opened(made, fid, flags, opened), self._told(made)

    def _opened(self, inode: Inode, fid: int, flags: int, reply: m.Rlopen | m.Rlcreate) -> FileInfo:
        self._data.opened(inode, fid, flags, reply.iounit)
        # What is written must reach the session as it is: the kernel would put it into its cache first.
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        kept = self._data.may_be_cached and is_immutable(reply.qid) and not writes
        return FileInfo(fh=fid, direct_io=not kept, keep_cache=kept)

    @guarded
    async def release(self, fh: int) -> None:
        self._polls.release(fh)
        self._data.released(fh)
        self._names.clunk(fh)

    @guarded
    async def fsync(self, fh: int, datasync: bool) -> None:
        await self._call(m.Tfsync(Fid(fh), U32(datasync)))

    @guarded
    async def poll(self, inode: int, fh: int, poll_handle: PollHandle | None, ctx: RequestContext) -> int:
        return await self._polls.events(self._names.known(inode), fh, poll_handle)

    # -- names and attributes ---------------------------------------------------------------------------

    @guarded
    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        parent = self._names.inode(parent_inode)
        return self._told(await self._names.lookup(parent, _text(name, errno.ENOENT)))

    def _told(self, inode: Inode) -> EntryAttributes:
        inode.lookups += 1
        return inode.entry

    @guarded
    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for number, lookups in inode_list:
            self._names.forget(number, lookups)

    @guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        return await self._attributes(self._names.inode(inode))

    async def _attributes(self, inode: Inode) -> EntryAttributes:
        await self._names.refresh(inode)
        return inode.entry

    @guarded
    async def setattr(
        self,
        inode: int,
        attr: EntryAttributes,
        fields: SetattrFields,
        fh: int | None,
        ctx: RequestContext,
    ) -> EntryAttributes:
        target = self._names.inode(inode)
        mask = U32(_setattr_mask(fields))
        owner = U32(attr.st_uid), U32(attr.st_gid)
        atime, mtime = divmod(attr.st_atime_ns, 10**9), divmod(attr.st_mtime_ns, 10**9)

        def request(fid: Fid) -> m.Tsetattr:
            times = U64(atime[0]), U64(atime[1]), U64(mtime[0]), U64(mtime[1])
            return m.Tsetattr(fid, mask, U32(attr.st_mode), *owner, U64(attr.st_size), *times)

        if fh is None:
            await self._ask(request, target)
        else:
            await self._call(request(Fid(fh)))
        return await self._attributes(target)

    async def _ask(self, request: Callable[..., m.Message], *inodes: Inode) -> Any:
        """The reply to a request about these nodes, made of one fid for each."""
        with ExitStack() as reached:
            fids = []
            for inode in inodes:
                fid = await self._names.reach(inode)
                reached.callback(self._names.leave, inode, fid)
                fids.append(Fid(fid))
            return await self._call(request(*fids))

    @guarded
    async def statfs(self, ctx: RequestContext) -> StatvfsData:
        answer: m.Rstatfs = await self._call(m.Tstatfs(Fid(self._root)))
        stats = StatvfsData()
        stats.f_bsize = stats.f_frsize = answer.bsize
        stats.f_blocks, stats.f_bfree, stats.f_bavail = answer.blocks, answer.bfree, answer.bavail
        stats.f_files, stats.f_ffree, stats.f_favail = answer.files, answer.ffree, answer.ffree
        stats.f_namemax = answer.namelen
        return stats

    # -- directories ------------------------------------------------------------------------------------

    @guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        return await self._listings.open(self._names.inode(inode))

    @guarded
    async def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        await self._listings.reply(fh, start_id, token)

    @guarded
    async def releasedir(self, fh: int) -> None:
        self._listings.close(fh)

    @guarded
    async def fsyncdir(self, fh: int, datasync: bool) -> None:
        await self._call(m.Tfsync(Fid(fh), U32(datasync)))

    # -- what the namespace does not do: asked of the session all the same, so that one rule answers ----

    @guarded
    async def readlink(self, inode: int, ctx: RequestContext) -> bytes:
        answer: m.Rreadlink = await self._ask(m.Treadlink, self._names.inode(inode))
        return answer.target.encode()

    @guarded
    async def mkdir(self, parent_inode: int, name: bytes, mode: int, ctx: RequestContext) -> EntryAttributes:
        return await self._made(
            parent_inode, name, lambda fid, text: m.Tmkdir(fid, text, U32(mode), U32(ctx.gid))
        )

    @guarded
    async def mknod(
        self, parent_inode: int, name: bytes, mode: int, rdev: int, ctx: RequestContext
    ) -> EntryAttributes:
        numbers = U32(mode), U32(os.major(rdev)), U32(os.minor(rdev)), U32(ctx.gid)
        return await self._made(parent_inode, name, lambda fid, text: m.Tmknod(fid, text, *numbers))

    @guarded
    async def symlink(
        self, parent_inode: int, name: bytes, target: bytes, ctx: RequestContext
    ) -> EntryAttributes:
        aim = _text(target, errno.EINVAL)
        return await self._made(
            parent_inode, name, lambda fid, text: m.Tsymlink(fid, text, aim, U32(ctx.gid))
        )

    @guarded
    async def link(
        self, inode: int, new_parent_inode: int, new_name: bytes, ctx: RequestContext
    ) -> EntryAttributes:
        source, text = self._names.inode(inode), _text(new_name, errno.EINVAL)
        directory = self._names.inode(new_parent_inode)
        await self._ask(lambda into, fid: m.Tlink(into, fid, text), directory, source)
        return self._told(await self._names.lookup(directory, text))

    async def _made(
        self, parent: int, name: bytes, request: Callable[[Fid, str], m.Message]
    ) -> EntryAttributes:
        directory, text = self._names.inode(parent), _text(name, errno.EINVAL)
        await self._ask(lambda fid: request(fid, text), directory)
        return self._told(await self._names.lookup(directory, text))

    @guarded
    async def unlink(self, parent_inode: int, name: bytes, ctx: RequestContext) -> None:
        await self._unlinkat(parent_inode, name, 0)

    @guarded
    async def rmdir(self, parent_inode: int, name: bytes, ctx: RequestContext) -> None:
        await self._unlinkat(parent_inode, name, AT_REMOVEDIR)

    async def _unlinkat(self, parent: int, name: bytes, flags: int) -> None:
        directory, text = self._names.inode(parent), _text(name, errno.ENOENT)
        await self._ask(lambda fid: m.Tunlinkat(fid, text, U32(flags)), directory)

    @guarded
    async def rename(
        self,
        parent_inode_old: int,
        name_old: bytes,
        parent_inode_new: int,
        name_new: bytes,
        flags: int,
        ctx: RequestContext,
    ) -> None:
        old, new = self._names.inode(parent_inode_old), self._names.inode(parent_inode_new)
        before, after = _text(name_old, errno.ENOENT), _text(name_new, errno.EINVAL)
        await self._ask(lambda source, target: m.Trenameat(source, before, target, after), old, new)


def _text(name: bytes, ecode: int) -> str:
    """A name as 9P has it. Raises P9Error(`ecode`) for bytes that no name of the namespace can have."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise P9Error(ecode, f"name {name!r} is not UTF-8") from None


def _setattr_mask(fields: SetattrFields) -> int:
    """P9_SETATTR bits for what the kernel wants changed; it has filled in what "now" is. A modification time
    without an access time is left to the server: that is QEMU on its way to cut a file to nothing."""
    chosen = (
        (fields.update_mode, SETATTR_MODE),
        (fields.update_uid, SETATTR_UID),
        (fields.update_gid, SETATTR_GID),
        (fields.update_size, SETATTR_SIZE),
        (fields.update_atime, SETATTR_ATIME | SETATTR_ATIME_SET),
        (fields.update_mtime, SETATTR_MTIME),
        (fields.update_mtime and fields.update_atime, SETATTR_MTIME_SET),
        (fields.update_ctime, SETATTR_CTIME),
    )
    return sum(bits for wanted, bits in chosen if wanted)
