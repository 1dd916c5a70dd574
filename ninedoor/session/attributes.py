"""How a node's attributes look in Rgetattr, and the namespace's in Rstatfs (9P2000.L protocol page)."""

from ninedoor import limits
from ninedoor.session.ports import Attr
from ninedoor.wire.messages import Rgetattr, Rstatfs
from ninedoor.wire.types import GETATTR_BASIC, GETATTR_DATA_VERSION, QT_DIR, Qid

NO_BIRTH = (0, 0, 0)
"""Birth time and generation, which no node has."""

V9FS_MAGIC = 0x01021997
BLOCK = 4096

STATFS = Rstatfs(V9FS_MAGIC, BLOCK, 0, 0, 0, 0, 0, 0, limits.NAME_MAX)
"""The namespace has no blocks and no inodes to run out of."""


def shown(qid: Qid, attr: Attr, mask: int, owner: tuple[int, int]) -> Rgetattr:
    """What a Tgetattr of `mask` is told; `owner` is (uid, gid) of every node."""
    uid, gid = owner
    seconds = int(attr.mtime)
    when = (seconds, int((attr.mtime - seconds) * 1e9))
    links = 2 if qid.type & QT_DIR else 1
    return Rgetattr(
        GETATTR_BASIC | mask & GETATTR_DATA_VERSION, qid, attr.mode, uid, gid, links, 0,
        attr.size, BLOCK, (attr.size + 511) // 512, *when, *when, *when, *NO_BIRTH, attr.base,
    )  # fmt: skip
