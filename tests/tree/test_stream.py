"""Append-only files over a ring that wraps: what a reader sees of what is left, exactly once.

The model beside the tests keeps every byte that was ever appended, which the ring does not.
"""

import errno
import stat
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring
from ninedoor.session.ports import READ, WRITE, Caller, Opened
from ninedoor.telemetry.gaps import Gap, found, marker
from ninedoor.tree.stream import Stream
from ninedoor.wire.types import QT_APPEND
from tests.callers import QUEEN

CAPACITY = 16


class _File:
    """A stream over a ring of 16 bytes, and all that was ever appended to it."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.ring = Ring(capacity)
        self.history = b""
        self.node = Stream(("log", "queen.log"), self.ring, self._append)

    def _append(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        self.append(data, now)
        return len(data)

    def append(self, data: bytes, now: float = 0.0) -> None:
        self.ring.append(data, now)
        self.history += data

    def opened(self, access: int = READ) -> Opened:
        return self.node.open(access, 0.0)

    def sought(self, offset: int, count: int) -> bytes:
        """What a reader that keeps exact positions must see."""
        lost = b"\n" * self.ring.base + self.history[self.ring.base :]
        return lost[offset : offset + count]


def _wrapped() -> _File:
    """Ten bytes and eight more into sixteen: two are gone."""
    file = _File()
    file.append(b"0123456789")
    file.append(b"abcdefgh")
    return file


def _cat(opened: Opened, count: int = 5) -> bytes:
    """As cat(1) does: from offset 0 until a read brings nothing."""
    text = b""
    while part := opened.read(len(text), count, 0.0):
        text += part
    return text


# -- readers that start at the beginning --------------------------------------------------------------------


def test_a_fresh_reader_finds_everything_that_was_appended() -> None:
    file = _File()
    file.append(b"one\n")
    file.append(b"two\n")

    assert _cat(file.opened()) == b"one\ntwo\n"


@pytest.mark.parametrize("count", [1, 3, 15, 16, 17, 100])
def test_after_a_wrap_a_fresh_reader_finds_what_is_retained_exactly_once(count: int) -> None:
    assert _cat(_wrapped().opened(), count) == b"23456789abcdefgh"


def test_reading_again_from_the_beginning_starts_over() -> None:
    file = _wrapped()
    opened = file.opened()
    _cat(opened)
    file.append(b"IJ")

    assert _cat(opened) == b"456789abcdefghIJ"


def test_a_streaming_reader_finds_what_is_appended_while_it_reads() -> None:
    file = _wrapped()
    opened = file.opened()
    assert opened.read(0, 100, 0.0) == b"23456789abcdefgh"
    assert opened.read(16, 100, 0.0) == b""

    file.append(b"IJ")

    assert opened.read(16, 100, 0.0) == b"IJ"
    assert opened.read(18, 100, 0.0) == b""


class _Heard:
    """Remembers what is audited of cursors."""

    def __init__(self) -> None:
        self.stale: list[tuple[int, int]] = []

    def overtaken(self, requested: int, base: int, now: float) -> None:
        self.stale.append((requested, base))

    def rewound(self, requested: int, last: int, now: float) -> None:
        raise AssertionError("no ordinary reader is told of")

    def rewind_refused(self, text: str, most: int, now: float) -> None:
        raise AssertionError("no ordinary reader is refused")

    def clamped(self, requested: int, end: int, now: float) -> None:
        raise AssertionError("no ordinary reader is told of")


def test_a_streaming_reader_that_is_overtaken_finds_a_marker_and_goes_on_at_the_oldest_byte() -> None:
    file = _File(64)
    opened = file.opened()
    file.append(b"0123456789")
    assert opened.read(0, 4, 0.0) == b"0123"

    file.append(b"a" * 40)
    file.append(b"b" * 60)

    told = marker(Gap(42, 46))
    assert file.ring.base == 46
    assert opened.read(4, 1000, 0.0) == told + b"aaaa" + b"b" * 60
    assert not opened.pending()
    file.append(b"c")
    assert opened.read(4 + len(told) + 64, 1000, 0.0) == b"c"


@pytest.mark.parametrize("count", [1, 3, 25, 26, 27, 40])
def test_a_marker_is_whole_however_little_is_read_at_a_time(count: int) -> None:
    file = _File(64)
    opened = file.opened()
    file.append(b"0123456789")
    text = opened.read(0, 4, 0.0)
    file.append(b"a" * 40)
    file.append(b"b" * 60)

    while part := opened.read(len(text), count, 0.0):
        text += part

    assert text == b"0123" + marker(Gap(42, 46)) + b"aaaa" + b"b" * 60


@pytest.mark.parametrize("count", [1, 5, 1000])
def test_where_less_is_gone_than_a_marker_takes_line_feeds_stand_for_it(count: int) -> None:
    """So that what a reader counts never passes the size: tail(1) would take the file for cut."""
    file = _File()
    file.append(b"0123456789")
    opened = file.opened()
    text = opened.read(0, 4, 0.0)

    file.append(b"abcdefghijklmnop")
    while part := opened.read(len(text), count, 0.0):
        text += part

    assert text == b"0123" + b"\n" * 6 + b"abcdefghijklmnop"
    assert len(text) == file.node.attr().size


def test_a_streaming_reader_is_overtaken_more_than_once() -> None:
    heard = _Heard()
    file = _File(64)
    opened = Stream(("telemetry",), file.ring, None, cursors=heard).open(READ, 0.0)
    file.append(b"0123456789")
    text = opened.read(0, 2, 0.0)

    for letters in (b"a", b"b"):
        file.append(letters * 64)
        file.append(letters * 64)
        text += opened.read(len(text), 30, 0.0)

    first = marker(Gap(72, 74))
    at = 74 + 30 - len(first)
    second = marker(Gap(202 - at, 202))
    assert text == b"01" + first + b"a" * (30 - len(first)) + second + b"b" * (30 - len(second))
    assert heard.stale == [(2, 74), (at, 202)]


def test_a_reader_that_is_overtaken_within_a_marker_finds_the_next_behind_it() -> None:
    file = _File(64)
    opened = file.opened()
    file.append(b"0")
    text = opened.read(0, 1, 0.0)
    file.append(b"a" * 64)
    file.append(b"a" * 64)
    text += opened.read(len(text), 5, 0.0)
    file.append(b"b" * 64)
    file.append(b"b" * 64)

    while part := opened.read(len(text), 7, 0.0):
        text += part

    assert text == b"0" + marker(Gap(64, 65)) + marker(Gap(128, 193)) + b"b" * 64


def test_a_reader_that_waited_at_the_start_and_is_overtaken_is_told() -> None:
    heard = _Heard()
    file = _File(64)
    opened = Stream(("telemetry",), file.ring, None, cursors=heard).open(READ, 0.0)
    assert opened.read(0, 100, 0.0) == b""

    file.append(b"a" * 64)
    file.append(b"b" * 40)

    assert opened.read(0, 1000, 0.0) == marker(Gap(40, 40)) + b"a" * 24 + b"b" * 40
    assert heard.stale == [(0, 40)]
    assert opened.read(0, 1000, 0.0) == b"a" * 24 + b"b" * 40, "and then it starts over"


def test_a_fresh_reader_is_told_of_nothing() -> None:
    """There was nobody to miss what is gone."""
    heard = _Heard()
    file = _wrapped()
    node = Stream(("telemetry",), file.ring, None, cursors=heard)

    assert _cat(node.open(READ, 0.0)) == b"23456789abcdefgh"
    assert node.open(READ, 0.0).read(1, 4, 0.0) == b"\n234"
    assert heard.stale == []


def test_a_streaming_reader_that_goes_to_the_size_means_the_true_offset() -> None:
    """As less(1) does: it looks at the beginning, and then follows the end that stat shows."""
    file = _wrapped()
    opened = file.opened()
    assert opened.read(0, 4, 0.0) == b"2345"
    at = file.node.attr().size
    assert opened.read(at, 100, 0.0) == b""
    assert not opened.pending()

    file.append(b"I")

    assert opened.pending()
    assert opened.read(at, 100, 0.0) == b"I"
    assert not opened.pending()
    assert opened.read(0, 4, 0.0) == b"3456"


def test_a_streaming_reader_may_ask_for_an_offset_far_past_the_end() -> None:
    file = _wrapped()
    opened = file.opened()
    opened.read(0, 4, 0.0)

    assert opened.read(1 << 40, 100, 0.0) == b""
    assert opened.read(4, 4, 0.0) == b"6789"


APPENDS = st.binary(min_size=1, max_size=64).map(lambda data: data.replace(b"\n", b"."))


Start = Literal["waiting", "start", "size"]


@given(
    st.lists(st.one_of(APPENDS, st.integers(1, 90)), max_size=40),
    st.sampled_from(("waiting", "start", "size")),
)
def test_who_reads_on_loses_only_what_the_ring_lost_and_is_told_of_all_of_it(
    steps: list[bytes | int], start: Start
) -> None:
    file = _File(64)
    opened = file.opened()
    if start != "waiting":
        file.append(b"begun." * 10)
    count = position = 0 if start != "size" else file.ring.next
    assert opened.read(count, 1, 0.0) == (b"b" if start == "start" else b"")
    seen = b"b" if start == "start" else b""

    for step in [*steps, *(90 for _ in range(20))]:
        if isinstance(step, bytes):
            file.append(step)
            continue
        seen += opened.read(count + len(seen), step, 0.0)
        assert count + len(seen) <= file.ring.next, "it counts past the size"

    assert not opened.pending()
    at = 0
    while at < len(seen):
        gap = found(seen[at:])
        if gap is not None:
            at += len(marker(gap))
            position += gap.lost
            assert position == gap.next
            continue
        if seen[at : at + 1] != b"\n":
            assert seen[at] == file.history[position]
        at += 1
        position += 1
    assert position == file.ring.next


# -- readers that seek --------------------------------------------------------------------------------------


def test_a_reader_that_seeks_keeps_exact_positions() -> None:
    opened = _wrapped().opened()

    assert opened.read(14, 100, 0.0) == b"efgh"
    assert opened.read(2, 4, 0.0) == b"2345"
    assert opened.read(18, 100, 0.0) == b""


def test_a_reader_that_seeks_to_where_bytes_are_gone_reads_line_feeds() -> None:
    opened = _wrapped().opened()

    assert opened.read(1, 4, 0.0) == b"\n234"
    assert opened.read(1, 1, 0.0) == b"\n"


def test_a_seeking_reader_that_is_overtaken_finds_a_marker_and_goes_on_behind_it() -> None:
    heard = _Heard()
    file = _File(64)
    opened = Stream(("telemetry",), file.ring, None, cursors=heard).open(READ, 0.0)
    file.append(b"0123456789")
    assert opened.read(6, 100, 0.0) == b"6789"

    file.append(b"a" * 64)
    file.append(b"b" * 60)

    told = marker(Gap(60, 70))
    assert opened.read(10, 20, 0.0) == told[:20]
    assert opened.read(30, 200, 0.0) == told[20:] + b"a" * 4 + b"b" * 60
    end = 10 + len(told) + 64
    assert opened.read(end, 100, 0.0) == b""
    file.append(b"c")
    assert opened.read(end, 100, 0.0) == b"c"
    assert heard.stale == [(10, 70)]


def test_a_seeking_reader_that_was_overtaken_and_seeks_again_means_the_files_offsets() -> None:
    file = _File(64)
    opened = file.opened()
    file.append(b"0123456789")
    opened.read(6, 100, 0.0)
    file.append(b"a" * 64)
    file.append(b"b" * 60)
    opened.read(10, 30, 0.0)

    assert opened.read(72, 4, 0.0) == b"aabb"
    assert opened.read(10, 5, 0.0) == b"\n" * 5
    assert opened.read(130, 100, 0.0) == b"bbbb"


def test_who_seeks_to_where_bytes_went_long_ago_is_not_overtaken_there() -> None:
    file = _File(64)
    file.append(b"a" * 64)
    file.append(b"b" * 64)
    file.append(b"c" * 64)
    opened = file.opened()

    assert opened.read(10, 50, 0.0) == b"\n" * 50
    assert opened.read(60, 50, 0.0) == b"\n" * 50
    assert opened.read(110, 50, 0.0) == b"\n" * 18 + b"c" * 32


def test_a_seeking_reader_is_overtaken_more_than_once() -> None:
    file = _File(64)
    opened = file.opened()
    file.append(b"0123456789")
    opened.read(6, 4, 0.0)
    file.append(b"a" * 64)
    file.append(b"b" * 60)
    opened.read(10, 20, 0.0)

    file.append(b"c" * 64)
    file.append(b"d" * 60)

    first = marker(Gap(60, 70))
    assert opened.read(30, 100, 0.0) == first[20:]
    end = 10 + len(first)
    assert opened.read(end, 200, 0.0) == marker(Gap(124, 194)) + b"c" * 4 + b"d" * 60


def test_a_seeking_reader_that_is_overtaken_by_little_keeps_its_position() -> None:
    file = _wrapped()
    opened = file.opened()
    assert opened.read(10, 4, 0.0) == b"abcd"

    file.append(b"0123456789ABCDEF")

    assert opened.read(14, 8, 0.0) == b"\n\n\n\n0123"


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=CAPACITY),
            st.tuples(st.integers(1, 90), st.integers(0, 40)),
        ),
        max_size=30,
    )
)
def test_a_seeking_reader_sees_every_position_as_it_was_or_as_lost(
    steps: list[bytes | tuple[int, int]],
) -> None:
    file = _File()
    opened = file.opened()
    ended = 0

    for step in steps:
        if isinstance(step, bytes):
            file.append(step)
            continue
        offset, count = step
        offset += offset == ended  # who reads on where it stood may be overtaken

        assert opened.read(offset, count, 0.0) == file.sought(offset, count)
        ended = offset + len(file.sought(offset, count))


def test_tail_finds_the_end_by_the_size_and_follows_it() -> None:
    file = _wrapped()
    opened = file.opened()
    at = file.node.attr().size - 4
    assert opened.read(at, 100, 0.0) == b"efgh"
    at = file.node.attr().size

    for part in (b"IJKL", b"MNOPQRSTUVWX", b"yz"):
        file.append(part)
        assert opened.read(at, 100, 0.0) == part
        at += len(part)


def test_two_readers_do_not_disturb_each_other() -> None:
    file = _wrapped()
    streaming, seeking = file.opened(), file.opened()
    assert streaming.read(0, 4, 0.0) == b"2345"

    assert seeking.read(4, 4, 0.0) == b"4567"
    assert streaming.read(4, 4, 0.0) == b"6789"


# -- pending ------------------------------------------------------------------------------------------------


def test_a_reader_has_something_pending_until_it_reaches_the_end() -> None:
    file = _File()
    opened = file.opened()
    assert not opened.pending()

    file.append(b"abcd")
    assert opened.pending()

    opened.read(0, 3, 0.0)
    assert opened.pending()

    opened.read(3, 3, 0.0)
    assert not opened.pending()


def test_a_fresh_reader_of_a_wrapped_ring_has_something_pending_until_it_caught_up() -> None:
    opened = _wrapped().opened()
    assert opened.pending()

    opened.read(0, 15, 0.0)
    assert opened.pending()

    opened.read(15, 15, 0.0)
    assert not opened.pending()


def test_a_reader_of_positions_below_the_base_still_has_the_rest_pending() -> None:
    opened = _wrapped().opened()

    opened.read(1, 1, 0.0)

    assert opened.pending()


def test_what_was_there_before_a_write_only_open_is_not_pending() -> None:
    file = _wrapped()

    assert not file.opened(WRITE).pending()


# -- writing, stat and watching -----------------------------------------------------------------------------


def test_a_write_reaches_the_appender_as_it_came() -> None:
    taken: list[tuple[int, bytes, str, float]] = []

    def append(offset: int, data: bytes, caller: Caller, now: float) -> int:
        taken.append((offset, data, caller.label, now))
        return len(data)

    opened = Stream(("telemetry",), Ring(16), append).open(WRITE, 0.0)

    assert opened.write(7, b"heartbeat 1\n", QUEEN, 2.5) == 12

    assert taken == [(7, b"heartbeat 1\n", "queen", 2.5)]


@pytest.mark.parametrize("access", [WRITE, READ | WRITE])
def test_what_only_the_server_appends_to_refuses_to_be_opened_for_writing(access: int) -> None:
    node = Stream(("trace",), Ring(16), None)

    with pytest.raises(P9Error) as refusal:
        node.open(access, 0.0)

    assert refusal.value.ecode == errno.EPERM


def test_what_only_the_server_appends_to_refuses_writes_on_a_read_only_open() -> None:
    opened = Stream(("trace",), Ring(16), None).open(READ, 0.0)

    with pytest.raises(P9Error) as refusal:
        opened.write(0, b"x", QUEEN, 0.0)

    assert refusal.value.ecode == errno.EPERM


def test_the_size_is_the_absolute_end_and_only_grows() -> None:
    file = _wrapped()

    mode, size, _mtime, base = file.node.attr()

    assert mode == stat.S_IFREG | 0o644
    assert size == 18
    assert base == 2


def test_mtime_is_the_time_of_the_last_append() -> None:
    file = _File()
    file.append(b"x", 42.5)

    assert file.node.attr().mtime == 42.5


def test_the_qid_says_append_only_and_its_version_moves_with_every_append() -> None:
    file = _File()
    versions = []
    for _ in range(3):
        file.append(b"x")
        versions.append(file.node.qid.version)

    assert file.node.qid.type == QT_APPEND
    assert len(set(versions)) == 3


def test_the_qid_version_is_never_the_zero_that_means_cacheable_for_ever() -> None:
    assert Stream(("a",), Ring(16), None).qid.version != 0
    assert Stream(("a",), Ring(16, base=1 << 32), None).qid.version != 0


def test_watchers_wake_with_each_append_until_they_stop() -> None:
    file = _File()
    woken: list[int] = []
    stop = file.node.watch(lambda: woken.append(file.ring.next))
    file.append(b"ab")
    file.append(b"cd")

    stop()
    file.append(b"ef")

    assert woken == [2, 4]


def test_a_reader_that_moves_to_the_size_keeps_true_offsets_from_there() -> None:
    ring = Ring(16)
    stream = Stream(("log", "queen.log"), ring, None)
    ring.append(b"0123456789abcdef", 0.0)
    ring.append(b"GH", 0.0)
    handle = stream.open(READ, 0.0)
    assert handle.read(0, 64, 0.0) == b"23456789abcdefGH"

    assert handle.read(18, 64, 0.0) == b""
    ring.append(b"IJ", 0.0)
    assert handle.read(18, 64, 0.0) == b"IJ"
    ring.append(b"KL", 0.0)
    assert handle.read(20, 64, 0.0) == b"KL"
