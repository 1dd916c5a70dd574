"""One line for each connection that is dropped, and a bound on the lines."""

import pytest

from ninedoor.doors.stream.drops import LINES, Drops


def test_a_drop_is_one_line_that_says_who_and_why(caplog: pytest.LogCaptureFixture) -> None:
    Drops().drop("tcp:127.0.0.1:9", "no request for 5 ms", 1.0)

    assert caplog.messages == ["tcp:127.0.0.1:9: no request for 5 ms"]


def test_a_flood_is_counted_and_the_count_written_with_the_next_drop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drops = Drops()
    for _ in range(LINES + 1000):
        drops.drop("peer", "flood", 1.9)
    assert len(caplog.messages) == LINES

    drops.drop("peer", "later", 2.0)

    assert caplog.messages[LINES:] == ["1000 more connections were dropped in one second", "peer: later"]


def test_the_count_does_not_wait_for_a_next_drop(caplog: pytest.LogCaptureFixture) -> None:
    drops = Drops()
    for _ in range(LINES + 1):
        drops.drop("peer", "flood", 1.0)

    drops.tally(1.9)
    assert len(caplog.messages) == LINES
    drops.tally(2.0)
    drops.tally(3.0)
    assert caplog.messages[LINES:] == ["1 more connections were dropped in one second"]


def test_no_more_than_the_bound_counts_nothing(caplog: pytest.LogCaptureFixture) -> None:
    drops = Drops()
    for _ in range(LINES):
        drops.drop("peer", "why", 1.0)
    drops.tally(5.0)

    assert len(caplog.messages) == LINES
