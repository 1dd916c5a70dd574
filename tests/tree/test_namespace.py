"""The shared tree: parents made where missing, and everybody told what leaves it."""

import errno
import stat

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import Node
from ninedoor.tree.directory import Directory
from ninedoor.tree.namespace import Namespace
from ninedoor.tree.node import ROOT_NUMBER, BaseNode


def _walk(tree: Namespace, path: str) -> Node:
    node: Node = tree.root
    for name in path.split("/"):
        node = node.walk(name)
    return node


def test_an_empty_tree_is_a_root_with_the_first_number() -> None:
    root = Namespace(12.0).root

    assert root.path == ()
    assert root.qid.path == ROOT_NUMBER
    assert root.attr() == (stat.S_IFDIR | 0o555, 0, 12.0, 0)
    assert root.entries() == ()


def test_adding_a_node_makes_its_parents() -> None:
    tree = Namespace(3.0)
    node = BaseNode(("proc", "9p", "sessions"), permissions=0o444)

    tree.add(node)

    assert _walk(tree, "proc/9p/sessions") is node
    assert _walk(tree, "proc").path == ("proc",)
    assert _walk(tree, "proc/9p").path == ("proc", "9p")
    assert _walk(tree, "proc/9p").attr().mtime == 3.0


def test_parents_are_shared_and_not_made_again() -> None:
    tree = Namespace(0.0)
    tree.add(BaseNode(("proc", "boot"), permissions=0o444))
    proc = _walk(tree, "proc")

    tree.add(BaseNode(("proc", "9p", "sessions"), permissions=0o444))

    assert _walk(tree, "proc") is proc
    assert [entry.name for entry in proc.entries()] == ["9p", "boot"]


def test_directory_gives_what_is_there_or_makes_it() -> None:
    tree = Namespace(0.0)

    made = tree.directory(("worker",))

    assert tree.directory(("worker",)) is made
    assert tree.directory(()) is tree.root


def test_every_observer_hears_which_name_left_which_directory() -> None:
    tree = Namespace(0.0)
    heard: list[tuple[int, int, str]] = []
    tree.observe(lambda number, name: heard.append((1, number, name)))
    tree.observe(lambda number, name: heard.append((2, number, name)))
    tree.add(BaseNode(("worker", "worker-1"), permissions=0o444))
    workers = tree.directory(("worker",))

    workers.remove("worker-1", "killed by queen", 1.0)

    assert heard == [(1, workers.number, "worker-1"), (2, workers.number, "worker-1")]


def test_an_observer_that_stopped_hears_no_more() -> None:
    tree = Namespace(0.0)
    heard: list[str] = []
    stop = tree.observe(lambda _number, name: heard.append(name))
    stop()
    tree.add(BaseNode(("a", "b"), permissions=0o444))

    tree.directory(("a",)).remove("b", "over", 1.0)

    assert not heard


def test_an_observer_may_stop_while_it_is_told() -> None:
    tree = Namespace(0.0)
    heard: list[str] = []

    def once(_number: int, name: str) -> None:
        heard.append(name)
        stop()

    stop = tree.observe(once)
    tree.observe(lambda _number, name: heard.append(name.upper()))
    tree.add(BaseNode(("a", "b"), permissions=0o444))
    tree.add(BaseNode(("a", "c"), permissions=0o444))

    tree.directory(("a",)).remove("b", "over", 1.0)
    tree.directory(("a",)).remove("c", "over", 1.0)

    assert heard == ["b", "B", "C"]


def test_a_walk_past_what_is_there_is_refused_where_it_fails() -> None:
    tree = Namespace(0.0)
    tree.add(BaseNode(("proc", "boot"), permissions=0o444))

    with pytest.raises(P9Error) as missing:
        _walk(tree, "proc/nothing")
    with pytest.raises(P9Error) as beyond:
        _walk(tree, "proc/boot/below")

    assert (missing.value.ecode, beyond.value.ecode) == (errno.ENOENT, errno.ENOTDIR)


def _numbers(tree: Namespace) -> list[int]:
    worker = Directory(("worker", "worker-1"), born=5.0)
    worker.add(BaseNode((*worker.path, "telemetry"), permissions=0o644))
    tree.directory(("worker",)).add(worker)
    return [_walk(tree, path).qid.path for path in ("worker", "worker/worker-1", "worker/worker-1/telemetry")]


def test_nodes_have_the_same_numbers_in_every_run_of_a_hive() -> None:
    """What clients still have open after a restart, they know by these numbers."""
    assert _numbers(Namespace(0.0, hive=7)) == _numbers(Namespace(99.0, hive=7))


def test_nodes_of_another_hive_have_other_numbers() -> None:
    assert not set(_numbers(Namespace(0.0, hive=7))) & set(_numbers(Namespace(0.0, hive=8)))


def test_a_listing_shows_the_numbers_that_walks_lead_to() -> None:
    tree = Namespace(0.0)
    worker = Directory(("worker", "worker-1"))
    worker.add(BaseNode((*worker.path, "telemetry"), permissions=0o644))
    assert [entry.qid.path for entry in worker.entries()] == [0]

    tree.directory(("worker",)).add(worker)

    assert [entry.qid for entry in worker.entries()] == [_walk(tree, "worker/worker-1/telemetry").qid]
