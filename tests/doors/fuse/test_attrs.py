"""What the kernel is told of a node, and for how long it may believe it."""

import stat

import pytest

from ninedoor.doors.fuse.attrs import FOREVER_S, GLANCE_S, HOLD_S, fill, is_immutable, is_steady, new_entry
from ninedoor.wire.messages import Rgetattr
from ninedoor.wire.types import QT_APPEND, QT_DIR, Qid

IMMUTABLE = Qid(0, 0, 7)
LIVE = Qid(0, 3, 7)
APPEND = Qid(QT_APPEND, 1, 7)
DIRECTORY = Qid(QT_DIR, 1, 7)


@pytest.mark.parametrize(
    ("qid", "attributes_s"), [(IMMUTABLE, FOREVER_S), (LIVE, 0.0), (APPEND, HOLD_S), (DIRECTORY, HOLD_S)]
)
def test_attributes_are_kept_as_long_as_changes_are_announced(qid: Qid, attributes_s: float) -> None:
    entry = new_entry(7, qid, announced=True)

    assert entry.attr_timeout == attributes_s
    assert entry.entry_timeout == HOLD_S
    assert entry.st_ino == 7


@pytest.mark.parametrize("qid", [IMMUTABLE, LIVE, APPEND, DIRECTORY])
def test_names_are_not_kept_where_nothing_is_announced(qid: Qid) -> None:
    entry = new_entry(7, qid, announced=False)

    assert (entry.entry_timeout, entry.attr_timeout, entry.st_ino) == (0.0, GLANCE_S, 7)


def test_only_a_file_of_version_0_is_immutable() -> None:
    assert is_immutable(IMMUTABLE)
    assert not any(map(is_immutable, (LIVE, APPEND, DIRECTORY, Qid(QT_APPEND, 0, 7), Qid(QT_DIR, 0, 7))))


def test_a_live_file_announces_nothing() -> None:
    assert not is_steady(LIVE)
    assert all(map(is_steady, (IMMUTABLE, APPEND, DIRECTORY)))


def test_every_field_of_stat_is_filled_in() -> None:
    entry = new_entry(7, APPEND, announced=True)
    reply = Rgetattr(
        *(0x7FF, APPEND, stat.S_IFREG | 0o640, 1000, 100, 1, 0, 513, 4096, 2),
        *(10, 11, 20, 21, 30, 31, 0, 0, 0, 0),
    )

    fill(entry, reply)

    assert (entry.st_mode, entry.st_uid, entry.st_gid, entry.st_nlink) == (stat.S_IFREG | 0o640, 1000, 100, 1)
    assert (entry.st_size, entry.st_blksize, entry.st_blocks) == (513, 4096, 2)
    assert entry.st_atime_ns == 10_000_000_011
    assert entry.st_mtime_ns == 20_000_000_021
    assert entry.st_ctime_ns == 30_000_000_031
