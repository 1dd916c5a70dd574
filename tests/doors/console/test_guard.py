"""Attempts are counted by who makes them, and every denial is one line."""

from ninedoor.console.throttle import ALL_FAILURES_MAX
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.guard import Guard
from ninedoor.doors.console.visitor import Visitor
from ninedoor.hive.refusals import RefusalLog

NOW = 1_800_000_000.0


class Book:
    """A guard, and the lines it has written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.counters = Counters()
        self.guard = Guard(RefusalLog(lambda text, _now: self.lines.append(text)), self.counters)


def visitor(number: int, port: int = 1) -> Visitor:
    return Visitor(f"tcp:127.0.0.{number}:{port}", f"tcp:127.0.0.{number}", True)


def test_ports_of_one_address_are_one_peer() -> None:
    guard = Book().guard
    guard.failed("AUTH", visitor(1, 1), NOW)

    assert guard.held_back("AUTH", visitor(1, 2), "none", NOW) is not None
    assert guard.held_back("AUTH", visitor(2, 1), "none", NOW) is None


def test_tokens_and_tickets_are_counted_apart() -> None:
    guard = Book().guard
    guard.failed("AUTH", visitor(1), NOW)
    assert guard.held_back("ATTACH", visitor(1), "none", NOW) is None

    guard.failed("ATTACH", visitor(1), NOW)
    guard.succeeded("AUTH", visitor(1))

    assert guard.held_back("AUTH", visitor(1), "none", NOW) is None
    assert guard.held_back("ATTACH", visitor(1), "none", NOW) is not None


def test_a_storm_of_tokens_does_not_lock_out_who_is_in() -> None:
    guard = Book().guard
    guard.succeeded("AUTH", visitor(200))
    for number in range(ALL_FAILURES_MAX):
        guard.failed("AUTH", visitor(number), NOW)

    assert guard.held_back("AUTH", visitor(201), "none", NOW) is not None
    assert guard.held_back("AUTH", visitor(200), "none", NOW) is None
    assert guard.held_back("ATTACH", visitor(201), "none", NOW) is None


def test_an_attempt_that_is_held_back_is_one_line() -> None:
    book = Book()
    book.guard.failed("ATTACH", visitor(1), NOW)
    assert book.lines == []  # the session has written of the failure itself

    assert str(book.guard.held_back("ATTACH", visitor(1), "abcd", NOW)) == (
        "ERR ATTACH reason=quota detail=throttled delay_ms=250"
    )
    assert book.lines == [
        "denied who=tcp:127.0.0.1:1 ticket=abcd op=ATTACH path=- error=EAGAIN reason=throttled delay_ms=250"
    ]
    assert book.counters.denied == 1


def test_the_third_failure_is_answered_with_the_block() -> None:
    guard = Book().guard

    assert [guard.failed("AUTH", visitor(1), NOW + at) is None for at in (0, 1, 3)] == [True, True, False]


def test_a_denial_without_a_path_says_so() -> None:
    book = Book()
    book.guard.denied("queen", "none", "LOG", "", "unauthenticated", NOW)

    assert book.lines == ["denied who=queen ticket=none op=LOG path=- error=EPERM reason=unauthenticated"]
