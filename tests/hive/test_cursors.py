"""Cursors: the exact lines of their audit, and the named ones, which a restart may keep."""

import errno

import pytest

from ninedoor import limits
from ninedoor.config import Config, Telemetry
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.workers import Worker
from ninedoor.store.memory import RetainedJournal
from tests.hive.hives import FULL, NOW, FailingJournal, added, log, new_hive, opened, run, spawned

LARGE = Config(telemetry=Telemetry(ring_bytes_per_worker=4096, retain_on_boot=True))


def _wrapped(hive: Hive) -> Worker:
    """Ten bytes and eight more into sixteen: two are gone."""
    worker = spawned(hive)
    for data in (b"0123456789", b"abcdefgh"):
        hive.append_telemetry(worker, limits.APPEND_OFFSET, data, "queen", NOW)
    return worker


def _do(hive: Hive, worker: Worker, line: str) -> None:
    hive.cursors.command(worker, line, NOW)


def _refused(hive: Hive, worker: Worker, line: str) -> tuple[int, str]:
    with pytest.raises(P9Error) as refusal:
        _do(hive, worker, line)
    return refusal.value.ecode, refusal.value.reason


# -- audit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("retain", "said"), [(False, "false"), (True, "true")])
def test_the_lines_of_the_audit(retain: bool, said: str) -> None:
    hive = new_hive(Config(telemetry=Telemetry(retain_on_boot=retain)))
    exceeded = "telemetry cursor rewind exceeded requested=0 last=2000 rewind_to=976"

    hive.cursors.overtaken(0, 2, NOW)
    hive.cursors.rewound(5, 18, NOW)
    hive.cursors.rewind_refused(exceeded, 1024, NOW)
    hive.cursors.clamped(99, 18, NOW)

    assert log(hive) == [
        f"[audit] telemetry cursor stale requested=0 rewind_to=2 retain_on_boot={said}",
        "[audit] telemetry cursor rewind requested=5 last=18 bytes=13",
        f"[audit] {exceeded} max_rewind=1024",
        "[audit] telemetry cursor clamped requested=99 end=18",
    ]


# -- named cursors ------------------------------------------------------------------------------------------


def test_a_cursor_stands_where_its_reader_has_set_it() -> None:
    hive = new_hive()
    worker = _wrapped(hive)

    _do(hive, worker, "set dash 12")
    _do(hive, worker, "set archive 18")

    assert hive.cursors.text(worker) == (
        b"ring base=2 next=18 capacity=16\n"
        b"cursor name=archive offset=18 lost=0 unread=0\n"
        b"cursor name=dash offset=12 lost=0 unread=6\n"
    )


def test_what_a_reader_missed_is_shown() -> None:
    hive = new_hive()
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 12")

    hive.append_telemetry(worker, limits.APPEND_OFFSET, b"0123456789ABCDEF", "queen", NOW)

    assert b"cursor name=dash offset=12 lost=6 unread=16\n" in hive.cursors.text(worker)


def test_a_reader_that_is_behind_the_oldest_byte_may_still_advance() -> None:
    """It has dealt with what it read before that was dropped."""
    hive = new_hive()
    worker = spawned(hive)
    hive.append_telemetry(worker, limits.APPEND_OFFSET, b"0123456789", "queen", NOW)
    _do(hive, worker, "set dash 0")
    hive.append_telemetry(worker, limits.APPEND_OFFSET, b"ABCDEFGHIJKLMNOP", "queen", NOW)

    _do(hive, worker, "set dash 5")

    assert worker.cursors == {"dash": 5}


def test_a_cursor_may_go_back_in_the_ring_and_that_is_logged() -> None:
    hive = new_hive()
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 18")

    assert added(hive, lambda: _do(hive, worker, "set dash 10")) == [
        "[audit] telemetry cursor rewind requested=10 last=18 bytes=8"
    ]
    assert worker.cursors == {"dash": 10}


def test_a_cursor_may_not_go_back_to_what_is_gone() -> None:
    hive = new_hive()
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 18")

    assert _refused(hive, worker, "set dash 1") == (
        errno.EINVAL,
        "telemetry cursor stale requested=1 rewind_to=2",
    )
    assert log(hive)[-1] == "[audit] telemetry cursor stale requested=1 rewind_to=2 retain_on_boot=false"
    assert worker.cursors == {"dash": 18}


def test_a_cursor_may_not_go_back_further_than_1024_bytes() -> None:
    hive = new_hive(LARGE)
    worker = spawned(hive)
    hive.append_telemetry(worker, limits.APPEND_OFFSET, b"x" * 3000, "queen", NOW)
    _do(hive, worker, "set dash 3000")

    text = "telemetry cursor rewind exceeded requested=100 last=3000 rewind_to=1976"
    assert _refused(hive, worker, "set dash 100") == (errno.EINVAL, text)
    assert log(hive)[-1] == f"[audit] {text} max_rewind=1024"


