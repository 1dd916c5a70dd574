"""Every message of 9P2000.L, once: the field annotations are the wire layout.

Codec, fuzz strategies and docs/SECURE9P.md are derived from this table. The tag is not part of a message:
it belongs to the connection that carries it. Sources: intro(5) of Plan 9 for the 9P2000 part, the 9P2000.L
protocol page of diod and the Linux `net/9p/9p.h` for numbers and layouts.
"""

from typing import Any, NamedTuple

from ninedoor.wire.types import U8, U32, U64, Fid, Qid, Tag

Message = tuple[Any, ...]
"""Any of the classes below. What it is, `type(message)` says; its fields are read by name after that."""


class Rlerror(NamedTuple):
    ecode: U32


class Tstatfs(NamedTuple):
    fid: Fid


class Rstatfs(NamedTuple):
    type: U32
    bsize: U32
    blocks: U64
    bfree: U64
    bavail: U64
    files: U64
    ffree: U64
    fsid: U64
    namelen: U32


class Tlopen(NamedTuple):
    fid: Fid
    flags: U32


class Rlopen(NamedTuple):
    qid: Qid
    iounit: U32


class Tlcreate(NamedTuple):
    fid: Fid
    name: str
    flags: U32
    mode: U32
    gid: U32


class Rlcreate(NamedTuple):
    qid: Qid
    iounit: U32


class Tsymlink(NamedTuple):
    fid: Fid
    name: str
    symtgt: str
    gid: U32


class Rsymlink(NamedTuple):
    qid: Qid


class Tmknod(NamedTuple):
    dfid: Fid
    name: str
    mode: U32
    major: U32
    minor: U32
    gid: U32


class Rmknod(NamedTuple):
    qid: Qid


class Trename(NamedTuple):
    fid: Fid
    dfid: Fid
    name: str


class Rrename(NamedTuple):
    pass


class Treadlink(NamedTuple):
    fid: Fid


class Rreadlink(NamedTuple):
    target: str


class Tgetattr(NamedTuple):
    fid: Fid
    request_mask: U64


class Rgetattr(NamedTuple):
    valid: U64
    qid: Qid
    mode: U32
    uid: U32
    gid: U32
    nlink: U64
    rdev: U64
    size: U64
    blksize: U64
    blocks: U64
    atime_sec: U64
    atime_nsec: U64
    mtime_sec: U64
    mtime_nsec: U64
    ctime_sec: U64
    ctime_nsec: U64
    btime_sec: U64
    btime_nsec: U64
    gen: U64
    data_version: U64


class Tsetattr(NamedTuple):
    fid: Fid
    valid: U32
    mode: U32
    uid: U32
    gid: U32
    size: U64
    atime_sec: U64
    atime_nsec: U64
    mtime_sec: U64
    mtime_nsec: U64


class Rsetattr(NamedTuple):
    pass


class Txattrwalk(NamedTuple):
    fid: Fid
    newfid: Fid
    name: str


class Rxattrwalk(NamedTuple):
    size: U64


class Txattrcreate(NamedTuple):
    fid: Fid
    name: str
    attr_size: U64
    flags: U32


class Rxattrcreate(NamedTuple):
    pass


class Treaddir(NamedTuple):
    fid: Fid
    offset: U64
    count: U32  # type: ignore[assignment]  # hides tuple.count


class Rreaddir(NamedTuple):
    data: bytes


class Tfsync(NamedTuple):
    fid: Fid
    datasync: U32


class Rfsync(NamedTuple):
    pass


class Tlock(NamedTuple):
    fid: Fid
    type: U8
    flags: U32
    start: U64
    length: U64
    proc_id: U32
    client_id: str


class Rlock(NamedTuple):
    status: U8


class Tgetlock(NamedTuple):
    fid: Fid
    type: U8
    start: U64
    length: U64
    proc_id: U32
    client_id: str


class Rgetlock(NamedTuple):
    type: U8
    start: U64
    length: U64
    proc_id: U32
    client_id: str


class Tlink(NamedTuple):
    dfid: Fid
    fid: Fid
    name: str


class Rlink(NamedTuple):
    pass


class Tmkdir(NamedTuple):
    dfid: Fid
    name: str
    mode: U32
    gid: U32


class Rmkdir(NamedTuple):
    qid: Qid


class Trenameat(NamedTuple):
    olddirfid: Fid
    oldname: str
    newdirfid: Fid
    newname: str


class Rrenameat(NamedTuple):
    pass


class Tunlinkat(NamedTuple):
    dirfd: Fid
    name: str
    flags: U32


class Runlinkat(NamedTuple):
    pass


class Tversion(NamedTuple):
    msize: U32
    version: str


class Rversion(NamedTuple):
    msize: U32
    version: str


class Tauth(NamedTuple):
    afid: Fid
    uname: str
    aname: str
    n_uname: U32


class Rauth(NamedTuple):
    aqid: Qid


class Tattach(NamedTuple):
    fid: Fid
    afid: Fid
    uname: str
    aname: str
    n_uname: U32


class Rattach(NamedTuple):
    qid: Qid


class Tflush(NamedTuple):
    oldtag: Tag


class Rflush(NamedTuple):
    pass


class Twalk(NamedTuple):
    fid: Fid
    newfid: Fid
    names: tuple[str, ...]


class Rwalk(NamedTuple):
    qids: tuple[Qid, ...]


class Tread(NamedTuple):
    fid: Fid
    offset: U64
    count: U32  # type: ignore[assignment]  # hides tuple.count


class Rread(NamedTuple):
    data: bytes


class Twrite(NamedTuple):
    fid: Fid
    offset: U64
    data: bytes


class Rwrite(NamedTuple):
    count: U32  # type: ignore[assignment]  # hides tuple.count


class Tclunk(NamedTuple):
    fid: Fid


class Rclunk(NamedTuple):
    pass


class Tremove(NamedTuple):
    fid: Fid


class Rremove(NamedTuple):
    pass


REQUESTS: dict[int, type[Message]] = {
    8: Tstatfs,
    12: Tlopen,
    14: Tlcreate,
    16: Tsymlink,
    18: Tmknod,
    20: Trename,
    22: Treadlink,
    24: Tgetattr,
    26: Tsetattr,
    30: Txattrwalk,
    32: Txattrcreate,
    40: Treaddir,
    50: Tfsync,
    52: Tlock,
    54: Tgetlock,
    70: Tlink,
    72: Tmkdir,
    74: Trenameat,
    76: Tunlinkat,
    100: Tversion,
    102: Tauth,
    104: Tattach,
    108: Tflush,
    110: Twalk,
    116: Tread,
    118: Twrite,
    120: Tclunk,
    122: Tremove,
}
"""Type number → request class."""

REPLIES: dict[int, type[Message]] = {7: Rlerror} | {
    number + 1: globals()["R" + request.__name__[1:]] for number, request in REQUESTS.items()
}
"""Type number → reply class: the request's number plus one, and Rlerror, which answers any request."""

MESSAGES: dict[int, type[Message]] = dict(sorted((REQUESTS | REPLIES).items()))
"""Type number → class, requests and replies alike, by number."""

NUMBERS: dict[type[Message], int] = {message: number for number, message in MESSAGES.items()}
"""Class → type number."""
