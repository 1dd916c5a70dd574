"""Runs of writes: one record for what they append, the same state as without, nothing lost, nothing moved."""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive import events as ev
from ninedoor.hive.batch import BATCH_BYTES
from ninedoor.hive.hive import Hive
from ninedoor.hive.workers import Worker
from ninedoor.store.memory import RetainedJournal
from tests.hive.hives import FULL, NOW, log, opened, run, spawned, state_of

END = limits.APPEND_OFFSET


def test_a_run_of_appends_is_one_record_and_the_same_state_after_a_restart() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    worker = spawned(hive, ops=100)
    records = len(journal.records)
    hive.batch.begin(NOW + 1)
    for number in range(9):
        hive.charge(worker, NOW + 1)
        hive.append_telemetry(worker, END, b"beat %d\n" % number, worker.label, NOW + 1)
        hive.append_log(b"line %d\n" % number, NOW + 1)
    assert len(journal.records) == records

    hive.batch.settle()

    assert len(journal.records) == records + 1
    assert (worker.beats, worker.ops_left, worker.ring.next) == (9, 91, 63)
    assert state_of(opened(journal.reopened())) == state_of(hive)


def test_a_run_that_appends_nothing_leaves_no_record() -> None:
    journal = RetainedJournal()
    hive = opened(journal)

    hive.batch.begin(NOW)
    hive.append_log(b"", NOW)
    hive.batch.settle()
    hive.batch.settle()

    assert not journal.records


def test_lines_of_a_run_stand_in_the_order_in_which_they_came() -> None:
    """The server's own line about a ring that wraps among those of clients, and what is no append at all."""
    journal = RetainedJournal()
    hive = opened(journal)
    worker = spawned(hive)
    before = len(log(hive))
    hive.batch.begin(NOW)
    hive.append_log(b"one", NOW)
    hive.append_telemetry(worker, END, b"0123456789", "queen", NOW)
    hive.append_telemetry(worker, END, b"abcdefgh", "queen", NOW)
    hive.append_log(b"two\n", NOW)
    hive.note("refused", NOW)
    hive.append_log(b"three\n", NOW)
    run(hive, '{"budget":{"ops":9}}')
    hive.batch.settle()

    wrapped = "[audit] telemetry ring wrap dropped_bytes=2 new_base=2"
    told = "updated default budget ttl=∞ ops=9 ticks=∞"
    assert log(hive)[before:] == ["one", wrapped, "two", "refused", "three", told]
    assert state_of(opened(journal.reopened())) == state_of(hive)


