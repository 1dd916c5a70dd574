"""Scalar and record types of the 9P2000.L wire. Numbers are little-endian and unsigned; `Name` is a UTF-8
string with a two-byte length, `Data` bytes with a four-byte count."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple, NewType

U8 = Annotated[int, "u8"]
U16 = Annotated[int, "u16"]
U32 = Annotated[int, "u32"]
U64 = Annotated[int, "u64"]
Fid = NewType("Fid", int)
"""A u32 chosen by the client that names a node within one session."""

Tag = NewType("Tag", int)
"""A u16 chosen by the client that names a request in flight."""

VERSION = "9P2000.L"
"""The one dialect spoken here."""

GETATTR_BASIC = 0x7FF
"""P9_GETATTR_BASIC: every field of Rgetattr up to blocks, which is what stat(2) shows."""

GETATTR_DATA_VERSION = 0x2000
"""P9_GETATTR_DATA_VERSION, valid for those who ask for it: here the offset of the oldest byte a file still
has. The Linux client does not look at it."""

QT_DIR = 0x80
QT_APPEND = 0x40
QT_FILE = 0x00


class Qid(NamedTuple):
    """qid[13]: type[1] version[4] path[8]. `path` is unique to a node, over restarts of its hive too;
    `version` changes whenever a directory's children or a file's content may have changed."""

    type: int
    version: int
    path: int


new_qid: Callable[[tuple[int, int, int]], Qid] = partial(tuple.__new__, Qid)
"""The Qid of these fields, in half the time that Qid(...) takes: every walk and every stat makes some."""


class Dirent(NamedTuple):
    """One Treaddir record: qid[13] offset[8] type[1] name[s]. `offset` resumes after this entry; `type` is
    a DT_ value of readdir(3)."""

    qid: Qid
    offset: int
    type: int
    name: str
