"""What the kernel is told of a node: its attributes, and for how long it may believe them.

Three kinds of nodes, told apart by their qid alone:
- immutable: a file of version 0. The kernel may keep attributes and content (page cache).
- steady: a directory or an append-only node. Its changes are announced (`Session.watch`, `observe_names`), so
  the kernel may keep attributes until it is told otherwise.
- live: any other file. Nothing announces its changes, so nothing is kept.

Behind a connection nothing is announced, 9P has no word for it, and every name is asked for each time.
"""

import pyfuse3

from ninedoor.wire.messages import Rgetattr
from ninedoor.wire.types import QT_APPEND, QT_DIR, Qid

FOREVER_S = 86400.0
"""For what never changes while the daemon runs."""

HOLD_S = 1.0
"""For what is announced when it changes. Not longer, because an announcement that overtakes the reply it
corrects, on its way to the kernel, finds nothing to correct: such an error heals within this time. A lookup
once a second costs nobody anything."""

GLANCE_S = 0.02
"""For attributes where nothing is announced: what the lookup of a name has just told need not be asked for
again by the same system call. Whoever goes by a path sees the present; only who asks about an open file may
see what was true this long ago."""

_SECOND_NS = 1_000_000_000


def is_directory(qid: Qid) -> bool:
    return qid.type & QT_DIR != 0


def grows(qid: Qid) -> bool:
    return qid.type & QT_APPEND != 0


def is_immutable(qid: Qid) -> bool:
    return qid.type == 0 and qid.version == 0


def is_steady(qid: Qid) -> bool:
    """Is every change of the node announced?"""
    return is_directory(qid) or grows(qid) or is_immutable(qid)


def new_entry(number: int, qid: Qid, *, announced: bool) -> pyfuse3.EntryAttributes:
    """Attributes with identity and timeouts only; `fill` adds the rest. `announced` as in `InodeTable`."""
    entry = pyfuse3.EntryAttributes()
    entry.st_ino = number
    if not announced:
        entry.entry_timeout, entry.attr_timeout = 0.0, GLANCE_S
        return entry
    entry.entry_timeout = HOLD_S
    if is_immutable(qid):
        entry.attr_timeout = FOREVER_S
    else:
        entry.attr_timeout = HOLD_S if is_steady(qid) else 0.0
    return entry


def fill(entry: pyfuse3.EntryAttributes, reply: Rgetattr) -> None:
    """Bring `entry` up to date with an answer to Tgetattr."""
    entry.st_mode = reply.mode
    entry.st_uid = reply.uid
    entry.st_gid = reply.gid
    entry.st_nlink = reply.nlink
    entry.st_size = reply.size
    entry.st_blksize = reply.blksize
    entry.st_blocks = reply.blocks
    entry.st_atime_ns = reply.atime_sec * _SECOND_NS + reply.atime_nsec
    entry.st_mtime_ns = reply.mtime_sec * _SECOND_NS + reply.mtime_nsec
    entry.st_ctime_ns = reply.ctime_sec * _SECOND_NS + reply.ctime_nsec
