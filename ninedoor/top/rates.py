"""What happened between two looks at a hive, and in which order it is worth seeing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ninedoor.top.sample import Sample, Worker


@dataclass(frozen=True, slots=True)
class Row:
    """A worker and how it fares: `bytes_s` is what its ring took per second since the look before, None at
    the first."""

    worker: Worker
    bytes_s: float | None


def rows(now: Sample, before: Sample | None) -> list[Row]:
    """One row for each worker of `now`."""
    known = {worker.id: worker for worker in before.workers} if before else {}
    elapsed = now.at - before.at if before else 0.0
    return [Row(worker, _rate(worker, known.get(worker.id), elapsed)) for worker in now.workers]


def _rate(now: Worker, before: Worker | None, elapsed_s: float) -> float | None:
    if before is None or elapsed_s <= 0:
        return None
    return max(now.ring_next - before.ring_next, 0) / elapsed_s


def _natural(row: Row) -> tuple[str, int]:
    """worker-2 before worker-10."""
    stem, _, digits = row.worker.id.rpartition("-")
    return (stem, int(digits)) if digits.isascii() and digits.isdigit() else (row.worker.id, 0)


def _least(value: int | None) -> float:
    """What has no limit comes after what has one."""
    return float("inf") if value is None else value


ORDERS: dict[str, Callable[[Row], Any]] = {
    "rate": lambda row: (-(row.bytes_s or 0.0), _natural(row)),
    "ring": lambda row: (-row.worker.filled, _natural(row)),
    "ticks": lambda row: (_least(row.worker.ticks_left), _natural(row)),
    "end": lambda row: (_least(row.worker.ends_ms), _natural(row)),
    "id": _natural,
}
"""Name of an order → its key: the busiest, the fullest, or those that end first come first."""


def in_order(rows: Sequence[Row], order: str) -> list[Row]:
    """`rows` in one of ORDERS."""
    return sorted(rows, key=ORDERS[order])
