"""The node that refuses: one errno for each verb a kind does not have."""

import errno
import stat
from collections.abc import Callable

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE
from ninedoor.session.view import SALT_SHIFT
from ninedoor.tree.node import NUMBER_BITS, ROOT_NUMBER, BaseNode, number_of
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
    assert _node(0o640, mtime=12.5).attr() == (stat.S_IFREG | 0o640, 0, 12.5, 0)


def test_the_qid_is_that_of_a_file_and_carries_the_number() -> None:
    node = _node()
    node.settle(b"above")

    assert node.qid == Qid(QT_FILE, 1, number_of(node.identity))


def _number(name: str, *, above: bytes = b"above", born: float = 0.0) -> int:
    node = BaseNode(("any", name), permissions=0o444, born=born)
    node.settle(above)
    return node.number


def test_a_number_is_made_of_the_directory_the_name_and_the_time_of_birth() -> None:
    assert _number("a", born=1.5) == _number("a", born=1.5)
    numbers = {
        _number("a"),
        _number("b"),
        _number("a", above=b"elsewhere"),
        _number("a", born=1.5),
        _number("a", born=2.5),
    }

    assert len(numbers) == 5


def test_a_number_is_a_format_and_never_changes() -> None:
    """Clients find their files again by it after a restart, which may be one of another version."""
    assert _number("queen.log", above=bytes(8)) == 43596508508593


@pytest.mark.parametrize("identity", [b"", bytes(16), b"\xff" * 16, bytes(range(16)), b"\x01"])
def test_numbers_leave_out_the_roots_and_stay_below_the_bits_of_binds(identity: bytes) -> None:
    assert ROOT_NUMBER < number_of(identity) < 1 << NUMBER_BITS < 1 << SALT_SHIFT


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
