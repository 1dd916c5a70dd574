"""Registers: a text that shows a state, and lines that change it."""

import errno
from collections.abc import Callable

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE
from ninedoor.tree.register import Register, lines_of
from ninedoor.wire.types import QT_APPEND
from tests.callers import QUEEN


class _Words:
    """A state of words: each line written adds one, and `no` is refused."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.watchers: list[Callable[[], None]] = []
        self.node = Register(("words",), self._render, self._add, self._watch, mtime=7.0)

    def _render(self) -> bytes:
        return "".join(f"{word}\n" for word in self.words).encode()

    def _add(self, line: str, now: float) -> None:
        if line == "no":
            raise P9Error(errno.EINVAL, "no is no word")
        self.words.append(line)

    def _watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(wake)
        return lambda: self.watchers.remove(wake)


def test_one_reader_sees_one_state() -> None:
    words = _Words()
    words.words = ["one", "two"]
    opened = words.node.open(READ, 0.0)

    words.words.append("three")

    assert opened.read(0, 100, 0.0) == b"one\ntwo\n"
    assert words.node.open(READ, 0.0).read(0, 100, 0.0) == b"one\ntwo\nthree\n"
    assert words.node.attr().size == len(b"one\ntwo\nthree\n")


@pytest.mark.parametrize("offset", [0, 8, limits.APPEND_OFFSET])
def test_a_line_is_run_wherever_it_is_written(offset: int) -> None:
    words = _Words()

    assert words.node.open(WRITE, 0.0).write(offset, b" one \n\ntwo", QUEEN, 0.0) == 10

    assert words.words == ["one", "two"]


def test_lines_run_in_order_and_stop_at_the_first_that_is_refused() -> None:
    words = _Words()

    with pytest.raises(P9Error, match="no is no word"):
        words.node.open(WRITE, 0.0).write(0, b"one\nno\ntwo\n", QUEEN, 0.0)

    assert words.words == ["one"]


def test_it_may_be_cut_to_nothing_as_echo_does() -> None:
    assert _Words().node.qid.type == QT_APPEND


def test_who_watches_is_handed_on() -> None:
    words = _Words()
    stop = words.node.watch(lambda: None)
    assert len(words.watchers) == 1

    stop()

    assert words.watchers == []


def test_what_is_no_text_is_no_command() -> None:
    with pytest.raises(P9Error) as refused:
        lines_of(b"ok \xff")

    assert (refused.value.ecode, refused.value.reason) == (errno.EINVAL, "command is not UTF-8 at byte 3")


def test_a_write_that_was_cut_is_no_command() -> None:
    assert lines_of(b"x" * (limits.LINE_MAX - 1) + b"\n") == ["x" * (limits.LINE_MAX - 1)]
    with pytest.raises(P9Error) as refused:
        lines_of(b"x" * limits.LINE_MAX)

    assert refused.value.ecode == errno.EMSGSIZE
