"""Inode numbers, and how long an inode lives."""

import pyfuse3
import pytest

from ninedoor.doors.fuse.inodes import InodeTable
from ninedoor.limits import NOFID
from ninedoor.session.view import SALT_SHIFT
from ninedoor.wire.types import QT_APPEND, QT_DIR, Qid

ROOT = Qid(QT_DIR, 1, 40)


def directory(path: int) -> Qid:
    return Qid(QT_DIR, 1, path)


def file(path: int) -> Qid:
    return Qid(QT_APPEND, 1, path)


@pytest.fixture
def table() -> InodeTable:
    return InodeTable(ROOT, 0)


def test_an_inode_number_is_the_qid_path(table: InodeTable) -> None:
    inode = table.adopt(table.root, "log", file(41), 5)

    assert inode.number == 41
    assert table.get(41) is inode
    assert table.known(table.root, "log", file(41)) is inode


def test_the_root_is_inode_1_and_no_other_node_is(table: InodeTable) -> None:
    other = table.adopt(table.root, "x", file(1), 5)

    assert table.root.number == pyfuse3.ROOT_INODE
    assert other.number == ROOT.path
    assert table.get(ROOT.path) is other


def test_a_root_whose_path_is_1_collides_with_nothing() -> None:
    table = InodeTable(directory(1), 0)

    assert table.adopt(table.root, "x", file(2), 5).number == 2


def test_a_file_under_two_names_is_one_inode(table: InodeTable) -> None:
    other = table.adopt(table.root, "d", directory(41), 5)
    inode = table.adopt(table.root, "a", file(42), 6)

    assert table.known(other, "b", file(42)) is inode
    assert other.children["b"] is inode


def test_a_directory_under_two_names_is_two_inodes(table: InodeTable) -> None:
    first = table.adopt(table.root, "a", directory(41), 5)

    assert table.known(table.root, "b", directory(41)) is None
    second = table.adopt(table.root, "b", directory(41), 6)
    assert second.number != first.number
    assert table.places(41) == [first, second]


def test_places_finds_a_directory_through_every_bind(table: InodeTable) -> None:
    plain = table.adopt(table.root, "a", directory(41), 5)
    bound = table.adopt(table.root, "b", directory(41 | 3 << SALT_SHIFT), 6)

    assert table.places(41) == [plain, bound]
    assert table.places(41 | 3 << SALT_SHIFT) == [plain, bound]
    assert table.places(99) == []


def test_another_node_under_a_known_name_is_not_known(table: InodeTable) -> None:
    table.adopt(table.root, "a", file(41), 5)

    assert table.known(table.root, "a", file(42)) is None


def test_a_dropped_inode_is_forgotten_and_its_fid_handed_back(table: InodeTable) -> None:
    stopped = []
    inode = table.adopt(table.root, "a", file(41), 5)
    inode.fresh = True
    inode.unwatch = lambda: stopped.append(1)

    assert table.drop(inode) == [5]
    assert (inode.fid, inode.fresh, inode.is_known) == (NOFID, False, False)
    assert stopped == [1]
    assert table.known(table.root, "a", file(41)) is None
    assert table.drop(inode) == []


def test_children_that_only_a_listing_kept_go_with_their_directory(table: InodeTable) -> None:
    parent = table.adopt(table.root, "d", directory(41), 5)
    table.adopt(parent, "listed", file(42), 6)
    told = table.adopt(parent, "told", file(43), 7)
    told.lookups = 1

    assert table.drop(parent) == [5, 6]
    assert told.is_known
    assert table.places(41) == []


def test_below_is_everything_under_a_directory(table: InodeTable) -> None:
    parent = table.adopt(table.root, "d", directory(41), 5)
    child = table.adopt(parent, "e", directory(42), 6)
    leaf = table.adopt(child, "f", file(43), 7)

    assert set(parent.below()) == {parent, child, leaf}
    assert set(leaf.below()) == {leaf}


def test_a_dropped_inode_leaves_its_directory(table: InodeTable) -> None:
    inode = table.adopt(table.root, "a", file(41), 5)
    table.drop(inode)

    assert table.root.children == {}


def test_a_path_is_the_names_from_the_root(table: InodeTable) -> None:
    parent = table.adopt(table.root, "d", directory(41), 5)
    leaf = table.adopt(parent, "f", file(42), 6)

    assert (table.root.path, parent.path, leaf.path) == ((), ("d",), ("d", "f"))


def test_what_is_found_is_the_same_node_in_the_same_place(table: InodeTable) -> None:
    other = table.adopt(table.root, "d", directory(41))
    inode = table.adopt(table.root, "a", file(42))

    assert table.found(table.root, "a", file(42)) is inode
    assert table.found(table.root, "a", file(43)) is None
    assert table.found(table.root, "b", file(42)) is None
    assert table.found(other, "a", file(42)) is None


def test_the_same_number_in_another_place_is_another_inode(table: InodeTable) -> None:
    first = table.adopt(table.root, "a", file(42))
    second = table.adopt(table.root, "b", file(42))

    assert first.number != second.number
    assert table.found(table.root, "b", file(42)) is second
    assert table.found(table.root, "a", file(42)) is first


def test_a_node_that_comes_back_to_its_name_is_found_again(table: InodeTable) -> None:
    first = table.adopt(table.root, "a", file(42))
    table.adopt(table.root, "a", file(43))

    assert table.found(table.root, "a", file(42)) is first


def test_a_forgotten_inode_is_not_found(table: InodeTable) -> None:
    table.drop(table.adopt(table.root, "a", file(42)))

    assert table.found(table.root, "a", file(42)) is None


def test_a_place_is_the_same_when_its_directory_was_forgotten_and_is_known_anew(table: InodeTable) -> None:
    before = table.adopt(table.root, "d", directory(41))
    inode = table.adopt(before, "a", file(42))
    inode.lookups = 1
    table.drop(before)
    after = table.adopt(table.root, "d", directory(41))

    assert table.found(after, "a", file(42)) is inode
    assert inode.parent is after
