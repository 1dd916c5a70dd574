"""Directories: sorted bytewise, versioned by their children; a removal reaches what is open below."""

import errno
import stat

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE
from ninedoor.tree.directory import Directory
from ninedoor.tree.namespace import Namespace
from ninedoor.tree.node import BaseNode
from ninedoor.wire.types import QT_DIR


def _file(*path: str) -> BaseNode:
    return BaseNode(path, permissions=0o444)


def _directory(*names: str) -> Directory:
    directory = Directory(("d",))
    for name in names:
        directory.add(_file("d", name))
    return directory


def test_a_child_is_walked_to_by_name() -> None:
    directory = Directory(("d",))
    child = _file("d", "boot")
    directory.add(child)

    assert directory.walk("boot") is child


def test_walk_refuses_a_name_that_is_not_there() -> None:
    with pytest.raises(P9Error, match="nobody not found") as refusal:
        _directory("boot").walk("nobody")

    assert refusal.value.ecode == errno.ENOENT


@pytest.mark.parametrize("access", [READ, WRITE, READ | WRITE])
def test_open_refuses_every_mode(access: int) -> None:
    with pytest.raises(P9Error) as refusal:
        _directory().open(access, 0.0)

    assert refusal.value.ecode == errno.EISDIR


def test_entries_are_sorted_by_the_bytes_of_their_names() -> None:
    listed = [
        entry.name for entry in _directory("worker-2", "é", "a", "Z", "worker-10", "\U0001f41d").entries()
    ]

    assert listed == ["Z", "a", "worker-10", "worker-2", "é", "\U0001f41d"]


def test_entries_carry_the_qids_of_the_children() -> None:
    directory = Directory(("d",))
    file, below = _file("d", "f"), Directory(("d", "below"))
    directory.add(file)
    directory.add(below)

    assert {entry.name: entry.qid for entry in directory.entries()} == {"f": file.qid, "below": below.qid}


def test_a_listing_follows_what_comes_and_goes() -> None:
    directory = _directory("a")
    directory.entries()

    directory.add(_file("d", "b"))
    assert [entry.name for entry in directory.entries()] == ["a", "b"]

    directory.remove("a", "over", 1.0)
    assert [entry.name for entry in directory.entries()] == ["b"]


def test_the_qid_version_changes_exactly_when_the_children_do() -> None:
    directory = Directory(("d",))
    versions = [directory.qid.version]

    directory.add(_file("d", "a"))
    versions.append(directory.qid.version)
    directory.entries()
    directory.attr()
    assert directory.qid.version == versions[-1]

    directory.remove("a", "over", 1.0)
    versions.append(directory.qid.version)

    assert len(set(versions)) == 3


def test_the_qid_version_never_becomes_the_zero_that_means_cacheable_for_ever() -> None:
    directory = Directory(("d",))
    directory._version = 0xFFFFFFFF

    directory.add(_file("d", "a"))

    assert directory.qid.version == 1


def test_attr_is_a_read_only_directory_whose_mtime_is_the_last_change() -> None:
    directory = Directory(("d",), mtime=5.0)
    assert directory.attr() == (stat.S_IFDIR | 0o555, 0, 5.0, 0)
    assert directory.qid.type == QT_DIR

    directory.add(_file("d", "a"), 7.0)

    assert directory.attr().mtime == 7.0


def test_mtime_never_goes_backwards() -> None:
    directory = Directory(("d",), mtime=5.0)

    directory.add(_file("d", "a"), 3.0)

    assert directory.attr().mtime == 5.0


def test_removal_reaches_everything_below() -> None:
    top, worker = Directory(("worker",)), Directory(("worker", "worker-1"))
    telemetry = _file("worker", "worker-1", "telemetry")
    worker.add(telemetry)
    top.add(worker)

    top.remove("worker-1", "killed by queen", 1.0)

    assert worker.gone == telemetry.gone == "killed by queen"
    assert top.gone is None


def test_removal_is_told_once_with_the_directory_and_the_name() -> None:
    told: list[tuple[int, str]] = []
    directory = Directory(("d",), removed=lambda number, name: told.append((number, name)))
    directory.add(_file("d", "a"))

    directory.remove("a", "over", 1.0)

    assert told == [(directory.number, "a")]


def test_a_name_that_left_may_come_back_as_another_node() -> None:
    workers = Namespace(0.0).directory(("worker",))
    workers.add(Directory(("worker", "a"), born=1.0))
    first = workers.walk("a")
    workers.remove("a", "over", 2.0)
    workers.add(Directory(("worker", "a"), born=3.0))

    assert workers.walk("a") is not first
    assert workers.walk("a").gone is None
    assert workers.walk("a").qid.path != first.qid.path
