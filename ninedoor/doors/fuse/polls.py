"""poll(2), select(2) and epoll(7) on files that grow.

A file is always writable, and readable while it holds bytes that its reader has not been given; a reader
that has come to the end sleeps until the next change. Files that do not grow are always readable, as regular
files are. The kernel hands over one handle for each sleep; one notification uses it up.
"""

import errno
import logging
import select
from collections.abc import Callable
from functools import partial

import pyfuse3

from ninedoor.doors.fuse.attrs import grows
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.names import Notices

_log = logging.getLogger(__name__)

_WRITABLE = select.POLLOUT | select.POLLWRNORM
_READABLE = select.POLLIN | select.POLLRDNORM


class Polls:
    """Who sleeps on which open file, by its fid."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._sleepers: dict[int, pyfuse3.PollHandle] = {}
        self._watches: dict[int, tuple[int, Callable[[], None]]] = {}

    def events(self, inode: Inode, fid: int, handle: pyfuse3.PollHandle | None) -> int:
        """What is possible now. When that is not reading, and `handle` is given, it is notified after the
        next change. Raises ENOENT for a fid that is not open."""
        if not grows(inode.qid) or self._notices.pending(fid):
            return _WRITABLE | _READABLE
        if handle is not None:
            self._sleepers[fid] = handle
            if fid not in self._watches:
                self._watches[fid] = inode.number, self._notices.watch(fid, partial(self.wake, fid))
        return _WRITABLE

    def wake(self, fid: int) -> None:
        """The file behind `fid` has changed."""
        handle = self._sleepers.pop(fid, None)
        if handle is None:
            return
        try:
            handle.notify()
        except OSError as failed:
            # ENOENT: whoever slept has gone.
            if failed.errno != errno.ENOENT:
                _log.debug("poll handle of fid %d could not be notified: %s", fid, failed)

    def displaced(self, inode: Inode) -> None:
        """Wake whoever sleeps on a node that is gone."""
        for fid, (number, _unwatch) in tuple(self._watches.items()):
            if number == inode.number:
                self.wake(fid)

    def close(self) -> None:
        """Wake nobody any more: a handle that outlives its mount leads nowhere. Idempotent."""
        for fid in tuple(self._watches):
            self.release(fid)

    def release(self, fid: int) -> None:
        """The file behind `fid` was closed."""
        self._sleepers.pop(fid, None)
        _number, unwatch = self._watches.pop(fid, (0, None))
        if unwatch is not None:
            unwatch()