@pytest.mark.parametrize("size", [100, 8000])
def test_a_run_longer_than_a_batch_goes_on_without_it(size: int) -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    hive.batch.begin(NOW)
    lines = [b"%d " % number + b"x" * size for number in range(2 * BATCH_BYTES // size)]
    for line in lines:
        hive.append_log(line, NOW)
    hive.batch.settle()

    assert max(map(len, journal.records)) <= BATCH_BYTES + 1024
    assert log(hive) == [line.decode() for line in lines]
    assert state_of(opened(journal.reopened())) == state_of(hive)


def test_a_record_is_never_longer_than_the_room_that_was_asked_for() -> None:
    journal = RetainedJournal()
    promised: list[int] = []
    reserve = journal.reserve
    journal.reserve = lambda size: (promised.append(size), reserve(size))[1]  # type: ignore[method-assign]
    hive = opened(journal)
    worker = spawned(hive, ticks=2**64 - 1, ops=2**64 - 1)
    records = len(journal.records)
    for size in (0, 1, 7, 15, 16):
        hive.batch.begin(NOW)
        while hive.batch.room:
            hive.charge(worker, NOW)
            hive.append_telemetry(worker, END, b"x" * size, worker.label, NOW)
        hive.batch.settle()

    assert max(map(len, journal.records[records:])) <= min(promised)


def test_a_store_without_room_for_a_batch_refuses_each_append_by_itself() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    worker = spawned(hive)
    before = state_of(hive)
    journal.failure = FULL
    hive.batch.begin(NOW)
    appends: list[Callable[[], object]] = [
        lambda: hive.append_log(b"x\n", NOW),
        lambda: hive.append_telemetry(worker, END, b"x\n", "queen", NOW),
    ]
    for append in appends:
        with pytest.raises(P9Error, match="ENOSPC"):
            append()
    hive.batch.settle()

    assert state_of(hive) == before == state_of(opened(journal.reopened()))


def test_what_was_accepted_is_on_record_though_the_store_fails_before_the_run_is_over() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    worker = spawned(hive)
    hive.batch.begin(NOW)
    hive.append_log(b"kept\n", NOW)
    hive.append_telemetry(worker, END, b"kept\n", "queen", NOW)
    journal.failure = FULL
    with pytest.raises(P9Error):
        hive.note("not kept", NOW)
    with pytest.raises(P9Error):
        hive.append_log(b"not kept\n", NOW)
    hive.batch.settle()

    assert log(hive)[-1] == "kept"
    assert state_of(opened(journal.reopened())) == state_of(hive)


def test_a_compaction_in_a_run_keeps_what_the_run_had_appended() -> None:
    journal = RetainedJournal(snapshot_after=0)
    hive = opened(journal)
    spawned(hive)
    hive.batch.begin(NOW)
    hive.append_log(b"kept\n", NOW)
    hive.compact()
    hive.append_log(b"kept too\n", NOW)
    hive.batch.settle()

    assert log(hive)[-2:] == ["kept", "kept too"]
    assert state_of(opened(journal.reopened())) == state_of(hive)


def test_whoever_watches_the_log_is_woken_by_a_run() -> None:
    hive = opened(RetainedJournal())
    woken: list[int] = []
    hive.log.watch(lambda: woken.append(hive.log.next))
    hive.batch.begin(NOW)
    hive.append_log(b"one\n", NOW)
    hive.append_log(b"two\n", NOW)
    hive.batch.settle()

    assert woken[-1] == 8


def test_a_run_has_room_only_while_it_is_open_and_for_no_more_than_was_asked_for() -> None:
    hive = opened(RetainedJournal())
    assert not hive.batch.fits(1, 1)

    hive.batch.begin(NOW)
    assert hive.batch.fits(128, 40 << 10), "a turn of writes and what the one before left"
    assert not hive.batch.fits(1, BATCH_BYTES)
    hive.append_log(b"x" * (BATCH_BYTES // 2), NOW)
    assert not hive.batch.fits(1, BATCH_BYTES // 2)

    hive.batch.settle()
    assert not hive.batch.fits(1, 1)


def test_lines_gathered_are_those_appended_one_by_one() -> None:
    together, one_by_one = opened(RetainedJournal()), opened(RetainedJournal())
    datas = [b"one", b"two\n", b"", b"three\nfour", b"\n"]
    together.batch.begin(NOW)
    together.gather_log(datas, NOW)
    together.batch.settle()
    for data in datas:
        one_by_one.append_log(data, NOW)

    assert log(together) == ["one", "two", "three", "four", ""]
    assert state_of(together) == state_of(one_by_one)


@pytest.mark.parametrize("seed", range(20))
def test_any_history_is_the_same_with_and_without_runs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOG_BYTES", 4096)
    plain, in_runs = RetainedJournal(), RetainedJournal()
    one, other = opened(plain), opened(in_runs)
    for hive in (one, other):
        chance = random.Random(seed)
        spawned(hive, ticks=30, ops=40)
        for turn in range(20):
            now = NOW + turn
            if hive is other:
                hive.batch.begin(now)
            for _ in range(chance.randrange(8)):
                with suppress(P9Error):
                    _something(hive, list(hive.workers.values()), chance, now)
            hive.batch.settle()

    assert state_of(other) == state_of(one)
    assert state_of(opened(in_runs.reopened())) == state_of(opened(plain.reopened())) == state_of(one)
    assert len(in_runs.records) < len(plain.records)


def _something(hive: Hive, workers: list[Worker], chance: random.Random, now: float) -> None:
    data = b"x" * chance.randrange(20)
    match chance.randrange(6 if workers else 3):
        case 0 | 1:
            hive.append_log(data, now)
        case 2:
            run(hive, '{"spawn":"heartbeat","ticks":5}', now)
        case 3:
            hive.charge(chance.choice(workers), now)
        case _:
            worker = chance.choice(workers)
            hive.append_telemetry(worker, chance.choice((END, 0)), data, worker.label, now)


def test_events_that_share_a_record_are_those_of_the_format() -> None:
    journal = RetainedJournal()
    hive = opened(journal)
    hive.batch.begin(NOW)
    hive.append_log(b"one", NOW)
    hive.append_log(b"two", NOW)
    hive.batch.settle()

    assert ev.decode(journal.records[-1]) == (NOW, [[ev.LOGGED, b"one\ntwo\n"]])
