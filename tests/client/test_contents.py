"""Files whole or their end, in as few requests as it takes."""

import errno
from typing import Any

import pytest

from ninedoor import limits
from ninedoor.client.contents import latest, whole
from ninedoor.client.operations import Attached
from ninedoor.client.steps import Operation
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import QT_FILE, Qid

MSIZE = 8192
IOUNIT = MSIZE - limits.IO_OVERHEAD
MOST = 1 << 20
TAIL = 1 << 16
QID = Qid(QT_FILE, 1, 7)
NO_TIMES = (0, 0, 0, 0, 0, 0, 0, 0, 0)


class File:
    """A server with one file, whose bytes begin at offset `base`. `requests` are those it had; each name is
    that of a message."""

    def __init__(
        self, content: bytes, base: int = 0, *, known_base: bool = True, size: int | None = None
    ) -> None:
        self._content = content
        self._base = base
        self._known_base = known_base
        self._size = base + len(content) if size is None else size
        self.requests: list[Any] = []

    def carry_out(self, operation: Operation[Any]) -> Any:
        reply: Any = None
        while True:
            try:
                request = operation.send(reply)
            except StopIteration as done:
                return done.value
            self.requests.append(request)
            reply = self._answer(request)

    def _answer(self, request: Any) -> Any:
        match request:
            case m.Twalk():
                return m.Rwalk((QID,) * len(request.names))
            case m.Tlopen():
                return m.Rlopen(QID, IOUNIT)
            case m.Tgetattr():
                valid = 0x7FF | (0x2000 if self._known_base else 0)
                return m.Rgetattr(valid, QID, 0, 0, 0, 1, 0, self._size, 0, 0, *NO_TIMES, self._base)
            case m.Tread():
                at = request.offset - self._base
                assert at >= 0
                return m.Rread(self._content[at : at + request.count])
        return m.Rclunk()

    @property
    def reads(self) -> list[tuple[int, int]]:
        return [(each.offset, each.count) for each in self.requests if isinstance(each, m.Tread)]


def read(file: File, most: int = MOST) -> bytes:
    content: bytes = file.carry_out(whole(Attached(MSIZE), "/a/file", most))
    assert isinstance(file.requests[-1], m.Tclunk)
    return content


def read_end(file: File) -> tuple[bytes, int]:
    """Its last `TAIL` bytes, and where they end."""
    end: tuple[bytes, int] = file.carry_out(latest(Attached(MSIZE), "/a/file", TAIL))
    assert isinstance(file.requests[-1], m.Tclunk)
    return end


@pytest.mark.parametrize("size", [0, 1, 100, IOUNIT - 1])
def test_a_small_file_takes_one_read(size: int) -> None:
    file = File(b"x" * size)

    assert read(file) == b"x" * size
    assert file.reads == [(0, size + 1)]


@pytest.mark.parametrize("size", [IOUNIT, IOUNIT + 1, 3 * IOUNIT - 1, 3 * IOUNIT, 100_000])
def test_a_large_file_takes_as_many_as_it_must(size: int) -> None:
    content = bytes(at % 251 for at in range(size))
    file = File(content)

    assert read(file) == content
    assert len(file.reads) == size // IOUNIT + 1


def test_a_file_that_says_nothing_of_its_size_is_read_to_its_end() -> None:
    assert read(File(b"x" * 20_000, size=0)) == b"x" * 20_000


def test_a_file_that_is_shorter_than_it_says_is_read_to_its_end() -> None:
    assert read(File(b"x" * 10, size=500)) == b"x" * 10


def test_a_ring_is_read_from_its_oldest_byte() -> None:
    file = File(b"held", base=1000)

    assert read(file) == b"held"
    assert file.reads == [(1000, 5)]


def test_a_file_that_knows_no_oldest_byte_begins_at_zero() -> None:
    assert read(File(b"held", known_base=False)) == b"held"


def test_a_file_over_the_bound_is_refused_and_let_go_of() -> None:
    assert len(read(File(b"x" * MOST))) == MOST
    file = File(b"x" * (MOST + 1))

    with pytest.raises(P9Error) as refused:
        read(file)
    assert refused.value.ecode == errno.EMSGSIZE
    assert isinstance(file.requests[-1], m.Tclunk)


def test_the_end_of_a_file_begins_with_a_whole_line() -> None:
    lines = b"".join(b"line %06d\n" % number for number in range(10_000))
    shown, end = read_end(File(lines))

    assert TAIL - 12 < len(shown) <= TAIL
    assert lines.endswith(b"\n" + shown)
    assert end == len(lines)


@pytest.mark.parametrize("base", [0, 500])
def test_the_end_of_a_short_file_is_all_of_it(base: int) -> None:
    assert read_end(File(b"rest of a line\nline\n", base=base)) == (b"rest of a line\nline\n", base + 20)


def test_the_end_of_one_endless_line_is_shown_as_it_is() -> None:
    size = TAIL

    assert read_end(File(b"x" * (2 * size)))[0] == b"x" * size
    assert read_end(File(b"x" * (2 * size) + b"\n"))[0] == b"x" * (size - 1) + b"\n"
