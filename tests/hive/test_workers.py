"""Workers as the hive keeps them."""

import pytest

from ninedoor.hive.ring import Ring
from ninedoor.hive.workers import Worker, shown


def _worker(**changes: object) -> Worker:
    ring = Ring(16)
    ring.append(b"0123456789", 3.0)
    ring.append(b"abcdefgh", 4.0)
    values: dict[str, object] = {
        "id": "worker-7",
        "role": "worker-heartbeat",
        "ring": ring,
        "spawned": 2.0,
        "ticks": 100,
        "ticks_left": 98,
        "ops_left": 9000,
        "deadline": 302.0,
        "beats": 2,
    }
    return Worker(**(values | changes))  # type: ignore[arg-type]  # one dict of many types


@pytest.mark.parametrize(
    "changes", [{}, {"ticks": None, "ticks_left": None, "ops_left": None, "deadline": None}]
)
def test_a_dump_loads_as_the_same_worker(changes: dict[str, object]) -> None:
    worker = _worker(**changes)

    loaded = Worker.load(worker.dump())

    assert loaded.dump() == worker.dump()
    assert (loaded.ring.base, loaded.ring.next, loaded.ring.retained()) == (2, 18, b"23456789abcdefgh")
    assert loaded.gone is None


def test_a_loaded_worker_shares_nothing_with_the_dump() -> None:
    worker = _worker()
    dump = worker.dump()

    worker.ring.append(b"later", 5.0)

    assert Worker.load(dump).ring.retained() == b"23456789abcdefgh"


@pytest.mark.parametrize(
    ("limit", "text"), [(0, "0"), (300, "300"), (2**64 - 1, "18446744073709551615"), (None, "∞")]
)
def test_a_limit_is_shown_as_number_or_infinity(limit: int | None, text: str) -> None:
    assert shown(limit) == text
