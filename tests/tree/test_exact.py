"""Strict reading of a ring: what the original's clients expect, at explicit offsets."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring
from ninedoor.session.ports import READ, WRITE, Exacting, Opened
from ninedoor.tree.stream import Stream
from tests.callers import QUEEN


class _Log:
    def __init__(self) -> None:
        self.told: list[str] = []

    def overtaken(self, requested: int, base: int, now: float) -> None:
        self.told.append(f"stale {requested} {base}")

    def rewound(self, requested: int, last: int, now: float) -> None:
        self.told.append(f"rewind {requested} {last}")

    def rewind_refused(self, text: str, most: int, now: float) -> None:
        self.told.append(f"{text} max_rewind={most}")

    def clamped(self, requested: int, end: int, now: float) -> None:
        self.told.append(f"clamped {requested} {end}")


def _opened(log: _Log | None = None, access: int = READ) -> tuple[Ring, Opened]:
    """Ten bytes and eight more into sixteen: two are gone."""
    ring = Ring(16)

    def append(offset: int, data: bytes, _caller: object, now: float) -> int:
        ring.append(data, now)
        return len(data)

    ring.append(b"0123456789", 0.0)
    ring.append(b"abcdefgh", 0.0)
    opened = Stream(("telemetry",), ring, append, cursors=log).open(access, 0.0)
    assert isinstance(opened, Exacting)
    return ring, opened.exact()


def test_a_fresh_reader_at_0_is_stale_and_told_where_to_go_on() -> None:
    log = _Log()
    _ring, opened = _opened(log)

    with pytest.raises(P9Error) as refused:
        opened.read(0, 100, 0.0)

    assert refused.value.ecode == errno.EINVAL
    assert refused.value.reason == "telemetry cursor stale requested=0 rewind_to=2"
    assert opened.read(2, 100, 0.0) == b"23456789abcdefgh"
    assert log.told == ["stale 0 2"]


def test_a_reader_may_go_back_and_that_is_logged() -> None:
    log = _Log()
    _ring, opened = _opened(log)
    opened.read(2, 100, 0.0)

    assert opened.read(10, 3, 0.0) == b"abc"
    assert opened.read(13, 100, 0.0) == b"defgh"
    assert log.told == ["rewind 10 18"]


def test_past_the_end_there_is_nothing_and_that_is_logged() -> None:
    log = _Log()
    _ring, opened = _opened(log)

    assert opened.read(18, 100, 0.0) == b""
    assert log.told == []
    assert opened.read(19, 100, 0.0) == b""
    assert log.told == ["clamped 19 18"]


def test_a_reader_that_is_overtaken_is_stale() -> None:
    ring, opened = _opened()
    assert opened.read(2, 4, 0.0) == b"2345"
    ring.append(b"ABCDEFGHIJ", 0.0)

    with pytest.raises(P9Error, match="stale requested=6 rewind_to=12"):
        opened.read(6, 4, 0.0)

    assert opened.read(12, 4, 0.0) == b"cdef"


def test_the_cursor_is_the_handles_own() -> None:
    log = _Log()
    ring, first = _opened(log)
    first.read(2, 100, 0.0)
    second = Stream(("telemetry",), ring, None, cursors=log).open(READ, 0.0)
    assert isinstance(second, Exacting)

    assert second.exact().read(4, 2, 0.0) == b"45"
    assert log.told == []


def test_something_is_pending_until_the_end_was_read() -> None:
    _ring, opened = _opened()
    assert opened.pending()

    opened.read(2, 100, 0.0)

    assert not opened.pending()


def test_it_writes_as_any_open_does() -> None:
    ring, opened = _opened(access=READ | WRITE)

    assert opened.write(18, b"xy", QUEEN, 0.0) == 2
    opened.close()
    assert ring.next == 20
