"""Which waiting job runs next: by priority, and so that every job's turn comes.

A job gains one level of priority for each second that it waits. So the order of two waiting jobs never
changes, and nobody waits for those who come so much later that a higher priority does not make up for it. A
job of priority 0 waits for no job of priority 3 that came more than 3 seconds behind it. Jobs of one
priority run in the order in which they came.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, NamedTuple, TypeVar

AGING_S = 1.0
"""Seconds of waiting that count as much as one level of priority."""

T = TypeVar("T")


class _Place(NamedTuple, Generic[T]):
    """Of one job in the queue of its device. `turn` is what decides, `arrival` what breaks a tie."""

    turn: float
    arrival: int
    job: T


class FairQueue(Generic[T]):
    """The waiting jobs of all devices."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Place[T]]] = {}
        self._arrivals = count()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[T]:
        """Every waiting job, in no order."""
        for places in self._waiting.values():
            for place in places:
                yield place.job

    def put(self, job: T, device: str, priority: int, now: float) -> None:
        """Let `job` wait for `device` from `now` (seconds of a clock that does not jump)."""
        place = _Place(now - priority * AGING_S, next(self._arrivals), job)
        heappush(self._waiting.setdefault(device, []), place)

    def take(self, is_free: Callable[[str], bool]) -> T | None:
        """The job whose turn it is among those of devices that are free; None when there is none."""
        heads = [(places[0][:2], device) for device, places in self._waiting.items() if is_free(device)]
        if not heads:
            return None
        _turn, device = min(heads)
        places = self._waiting[device]
        job = heappop(places).job
        if not places:
            del self._waiting[device]
        return job

    def remove(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out the jobs that are no longer wanted, and return them in the order in which they would have
        run."""
        removed: list[_Place[T]] = []
        for device, places in list(self._waiting.items()):
            kept = [place for place in places if not unwanted(place.job)]
            removed += (place for place in places if unwanted(place.job))
            if kept:
                heapify(kept)
                self._waiting[device] = kept
            else:
                del self._waiting[device]
        return [place.job for place in sorted(removed, key=lambda place: place[:2])]
