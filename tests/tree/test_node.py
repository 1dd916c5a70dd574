"""The node that refuses: one errno for each verb a kind does not have."""

import errno
import stat
from collections.abc import Callable

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE
from ninedoor.tree.node import ROOT_NUMBER, BaseNode, next_number
from ninedoor.wire.types import QT_FILE, Qid


def _node(permissions: int = 0o640, mtime: float = 0.0) -> BaseNode:
    return BaseNode(("log", "mute"), permissions=permissions, mtime=mtime)


@pytest.mark.parametrize(
    ("verb", "ecode"),
    [
        (lambda node: node.walk("below"), errno.ENOTDIR),
        (lambda node: node.entries(), errno.ENOTDIR),
        (lambda node: node.open(READ, 0.0), errno.EPERM),
        (lambda node: node.open(WRITE, 0.0), errno.EPERM),
        (lambda node: node.open(READ | WRITE, 0.0), errno.EPERM),
    ],
)
def test_every_verb_is_refused_by_default(verb: Callable[[BaseNode], object], ecode: int) -> None:
    with pytest.raises(P9Error) as refusal:
        verb(_node())

    assert refusal.value.ecode == ecode


def test_a_refusal_names_the_node() -> None:
    with pytest.raises(P9Error, match="mute is not a directory"):
        _node().walk("below")


def test_a_node_is_an_empty_regular_file_with_its_permissions() -> None:
    assert _node(0o640, mtime=12.5).attr() == (stat.S_IFREG | 0o640, 0, 12.5)


def test_the_qid_is_that_of_a_file_and_carries_the_number() -> None:
    node = BaseNode(("a",), permissions=0o444, number=77)

    assert node.qid == Qid(QT_FILE, 1, 77)


def test_numbers_are_never_given_twice() -> None:
    numbers = [_node().number for _ in range(100)] + [next_number()]

    assert len(set(numbers)) == len(numbers)
    assert ROOT_NUMBER not in numbers


def test_a_node_is_there_until_it_vanishes_and_then_says_why() -> None:
    node = _node()
    assert node.gone is None

    node.vanish("killed by queen")

    assert node.gone == "killed by queen"


def test_watching_what_never_changes_wakes_nobody() -> None:
    woken: list[None] = []

    stop = _node().watch(lambda: woken.append(None))
    stop()
    stop()

    assert not woken
