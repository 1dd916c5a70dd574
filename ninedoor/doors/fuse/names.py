"""Names and attributes: from what the kernel asks to what the session answers, and what is taken back later.

The kernel may keep what it learned (`attrs.py`), so this module also says when that is over. A name that
leaves a directory, or that a bind gives to another node, is announced to the kernel, which hears of it only
some time after the change was answered. Until it has, the inodes concerned answer ESTALE: the kernel then
looks the name up again, and whoever asks sees the new state at once.
"""

import errno
import logging
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Protocol

import pyfuse3

from ninedoor.doors.fuse.attrs import fill
from ninedoor.doors.fuse.inodes import Inode, InodeTable
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, Fid, Qid

_log = logging.getLogger(__name__)


class Notices(Protocol):
    """What a session tells beside its replies (`ninedoor.session.session.Session`)."""

    def watch(self, fid: int, wake: Callable[[], None]) -> Callable[[], None]: ...

    def pending(self, fid: int) -> bool: ...

    def observe_names(self, vanished: Callable[[int, str], None]) -> Callable[[], None]: ...


class Kernel:
    """What can be told to the kernel unasked. Both calls are safe while a request is being handled."""

    def forget_attributes(self, number: int) -> None:
        """The attributes of an inode are no longer true. Does not wait for anything."""
        try:
            pyfuse3.invalidate_inode(number, attr_only=True)
        except OSError as failed:
            # ENOENT: the kernel no longer knows the inode. The rest means that the mount is going away.
            if failed.errno != errno.ENOENT:
                _log.debug("inode %d could not be invalidated: %s", number, failed)

    def forget_name(self, parent: int, name: bytes) -> None:
        """A name no longer stands for what it did. Takes effect later: the kernel waits for lookups in that
        directory, and these may wait for us, so a thread of pyfuse3's does it."""
        pyfuse3.invalidate_entry_async(parent, name, ignore_enoent=True)


class Names:
    """See `ports.Names`. An inode keeps a fid to walk from. Fids are counted upwards and never used again.

    `changes` counts what may have made a fresh inode less than that; `binds` what may have changed a listing
    without changing the version of its directory.
    """

    def __init__(self, call: Callable[[Any], Any], notices: Notices, kernel: Kernel) -> None:
        self.changes = 0
        self.binds = 0
        self._call = call
        self._notices = notices
        self._kernel = kernel
        self._fids = count(1)
        self._table: InodeTable
        self._orphans: list[Inode] = []
        self._on_displaced: list[Callable[[Inode], None]] = []
        self._stop_observing: Callable[[], None] | None = None

    async def attach(self, root: Qid) -> None:
        """Begin. Precondition: fid 0 is attached and `root` is its qid."""
        self._table = InodeTable(root, 0)
        await self.refresh(self._table.root)
        self._stop_observing = self._notices.observe_names(self._vanished)

    def close(self) -> None:
        if self._stop_observing is not None:
            self._stop_observing()
            self._stop_observing = None
            for inode in self._table:
                inode.stop_watching()

    def on_displaced(self, tell: Callable[[Inode], None]) -> None:
        """Call `tell` with each inode that its name no longer leads to."""
        self._on_displaced.append(tell)

    # -- what the kernel asks ---------------------------------------------------------------------------

    def known(self, number: int) -> Inode:
        return self._table.get(number)

    def inode(self, number: int) -> Inode:
        inode = self._table.get(number)
        if inode.displaced:
            raise P9Error(errno.ESTALE, "the name has vanished or was bound to another node")
        return inode

    async def lookup(self, parent: Inode, name: str) -> Inode:
        self._sweep()
        fid = next(self._fids)
        qid: Qid = self._call(m.Twalk(Fid(parent.fid), Fid(fid), (name,))).qids[0]
        inode = self._table.known(parent, name, qid)
        if inode is None:
            return await self._adopt(parent, name, qid, fid)
        self.clunk(fid)
        inode.displaced = False
        await self.refresh(inode)
        return inode

    async def child(self, parent: Inode, name: str, qid: Qid) -> Inode:
        """The inode that a listing names, looked up if it is not known. Raises as `lookup`."""
        inode = self._table.known(parent, name, qid)
        return await self.lookup(parent, name) if inode is None or inode.displaced else inode

    async def refresh(self, inode: Inode) -> None:
        if inode.steady and inode.unwatch is None:
            # Before asking, so that no change falls between the answer and the watch.
            inode.unwatch = self._notices.watch(inode.fid, partial(self._changed, inode))
        reply: m.Rgetattr = self._call(m.Tgetattr(Fid(inode.fid), GETATTR_BASIC))
        fill(inode.entry, reply)
        inode.version = reply.qid.version
        inode.fresh = inode.steady

    def forget(self, number: int, lookups: int) -> None:
        inode = self._table.get(number)
        inode.lookups -= lookups
        if inode.lookups <= 0 and inode is not self._table.root:
            self._drop(inode)

    # -- fids -------------------------------------------------------------------------------------------

    async def reach(self, inode: Inode) -> int:
        return inode.fid

    def leave(self, inode: Inode, fid: int) -> None:
        """The inode keeps it."""

    async def clone(self, inode: Inode) -> int:
        fid = next(self._fids)
        self._call(m.Twalk(Fid(inode.fid), Fid(fid), ()))
        return fid

    def clunk(self, fid: int) -> None:
        try:
            self._call(m.Tclunk(Fid(fid)))
        except P9Error as refusal:
            _log.debug("clunk of fid %d: %s", fid, refusal)

    # -- inside -----------------------------------------------------------------------------------------

    async def _adopt(self, parent: Inode, name: str, qid: Qid, fid: int) -> Inode:
        inode = self._table.adopt(parent, name, qid, fid)
        try:
            await self.refresh(inode)
        except P9Error:
            self._drop(inode)
            raise
        return inode

    def _drop(self, inode: Inode) -> None:
        self.changes += 1
        for fid in self._table.drop(inode):
            self.clunk(fid)

    def _sweep(self) -> None:
        """Drop what vanished while only a listing kept it: not done at once, because the session tells of
        names in the middle of a request, when it can take no other."""
        while self._orphans:
            self._drop(self._orphans.pop())

    def _changed(self, inode: Inode) -> None:
        # Once is enough: from now on the kernel asks, and the next answer is watched over again.
        self._spoil(inode)
        self._kernel.forget_attributes(inode.number)

    def _spoil(self, inode: Inode) -> None:
        self.changes += 1
        inode.fresh = False
        inode.stop_watching()

    def _vanished(self, directory: int, name: str) -> None:
        """`name` left the directory with that qid path, or a bind gave it another meaning."""
        self.binds += 1
        for parent in self._table.places(directory):
            self._changed(parent)
            inode = parent.children.pop(name, None)
            if inode is None:
                continue
            for lost in inode.below():
                self._displace(lost)
            self._kernel.forget_name(parent.number, name.encode())
            if inode.lookups == 0:
                self._orphans.append(inode)

    def _displace(self, inode: Inode) -> None:
        if not inode.is_known:
            return
        inode.displaced = True
        self._changed(inode)
        for tell in self._on_displaced:
            tell(inode)
