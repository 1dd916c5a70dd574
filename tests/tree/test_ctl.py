"""Control files: whole lines, in order, up to the first that fails; and every outcome readable."""

import errno
from collections.abc import Iterable

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring
from ninedoor.session.ports import READ, WRITE, Caller, Opened
from ninedoor.tree.ctl import CtlFile
from tests.callers import QUEEN


class _Console:
    """A ctl file whose commands are remembered, and refused when they begin with `bad`."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str, float]] = []
        self.rejected: list[tuple[str, int]] = []
        self.outcomes = Ring(limits.CTL_BYTES)
        self.node = CtlFile(("queen", "ctl"), self.outcomes, self._execute, self._reject)
        self.opened: Opened = self.node.open(READ | WRITE, 0.0)

    def _execute(self, line: str, caller: Caller, now: float) -> None:
        self.ran.append((line, caller.label, now))
        self.outcomes.append(f"{line}\n".encode(), now)
        if line.startswith("bad"):
            raise P9Error(errno.EBUSY, f"{line} refused")

    def _reject(self, text: str, refusal: P9Error, now: float) -> None:
        self.rejected.append((text, refusal.ecode))

    def write(self, data: bytes, offset: int = 0) -> int:
        return self.opened.write(offset, data, QUEEN, 4.5)

    @property
    def lines(self) -> Iterable[str]:
        return [line for line, _label, _now in self.ran]


def _refusal(console: _Console, data: bytes) -> int:
    with pytest.raises(P9Error) as refusal:
        console.write(data)
    return refusal.value.ecode


def test_a_line_runs_for_its_writer_at_its_time() -> None:
    console = _Console()

    assert console.write(b"cordon\n") == 7

    assert console.ran == [("cordon", "queen", 4.5)]


def test_a_line_needs_no_line_feed() -> None:
    console = _Console()

    assert console.write(b"cordon") == 6

    assert console.lines == ["cordon"]


def test_several_lines_of_one_write_run_in_order_stripped_and_without_the_blank_ones() -> None:
    console = _Console()
    data = b"\n  one\r\n\t two \n\n \nthree"

    assert console.write(data) == len(data)

    assert console.lines == ["one", "two", "three"]


@pytest.mark.parametrize("data", [b"", b"\n", b" \n\t\n"])
def test_blank_writes_run_nothing_and_are_taken_whole(data: bytes) -> None:
    console = _Console()

    assert console.write(data) == len(data)

    assert not console.ran
    assert not console.rejected


def test_the_first_line_that_fails_stops_the_write_and_what_ran_before_stays_done() -> None:
    console = _Console()

    assert _refusal(console, b"one\nbad two\nthree\n") == errno.EBUSY

    assert console.lines == ["one", "bad two"]
    assert console.opened.read(0, 100, 0.0) == b"one\nbad two\n"


@pytest.mark.parametrize("offset", [0, 1, 1 << 40, limits.APPEND_OFFSET])
def test_the_offset_means_nothing(offset: int) -> None:
    console = _Console()

    assert console.write(b"cordon\n", offset) == 7

    assert console.lines == ["cordon"]


@pytest.mark.parametrize(
    ("data", "position"), [(b"\xff\xfe\n", 0), (b"one\ntwo \xc3(\n", 8), (b"\xed\xa0\x80", 0)]
)
def test_what_is_not_utf8_is_refused_whole_and_recorded(data: bytes, position: int) -> None:
    console = _Console()

    with pytest.raises(P9Error, match=f"not UTF-8 at byte {position}") as refusal:
        console.write(data)

    assert refusal.value.ecode == errno.EINVAL
    assert not console.ran
    assert [ecode for _text, ecode in console.rejected] == [errno.EINVAL]


def test_a_write_that_may_have_been_cut_is_refused() -> None:
    console = _Console()

    assert _refusal(console, b"x" * limits.LINE_MAX) == errno.EMSGSIZE

    assert not console.ran
    assert console.rejected == [("x" * 64, errno.EMSGSIZE)]


def test_the_longest_line_runs() -> None:
    console = _Console()
    line = "x" * (limits.LINE_MAX - 1)

    assert console.write(line.encode() + b"\n") == limits.LINE_MAX

    assert console.lines == [line]


def test_only_the_first_bytes_of_a_malformed_write_are_recorded_and_always_as_text() -> None:
    console = _Console()

    _refusal(console, b"\xff" * 200)

    assert console.rejected == [("\\xff" * 64, errno.EINVAL)]


def test_the_file_belongs_to_its_owner_alone() -> None:
    assert _Console().node.attr().mode & 0o777 == 0o600


def test_reading_shows_the_outcomes() -> None:
    console = _Console()
    console.write(b"one\n")
    reader = console.node.open(READ, 0.0)

    assert reader.read(0, 100, 0.0) == b"one\n"
    assert not reader.pending()

    console.write(b"two\n")

    assert reader.pending()
    assert reader.read(4, 100, 0.0) == b"two\n"
