"""The ring: absolute offsets that never restart, and the oldest bytes leaving first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.hive.ring import Ring


def test_a_new_ring_is_empty_at_offset_zero() -> None:
    ring = Ring(16)

    assert (ring.base, ring.next, ring.retained(), ring.mtime) == (0, 0, b"", 0.0)


def test_what_fits_is_kept_whole() -> None:
    ring = Ring(16)

    assert ring.append(b"0123456789", 5.0) == 0

    assert (ring.base, ring.next, ring.retained(), ring.mtime) == (0, 10, b"0123456789", 5.0)


def test_the_oldest_bytes_leave_to_make_room() -> None:
    ring = Ring(16)
    ring.append(b"0123456789", 5.0)

    assert ring.overflow(8) == 2
    assert ring.append(b"abcdefgh", 6.0) == 2

    assert (ring.base, ring.next, ring.retained(), ring.mtime) == (2, 18, b"23456789abcdefgh", 6.0)


def test_a_full_capacity_replaces_everything() -> None:
    ring = Ring(4)
    ring.append(b"ab", 0.0)

    assert ring.append(b"cdef", 0.0) == 2

    assert (ring.base, ring.next, ring.retained()) == (2, 6, b"cdef")


def test_appending_nothing_drops_nothing() -> None:
    ring = Ring(4)
    ring.append(b"abcd", 0.0)

    assert ring.append(b"", 0.0) == 0

    assert (ring.base, ring.next) == (0, 4)


@pytest.mark.parametrize(
    ("offset", "count", "data"),
    [
        (2, 4, b"2345"),
        (2, 100, b"23456789abcdefgh"),
        (17, 100, b"h"),
        (18, 10, b""),
        (1 << 64, 1, b""),
        (2, 0, b""),
    ],
)
def test_reads_are_by_absolute_offset(offset: int, count: int, data: bytes) -> None:
    ring = Ring(16)
    ring.append(b"0123456789", 0.0)
    ring.append(b"abcdefgh", 0.0)

    assert ring.read(offset, count) == data


def test_a_ring_goes_on_where_it_was_left() -> None:
    ring = Ring(16, base=2, retained=b"23456789abcdefgh", mtime=6.0)

    assert (ring.base, ring.next, ring.mtime) == (2, 18, 6.0)
    assert ring.append(b"ij", 7.0) == 2
    assert ring.retained() == b"456789abcdefghij"


def test_what_was_read_is_not_changed_by_later_appends() -> None:
    ring = Ring(4)
    ring.append(b"abcd", 0.0)
    retained, read = ring.retained(), ring.read(0, 4)

    ring.append(b"efgh", 0.0)

    assert retained == read == b"abcd"


@given(st.integers(1, 20), st.lists(st.binary(max_size=20), max_size=20))
def test_a_ring_holds_the_end_of_its_history(capacity: int, parts: list[bytes]) -> None:
    ring = Ring(capacity)
    history = b""

    for part in parts:
        part = part[:capacity]
        foretold = ring.overflow(len(part))
        history += part

        assert ring.append(part, 0.0) == foretold
        assert ring.next == len(history)
        assert ring.base == max(0, len(history) - capacity)
        assert ring.retained() == history[ring.base :]


def test_watchers_wake_once_per_append_until_they_stop() -> None:
    ring = Ring(16)
    woken: list[str] = []
    stop_first = ring.watch(lambda: woken.append("first"))
    ring.watch(lambda: woken.append("second"))
    ring.append(b"a", 0.0)

    stop_first()
    ring.append(b"b", 0.0)

    assert woken == ["first", "second", "second"]


def test_a_watcher_sees_the_bytes_it_is_woken_for() -> None:
    ring = Ring(16)
    seen: list[bytes] = []
    ring.watch(lambda: seen.append(ring.retained()))

    ring.append(b"a", 0.0)

    assert seen == [b"a"]


def test_a_watcher_may_stop_while_it_is_woken() -> None:
    ring = Ring(16)
    woken: list[str] = []

    def once() -> None:
        woken.append("once")
        stop()

    stop = ring.watch(once)
    ring.watch(lambda: woken.append("always"))
    ring.append(b"a", 0.0)
    ring.append(b"b", 0.0)

    assert woken == ["once", "always", "always"]