@pytest.mark.parametrize(
    ("line", "ecode", "reason"),
    [
        ("set dash 19", errno.EINVAL, "telemetry cursor requested=19 is past the end=18"),
        ("set dash -1", errno.EINVAL, "telemetry cursor offset -1 is not a number of bytes"),
        ("set dash 1e3", errno.EINVAL, "telemetry cursor offset 1e3 is not a number of bytes"),
        (
            "set dash " + "9" * 21,
            errno.EINVAL,
            f"telemetry cursor offset {'9' * 21} is not a number of bytes",
        ),
        ("set dash ²", errno.EINVAL, "telemetry cursor offset ² is not a number of bytes"),
        ("set a/b 3", errno.EINVAL, "telemetry cursor name a/b is not 1..32 of A-Z a-z 0-9._-"),
        ("set .a 3", errno.EINVAL, "telemetry cursor name .a is not 1..32 of A-Z a-z 0-9._-"),
        (
            f"set {'n' * 33} 3",
            errno.EINVAL,
            f"telemetry cursor name {'n' * 33} is not 1..32 of A-Z a-z 0-9._-",
        ),
        ("set dash", errno.EINVAL, "telemetry cursor command set dash is none of set NAME OFFSET, drop NAME"),
        ("go", errno.EINVAL, "telemetry cursor command go is none of set NAME OFFSET, drop NAME"),
        ("drop dash", errno.ENOENT, "telemetry cursor dash not found"),
    ],
)
def test_what_is_no_command_changes_nothing(line: str, ecode: int, reason: str) -> None:
    hive = new_hive()
    worker = _wrapped(hive)

    assert _refused(hive, worker, line) == (ecode, reason)
    assert not worker.cursors


def test_a_worker_has_so_many_cursors_and_no_more() -> None:
    hive = new_hive()
    worker = _wrapped(hive)
    for number in range(limits.CURSORS_MAX):
        _do(hive, worker, f"set reader-{number} 2")

    assert _refused(hive, worker, "set one-more 2") == (
        errno.EDQUOT,
        "worker-1 has 16 telemetry cursors already: drop one",
    )
    _do(hive, worker, "set reader-3 4")
    _do(hive, worker, "drop reader-3")
    _do(hive, worker, "set one-more 2")


def test_setting_it_where_it_stands_costs_no_record() -> None:
    journal = FailingJournal()
    hive = opened(journal)
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 12")
    journal.fail(1)

    _do(hive, worker, "set dash 12")

    assert journal.appends == 0


def test_a_store_that_takes_no_record_leaves_the_cursor_where_it_was() -> None:
    journal = FailingJournal()
    hive = opened(journal)
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 12")

    for line in ("set dash 18", "set other 3", "drop dash"):
        journal.fail(1)
        with pytest.raises(P9Error) as refusal:
            _do(hive, worker, line)
        assert refusal.value is FULL
        assert worker.cursors == {"dash": 12}


def test_the_cursors_of_a_worker_go_with_it() -> None:
    hive = new_hive()
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 12")

    run(hive, '{"kill":"worker-1"}')

    assert _refused(hive, worker, "set dash 18") == (errno.ESTALE, "killed by queen")
    assert hive.cursors.dump() == []


def test_who_watches_hears_of_changes_until_he_stops() -> None:
    hive = new_hive()
    worker, other = _wrapped(hive), spawned(hive)
    woken: list[str] = []
    stop = hive.cursors.watch(worker, lambda: woken.append("cursors"))

    _do(hive, worker, "set dash 12")
    _do(hive, other, "set dash 0")
    _do(hive, worker, "set dash 12")
    _do(hive, worker, "drop dash")
    stop()
    _do(hive, worker, "set dash 12")

    assert woken == ["cursors", "cursors"]


# -- restarts -----------------------------------------------------------------------------------------------


def _restarted(retain: bool, *, compact: bool) -> Hive:
    config = Config(telemetry=Telemetry(ring_bytes_per_worker=16, retain_on_boot=retain))
    journal = RetainedJournal()
    hive = opened(journal, config)
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 12")
    _do(hive, worker, "set other 18")
    _do(hive, worker, "drop other")
    if compact:
        journal.compact(hive.snapshot())
    again = opened(journal.reopened(), config)
    again.cursors.boot(NOW)
    return again


@pytest.mark.parametrize("compact", [False, True])
def test_retained_cursors_live_through_a_restart(compact: bool) -> None:
    hive = _restarted(True, compact=compact)

    assert hive.workers["worker-1"].cursors == {"dash": 12}
    assert hive.workers["worker-1"].ring.read(12, 99) == b"cdefgh"
    assert "cleared" not in log(hive)[-1]


@pytest.mark.parametrize("compact", [False, True])
def test_cursors_that_are_not_retained_are_cleared_at_the_start_and_rings_are_not(compact: bool) -> None:
    hive = _restarted(False, compact=compact)
    worker = hive.workers["worker-1"]

    assert not worker.cursors
    assert (worker.ring.base, worker.ring.retained()) == (2, b"23456789abcdefgh")
    assert log(hive)[-1] == "[audit] telemetry cursors cleared count=1 retain_on_boot=false"


def test_only_the_start_clears_them() -> None:
    hive = _restarted(False, compact=False)
    _do(hive, hive.workers["worker-1"], "set dash 12")

    hive.cursors.boot(NOW)

    assert hive.workers["worker-1"].cursors == {"dash": 12}


def test_a_start_that_could_not_be_recorded_clears_them_later() -> None:
    journal = FailingJournal()
    hive = opened(journal)
    worker = _wrapped(hive)
    _do(hive, worker, "set dash 12")
    journal.fail(1)
    with pytest.raises(P9Error):
        hive.cursors.boot(NOW)
    assert worker.cursors == {"dash": 12}

    hive.cursors.boot(NOW)

    assert not worker.cursors
