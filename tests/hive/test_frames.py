"""Frames on their way into a ring: whole, the worker's own, with numbers that grow."""

import errno
from typing import Any

import pytest

from ninedoor import limits
from ninedoor.config import Config, Telemetry
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.workers import Worker
from ninedoor.store.memory import RetainedJournal
from ninedoor.telemetry.frames import Frame, encode
from tests.hive.hives import NOW, FailingJournal, log, opened, spawned

CONFIG = Config(telemetry=Telemetry(ring_bytes_per_worker=256, frame_schema="cbor-v1"))


def _frame(seq: int, **other: Any) -> bytes:
    return encode(Frame("worker-1", "worker-heartbeat", seq, 1000, {"tick": seq})._replace(**other))


def _append(hive: Hive, worker: Worker, data: bytes) -> int:
    return hive.append_telemetry(worker, limits.APPEND_OFFSET, data, worker.label, NOW)


def _hive() -> tuple[Hive, Worker]:
    hive = opened(RetainedJournal(), CONFIG)
    return hive, spawned(hive)


def test_a_frame_is_taken_as_it_is() -> None:
    hive, worker = _hive()

    assert _append(hive, worker, _frame(3)) == len(_frame(3))

    assert worker.ring.retained() == _frame(3)
    assert (worker.frame, worker.beats, worker.ticks_left) == (3, 1, 99)


def test_one_append_may_hold_several() -> None:
    hive, worker = _hive()

    _append(hive, worker, _frame(1) + _frame(7))

    assert worker.frame == 7


def test_nothing_is_taken_as_nothing() -> None:
    hive, worker = _hive()

    assert _append(hive, worker, b"") == 0
    assert worker.frame == -1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"heartbeat 1\n", "not a map"),
        (_frame(4)[:-1], "the bytes end within a value"),
        (_frame(4) + b"\n", "not a map"),
        (_frame(3), "seq 3 does not follow 3"),
        (_frame(2), "seq 2 does not follow 3"),
        (_frame(5) + _frame(4), "seq 4 does not follow 5"),
        (_frame(4, worker_id="worker-2"), "worker_id worker-2 is not worker-1"),
        (_frame(4, worker_id="a\nb"), r"worker_id a\nb is not worker-1"),
        (_frame(4, role="worker-gpu"), "role worker-gpu is not worker-heartbeat"),
    ],
)
def test_anything_else_is_refused_and_logged(data: bytes, reason: str) -> None:
    hive, worker = _hive()
    _append(hive, worker, _frame(3))
    with pytest.raises(P9Error) as refusal:
        _append(hive, worker, data)

    assert (refusal.value.ecode, refusal.value.reason) == (
        errno.EINVAL,
        f"telemetry frame rejected: {reason}",
    )
    assert log(hive)[-1] == f"[audit] telemetry frame rejected: {reason}"
    assert (worker.ring.retained(), worker.frame, worker.beats) == (_frame(3), 3, 1)


def test_a_frame_larger_than_the_ring_is_refused_for_that() -> None:
    hive, worker = _hive()
    large = _frame(1, payload={"a": "x" * 200})
    with pytest.raises(P9Error) as refusal:
        _append(hive, worker, large)

    assert refusal.value.ecode == errno.EDQUOT
    assert refusal.value.reason == f"telemetry frame exceeds ring quota: {len(large)} > 256"
    assert worker.frame == -1


@pytest.mark.parametrize("compact", [False, True])
def test_numbers_go_on_after_a_restart(compact: bool) -> None:
    journal = RetainedJournal()
    hive = opened(journal, CONFIG)
    worker = spawned(hive)
    for seq in range(1, 9):
        _append(hive, worker, _frame(seq))
    if compact:
        journal.compact(hive.snapshot())

    again = opened(journal.reopened(), CONFIG)

    assert again.workers["worker-1"].frame == 8
    with pytest.raises(P9Error, match="seq 8 does not follow 8"):
        _append(again, again.workers["worker-1"], _frame(8))


def test_a_store_that_takes_no_record_uses_no_number_up() -> None:
    journal = FailingJournal()
    hive = opened(journal, CONFIG)
    worker = spawned(hive)
    journal.fail(1)
    with pytest.raises(P9Error, match="no room"):
        _append(hive, worker, _frame(1))

    _append(hive, worker, _frame(1))

    assert worker.frame == 1
