"""Refusals as log lines: every one up to a burst, past that their number; no peer shapes a line."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.hive.lines import FIELD_MAX, TEXT_MAX
from ninedoor.hive.refusals import BURST, STRANGERS_MAX, RefusalLog, Strangers


class _Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, float]] = []
        self.failure: P9Error | None = None

    def note(self, text: str, now: float) -> None:
        if self.failure is not None:
            raise self.failure
        self.lines.append((text, now))


def _refuse(refusals: RefusalLog, now: float, times: int = 1, path: str = "/queen/ctl") -> None:
    for _ in range(times):
        refusals.refused("worker-heartbeat:worker-1", "9f3a", "Tlopen", path, errno.EPERM, "no", now)


def test_a_refusal_is_one_line_that_says_who_what_where_and_why() -> None:
    log = _Log()

    RefusalLog(log.note).refused("queen", "none", "Twrite", "/queen/ctl", errno.EINVAL, "empty line", 12.5)

    assert log.lines == [
        ("denied who=queen ticket=none op=Twrite path=/queen/ctl error=EINVAL reason=empty line", 12.5)
    ]


def test_an_errno_without_a_name_is_shown_as_its_number() -> None:
    log = _Log()

    RefusalLog(log.note).refused("queen", "none", "Twrite", "/", 4242, "odd", 0.0)

    assert "error=4242" in log.lines[0][0]


def test_a_path_can_begin_neither_another_line_nor_another_field() -> None:
    log = _Log()

    _refuse(RefusalLog(log.note), 1.0, path="/a\nforged line\x1b[2J")

    assert "path=/a\\nforged\\x20line\\x1b[2J error=EPERM" in log.lines[0][0]


def test_whoever_was_refused_cannot_shape_the_line() -> None:
    log = _Log()

    RefusalLog(log.note).refused("queen ticket=none", "9 f", "Tattach", "-", errno.EPERM, "no\nx", 0.0)

    who = "who=queen\\x20ticket=none ticket=9\\x20f"
    assert log.lines[0][0] == f"denied {who} op=Tattach path=- error=EPERM reason=no\\nx"


def test_a_line_is_bounded_whatever_the_peer_sent() -> None:
    log = _Log()

    long = "x" * 5000
    RefusalLog(log.note).refused(long, long, "Tattach", "/" + long, errno.EPERM, long, 0.0)

    assert len(log.lines[0][0]) < 3 * FIELD_MAX + TEXT_MAX + 100


def test_a_line_of_any_kind_counts_towards_the_burst() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)
    for _ in range(BURST // 2):
        refusals.line("ui-ticket outcome=deny reason=scope", 1000.0)
    _refuse(refusals, 1000.0, BURST // 2)
    refusals.line("[audit] telemetry quota reject bytes=17 quota=16", 1000.5)

    assert len(log.lines) == BURST
    assert log.lines[0] == ("ui-ticket outcome=deny reason=scope", 1000.0)
    refusals.tally(1001.0)
    assert log.lines[BURST:] == [(f"audit-suppressed lines=1 limit_per_s={BURST}", 1001.0)]


def test_a_tally_without_another_refusal_tells_what_was_suppressed_once() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)
    _refuse(refusals, 1000.0, BURST + 3)
    before = len(log.lines)

    for now in (1000.9, 1001.0, 1001.9, 1002.0):
        refusals.tally(now)

    assert log.lines[before:] == [(f"audit-suppressed lines=3 limit_per_s={BURST}", 1001.0)]


def test_a_burst_is_written_whole_and_what_follows_in_that_second_is_counted() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)

    _refuse(refusals, 1000.1, BURST + 50)
    assert len(log.lines) == BURST

    _refuse(refusals, 1001.0)

    assert log.lines[BURST:] == [
        (f"audit-suppressed lines=50 limit_per_s={BURST}", 1001.0),
        (log.lines[0][0], 1001.0),
    ]


def test_a_second_without_suppression_says_nothing_of_it() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)

    _refuse(refusals, 1000.0, BURST)
    _refuse(refusals, 1001.0, BURST)

    assert len(log.lines) == 2 * BURST


def test_each_second_has_a_burst_of_its_own() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)

    for second in range(3):
        _refuse(refusals, 1000.0 + second, BURST + 1)

    suppressions = [text for text, _now in log.lines if text.startswith("audit-suppressed lines=1 ")]
    assert len(suppressions) == 2
    assert len(log.lines) == 3 * BURST + 2


@pytest.mark.parametrize("ecode", [errno.ENOSPC, errno.EIO])
def test_a_refusal_stays_a_refusal_when_the_log_cannot_be_written(ecode: int) -> None:
    log = _Log()
    log.failure = P9Error(ecode, "no room")
    refusals = RefusalLog(log.note)

    _refuse(refusals, 1000.0, BURST + 5)
    _refuse(refusals, 1001.0)

    log.failure = None
    _refuse(refusals, 1002.0)
    assert len(log.lines) == 1


# -- strangers


def _knock(refusals: RefusalLog, who: str, now: float, times: int = 1) -> None:
    for _ in range(times):
        refusals.refused(who, "none", "AUTH", "-", errno.EPERM, "invalid-token", now)


def test_all_of_a_storm_is_written_and_a_line_a_second_of_what_goes_on() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)
    _knock(refusals, "tcp:10.0.0.1:1", 1000.0, BURST)
    assert len(log.lines) == BURST
    for second in range(1, 11):
        _knock(refusals, f"tcp:10.0.0.1:{second}", 1000.0 + second, 100)

    denials = [text for text, _now in log.lines[BURST:] if text.startswith("denied ")]
    counts = [text for text, _now in log.lines[BURST:] if text.startswith("audit-suppressed ")]
    assert len(denials) == 10
    assert counts == ["audit-suppressed lines=99 limit_per_s=1"] * 9


def test_a_storm_from_one_address_hides_nobody_elses_denials() -> None:
    log = _Log()
    refusals = RefusalLog(log.note)
    _knock(refusals, "tcp:10.0.0.1:1", 1000.0, BURST)
    _knock(refusals, "tcp:10.0.0.1:1", 1001.0, 10_000)
    _knock(refusals, "tcp:[::1]:1", 1001.5)
    _refuse(refusals, 1001.5)

    assert [text.partition(" ticket")[0] for text, _now in log.lines[-2:]] == [
        "denied who=tcp:[::1]:1",
        "denied who=worker-heartbeat:worker-1",
    ]


def test_no_more_addresses_are_remembered_than_the_bound() -> None:
    strangers = Strangers()
    for number in range(STRANGERS_MAX + 5):
        assert strangers.may(str(number), 0.0)

    assert len(strangers._left) == STRANGERS_MAX
