"""Waits and blocks after failed attempts, with time as a number."""

import pytest

from ninedoor.console.throttle import (
    ALL_FAILURES_MAX,
    PEERS_MAX,
    Denied,
    Throttle,
    Throttles,
)

START = 1_700_000_000.0
MANY = 1000


def failing(throttle: Throttle, *times: float) -> list[Denied | None]:
    """The answers to failures at seconds after START, each of which is let through."""
    answers = []
    for time in times:
        assert throttle.check(START + time) is None
        answers.append(throttle.failed(START + time))
    return answers


def test_a_first_attempt_is_free() -> None:
    assert Throttle().check(START) is None


def test_a_failure_costs_a_quarter_of_a_second() -> None:
    throttle = Throttle()
    failing(throttle, 0)

    assert throttle.check(START) == Denied("throttled", 250)
    assert throttle.check(START + 0.1) == Denied("throttled", 150)
    assert throttle.check(START + 0.249) == Denied("throttled", 1)
    assert throttle.check(START + 0.25) is None


@pytest.mark.parametrize("failures", range(12))
def test_each_failure_doubles_the_wait_up_to_64_seconds(failures: int) -> None:
    throttle = Throttle(MANY)
    failing(throttle, *[1000 * failure for failure in range(failures + 1)])
    last = START + 1000 * failures

    assert throttle.check(last) == Denied("throttled", 250 * 2 ** min(failures, 8))
    assert throttle.check(last + 64) is None


def test_the_third_failure_within_a_minute_blocks_for_ninety_seconds() -> None:
    throttle = Throttle()

    assert failing(throttle, 0, 30, 60) == [None, None, Denied("rate-limited", 90_000)]
    assert throttle.check(START + 60) == Denied("rate-limited", 90_000)
    assert throttle.check(START + 149.999) == Denied("rate-limited", 1)
    assert throttle.check(START + 150) is None


def test_failures_further_apart_do_not_block() -> None:
    assert failing(Throttle(), 0, 30, 60.001, 91, 120.002) == [None] * 5


def test_a_block_starts_a_new_window() -> None:
    throttle = Throttle()
    failing(throttle, 0, 1, 2)

    assert failing(throttle, 92, 100, 110) == [None, None, Denied("rate-limited", 90_000)]


def test_a_success_forgets_what_was_counted() -> None:
    throttle = Throttle()
    failing(throttle, 0, 1)
    throttle.succeeded()

    assert failing(throttle, 2, 3) == [None, None]
    assert throttle.check(START + 3) == Denied("throttled", 500)


def test_answers_read_as_clients_expect() -> None:
    assert (
        str(Denied("throttled", 250).ack("ATTACH")) == "ERR ATTACH reason=quota detail=throttled delay_ms=250"
    )
    assert str(Denied("rate-limited", 90_000).ack("ATTACH")) == (
        "ERR ATTACH reason=quota detail=rate-limited delay_ms=90000"
    )


def test_peers_do_not_wait_for_each_other() -> None:
    throttles = Throttles()
    for time in (0, 1, 2):
        throttles.failed("a", START + time)

    assert throttles.check("a", START + 2) == Denied("rate-limited", 90_000)
    assert throttles.check("b", START + 2) is None


def test_a_success_forgets_what_was_counted_of_that_peer() -> None:
    throttles = Throttles()
    throttles.failed("a", START)
    throttles.failed("b", START)
    throttles.succeeded("a")

    assert throttles.check("a", START) is None
    assert throttles.check("b", START) == Denied("throttled", 250)


def test_many_peers_together_are_blocked() -> None:
    throttles = Throttles()
    answers = [throttles.failed(f"peer-{number}", START + number) for number in range(30)]
    last = START + 29

    assert answers == [None] * 29 + [Denied("rate-limited", 90_000)]
    assert throttles.check("another", last) == Denied("rate-limited", 90_000)
    assert throttles.check("another", last + 90) is None


def storm(throttles: Throttles, last: float) -> None:
    """Failures of so many peers that all are blocked, the last at `last`."""
    for number in range(ALL_FAILURES_MAX):
        throttles.failed(f"peer-{number}", last - ALL_FAILURES_MAX + number + 1)


def test_a_peer_that_succeeded_is_not_locked_out_by_others() -> None:
    throttles = Throttles()
    throttles.succeeded("operator")
    storm(throttles, START)

    assert throttles.check("operator", START) is None
    assert throttles.failed("operator", START) is None
    assert throttles.check("operator", START + 0.1) == Denied("throttled", 150)
    assert throttles.check("operator", START + 1) is None


def test_a_known_peer_that_gets_blocked_is_known_no_more() -> None:
    throttles = Throttles()
    throttles.succeeded("operator")
    for time in (0, 1, 2):
        throttles.failed("operator", START + time)
    storm(throttles, START + 92)

    assert throttles.check("operator", START + 92) == Denied("rate-limited", 90_000)


def test_a_success_of_one_opens_the_way_for_no_other() -> None:
    throttles = Throttles()
    storm(throttles, START)
    throttles.succeeded("operator")

    assert throttles.check("another", START) == Denied("rate-limited", 90_000)


def test_known_peers_remembered_are_bounded() -> None:
    throttles = Throttles()
    for number in range(PEERS_MAX + 1):
        throttles.succeeded(f"known-{number}")
    storm(throttles, START)

    assert throttles.check("known-0", START) == Denied("rate-limited", 90_000)
    assert throttles.check("known-1", START) is None


def test_failed_peers_remembered_are_bounded() -> None:
    throttles = Throttles()
    throttles.succeeded("operator")
    throttles.failed("operator", START)
    for number in range(PEERS_MAX - 1):
        throttles.failed(number, START)

    assert throttles.check("operator", START) == Denied("throttled", 250)

    throttles.failed("one more", START)

    assert throttles.check("operator", START) is None


def test_the_peer_heard_of_longest_ago_is_forgotten_first() -> None:
    throttles = Throttles()
    for number in range(PEERS_MAX):
        throttles.succeeded(number)
    throttles.succeeded(0)
    throttles.succeeded("one more")
    storm(throttles, START)

    assert throttles.check(0, START) is None
    assert throttles.check(1, START) == Denied("rate-limited", 90_000)
