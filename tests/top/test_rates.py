"""What happened between two looks."""

from typing import Any

from ninedoor.top.rates import ORDERS, in_order, rows
from ninedoor.top.sample import Sample, Worker


def worker(number: int, end: int = 0, **changes: Any) -> Worker:
    values: dict[str, Any] = {"base": 0, "ticks_left": None, "ends_ms": None} | changes
    return Worker(
        f"worker-{number}", "worker-heartbeat", 100, values["base"], end, 0, values["ticks_left"], None,
        values["ends_ms"],
    )  # fmt: skip


def test_rates_are_per_second_between_the_looks() -> None:
    before = Sample(at=10.0, workers=(worker(1, 100), worker(2, 50)))
    now = Sample(at=12.0, workers=(worker(1, 300), worker(2, 50), worker(3, 9)))

    assert [row.bytes_s for row in rows(now, before)] == [100.0, 0.0, None]
    assert [row.bytes_s for row in rows(now, None)] == [None, None, None]


def test_a_clock_that_stands_or_a_worker_that_began_again_gives_no_rate() -> None:
    before = Sample(at=10.0, workers=(worker(1, 100),))

    assert rows(Sample(at=10.0, workers=(worker(1, 300),)), before)[0].bytes_s is None
    assert rows(Sample(at=11.0, workers=(worker(1, 10),)), before)[0].bytes_s == 0.0


def test_each_order_puts_first_what_it_is_about() -> None:
    before = Sample(at=0.0, workers=(worker(2), worker(10), worker(1)))
    now = Sample(
        at=1.0,
        workers=(
            worker(2, 90, base=0, ticks_left=5),
            worker(10, 50, base=45, ends_ms=7000, ticks_left=1),
            worker(1, 70, base=69),
        ),
    )
    shown = {order: [row.worker.id for row in in_order(rows(now, before), order)] for order in ORDERS}

    assert shown == {
        "rate": ["worker-2", "worker-1", "worker-10"],
        "ring": ["worker-2", "worker-10", "worker-1"],
        "ticks": ["worker-10", "worker-2", "worker-1"],
        "end": ["worker-10", "worker-1", "worker-2"],
        "id": ["worker-1", "worker-2", "worker-10"],
    }
