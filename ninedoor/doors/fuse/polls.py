"""poll(2), select(2) and epoll(7) on files that grow.

A file is always writable, and readable while it holds bytes that its reader has not been given; a reader
that has come to the end sleeps until the next change. Files that do not grow are always readable, as regular
files are. The kernel hands over one handle for each sleep; one notification uses it up.
"""

import errno
import logging
import select
from collections.abc import Callable, Iterator
from functools import partial

import pyfuse3

from ninedoor.doors.fuse.attrs import grows
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.names import Notices

_log = logging.getLogger(__name__)

WRITABLE = select.POLLOUT | select.POLLWRNORM
READABLE = select.POLLIN | select.POLLRDNORM


class Sleepers:
    """Who sleeps on which open file, by its fid."""

    def __init__(self) -> None:
        self._handles: dict[int, pyfuse3.PollHandle] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._handles)

    def __len__(self) -> int:
        return len(self._handles)

    def put(self, fid: int, handle: pyfuse3.PollHandle) -> None:
        """Let whoever polls sleep; a later handle takes the place of an earlier one."""
        self._handles[fid] = handle

    def wake(self, fid: int) -> None:
        """The file behind `fid` has changed."""
        handle = self._handles.pop(fid, None)
        if handle is None:
            return
        try:
            handle.notify()
        except OSError as failed:
            # ENOENT: whoever slept has gone.
            if failed.errno != errno.ENOENT:
                _log.debug("poll handle of fid %d could not be notified: %s", fid, failed)

    def forget(self, fid: int) -> None:
        """Nobody can sleep on `fid` any more."""
        self._handles.pop(fid, None)

    def postpone(self, fid: int) -> None:
        """Let `fid` come last."""
        if fid in self._handles:
            self._handles[fid] = self._handles.pop(fid)

    def clear(self) -> None:
        self._handles.clear()


class Polls:
    """See `ports.Polls`. The session says who has something to read, and when that changes."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._sleepers = Sleepers()
        self._watches: dict[int, tuple[int, Callable[[], None]]] = {}

    async def events(self, inode: Inode, fid: int, handle: pyfuse3.PollHandle | None) -> int:
        if not grows(inode.qid) or self._notices.pending(fid):
            return WRITABLE | READABLE
        if handle is not None:
            self._sleepers.put(fid, handle)
            if fid not in self._watches:
                wake = partial(self._sleepers.wake, fid)
                self._watches[fid] = inode.number, self._notices.watch(fid, wake)
        return WRITABLE

    def displaced(self, inode: Inode) -> None:
        """Wake whoever sleeps on a node that is gone."""
        for fid, (number, _unwatch) in tuple(self._watches.items()):
            if number == inode.number:
                self._sleepers.wake(fid)

    def close(self) -> None:
        for fid in tuple(self._watches):
            self.release(fid)

    def release(self, fid: int) -> None:
        self._sleepers.forget(fid)
        _number, unwatch = self._watches.pop(fid, (0, None))
        if unwatch is not None:
            unwatch()
