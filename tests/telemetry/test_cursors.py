"""What a cursor may do in a ring, and what is logged of it."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.telemetry.cursors import admit, most_rewind


class _Ring:
    def __init__(self, base: int, end: int, capacity: int) -> None:
        self.base = base
        self.next = end
        self.capacity = capacity


class _Log:
    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def overtaken(self, requested: int, base: int, now: float) -> None:
        self.told.append(("stale", requested, base))

    def rewound(self, requested: int, last: int, now: float) -> None:
        self.told.append(("rewind", requested, last))

    def rewind_refused(self, text: str, most: int, now: float) -> None:
        self.told.append(("exceeded", text, most))

    def clamped(self, requested: int, end: int, now: float) -> None:
        self.told.append(("clamped", requested, end))


LARGE = _Ring(100, 5000, 8192)
SMALL = _Ring(2, 18, 16)


@pytest.mark.parametrize(
    ("ring", "requested", "last", "told"),
    [
        (SMALL, 2, 0, []),
        (SMALL, 18, 18, []),
        (SMALL, 10, 18, [("rewind", 10, 18)]),
        (SMALL, 2, 18, [("rewind", 2, 18)]),
        (LARGE, 3976, 5000, [("rewind", 3976, 5000)]),
    ],
)
def test_forward_is_free_and_back_is_logged(
    ring: _Ring, requested: int, last: int, told: list[object]
) -> None:
    log = _Log()

    admit(ring, requested, last, log, 0.0)

    assert log.told == told


def test_below_the_oldest_byte_a_cursor_is_stale() -> None:
    log = _Log()
    with pytest.raises(P9Error) as refused:
        admit(SMALL, 0, 0, log, 0.0)

    assert (refused.value.ecode, refused.value.reason) == (
        errno.EINVAL,
        "telemetry cursor stale requested=0 rewind_to=2",
    )
    assert log.told == [("stale", 0, 2)]


@pytest.mark.parametrize(
    ("requested", "last", "rewind_to"), [(3975, 5000, 3976), (100, 5000, 3976), (100, 1200, 176)]
)
def test_too_far_back_is_refused(requested: int, last: int, rewind_to: int) -> None:
    log = _Log()
    with pytest.raises(P9Error) as refused:
        admit(LARGE, requested, last, log, 0.0)

    text = f"telemetry cursor rewind exceeded requested={requested} last={last} rewind_to={rewind_to}"
    assert (refused.value.ecode, refused.value.reason) == (errno.EINVAL, text)
    assert log.told == [("exceeded", text, 1024)]


def test_nobody_goes_back_further_than_the_ring_or_1024_bytes() -> None:
    assert most_rewind(SMALL) == 16
    assert most_rewind(LARGE) == 1024


def test_without_a_log_the_rules_are_the_same() -> None:
    admit(SMALL, 10, 18, None, 0.0)
    for requested in (0, 100):
        with pytest.raises(P9Error):
            admit(LARGE, requested, 5000, None, 0.0)
