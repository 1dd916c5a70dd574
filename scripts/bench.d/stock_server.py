"""pyfuse3 as it comes, with handlers that do nothing: what a Python mount costs before anyone does better.

    stock_server.py MOUNTPOINT

Serves what `fuse_server.c` serves.
"""

import errno
import stat
import sys

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileInfo, FUSEError, ReaddirToken, RequestContext

LOG, BOOT, WORKER, FIRST_WORKER, WORKERS = 2, 3, 4, 1000, 1000
LINE, TEXT = bytes(128), bytes(400)
HOLD_S = 1.0


def _attributes(inode: int, mode: int, size: int = 0) -> EntryAttributes:
    entry = EntryAttributes()
    entry.st_ino, entry.st_mode, entry.st_size = inode, mode, size
    entry.attr_timeout = entry.entry_timeout = HOLD_S
    return entry


class Trivial(pyfuse3.Operations):
    """Answers made in advance."""

    supports_dot_lookup = False

    def __init__(self) -> None:
        super().__init__()
        directory = stat.S_IFDIR | 0o555
        workers = range(FIRST_WORKER + 1, FIRST_WORKER + WORKERS + 1)
        self.attributes = {
            pyfuse3.ROOT_INODE: _attributes(pyfuse3.ROOT_INODE, directory),
            LOG: _attributes(LOG, stat.S_IFREG | 0o644, len(LINE)),
            BOOT: _attributes(BOOT, stat.S_IFREG | 0o444, len(TEXT)),
            WORKER: _attributes(WORKER, directory),
        } | {inode: _attributes(inode, directory) for inode in workers}
        self.names = {
            pyfuse3.ROOT_INODE: {b"log": LOG, b"boot": BOOT, b"worker": WORKER},
            WORKER: {b"worker-%d" % (inode - FIRST_WORKER): inode for inode in workers},
        }

    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        inode = self.names.get(parent_inode, {}).get(name)
        if inode is None:
            raise FUSEError(errno.ENOENT)
        return self.attributes[inode]

    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        return self.attributes[inode]

    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        return FileInfo(fh=inode, direct_io=inode == LOG, keep_cache=inode == BOOT)

    async def read(self, fh: int, off: int, size: int) -> bytes:
        return (TEXT if fh == BOOT else LINE)[off : off + size]

    async def write(self, fh: int, off: int, buf: bytes) -> int:
        return len(buf)

    async def release(self, fh: int) -> None:
        pass

    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        return inode

    async def readdir(self, fh: int, start_id: int, token: ReaddirToken) -> None:
        names = list(self.names.get(fh, {}).items())
        for position in range(start_id, len(names)):
            name, inode = names[position]
            if not pyfuse3.readdir_reply(token, name, self.attributes[inode], position + 1):
                return

    async def releasedir(self, fh: int) -> None:
        pass


def main() -> None:
    pyfuse3.init(Trivial(), sys.argv[1], {"fsname=stock", "default_permissions"})
    try:
        trio.run(pyfuse3.main)
    finally:
        pyfuse3.close()


if __name__ == "__main__":
    main()
