"""Which jobs the bridge knows, which of them wait and which run; what follows when it reads a queue of the
hive.

Nothing here waits: `start` is told of each job whose turn it is, and whoever runs it says when it is over.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import trio

from ninedoor.gpu.jobs import Pending
from ninedoor.gpubridge.queue import FairQueue
from ninedoor.gpubridge.work import Work


class Bounds(NamedTuple):
    """How much runs at a time: `jobs` in all, `streams` on one device. A lease may allow less."""

    jobs: int
    streams: int


class Board:
    """The jobs of all devices. Times are seconds of a clock that does not jump."""

    def __init__(self, bounds: Bounds, start: Callable[[Work], None]) -> None:
        self._bounds = bounds
        self._start = start
        self._known: dict[tuple[str, str], Work] = {}
        self._queue: FairQueue[Work] = FairQueue()
        self._running: Counter[str] = Counter()
        self._allowed: dict[str, int] = {}
        """Streams of the lease of each device."""
        self._is_closed = False
        self._idle = trio.Event()

    def waiting(self, gpu: str) -> int:
        """Jobs that wait for `gpu`."""
        return sum(work.gpu == gpu and not work.is_started for work in self._known.values())

    def running(self, gpu: str | None = None) -> list[Work]:
        """Jobs that were started and are not over: of one device, or all."""
        return [work for work in self._known.values() if work.is_started and gpu in (None, work.gpu)]

    def claimed(self, gpu: str) -> set[Work]:
        """Jobs of `gpu` that the hive knows to run here."""
        return {work for work in self._known.values() if work.gpu == gpu and work.is_claimed}

    def read(
        self, gpu: str, listing: Iterable[Pending], claimed_before: set[Work], now: float
    ) -> list[Pending]:
        """Take in what the queue of `gpu` says; `claimed_before` are those that were claimed when reading it
        began. Returns the jobs that run, as the hive has it, but not here."""
        listed = {pending.job.id: pending for pending in listing}
        for work in [work for work in self._known.values() if work.gpu == gpu]:
            pending = listed.get(work.job.id)
            work.listed = "" if pending is None else pending.state
            if not work.is_reporting and _is_over(work, pending, work in claimed_before):
                self._end(work)
        elsewhere = []
        for pending in listed.values():
            self._allowed[gpu] = pending.streams
            work = Work(gpu, pending)
            if work.key in self._known:
                continue
            if pending.state == "QUEUED":
                self._known[work.key] = work
                self._queue.put(work, gpu, pending.priority, now)
            else:
                elsewhere.append(pending)
        return elsewhere

    def dispatch(self) -> None:
        """Start every job whose turn it is."""
        while not self._is_closed and self._running.total() < self._bounds.jobs:
            work = self._queue.take(self._is_free)
            if work is None:
                return
            work.is_started = True
            self._running[work.gpu] += 1
            self._start(work)

    def over(self, work: Work) -> None:
        """`work`, which was started, is done with."""
        if self._known.get(work.key) is work:
            del self._known[work.key]
        self._running[work.gpu] -= 1
        if not self._running.total():
            self._idle.set()
            self._idle = trio.Event()
        self.dispatch()

    def close(self) -> None:
        """Start nothing any more. What waits, waits for another bridge."""
        self._is_closed = True

    async def wait_idle(self) -> None:
        """Until nothing runs."""
        while self._running.total():
            await self._idle.wait()

    def _is_free(self, gpu: str) -> bool:
        return self._running[gpu] < min(self._allowed.get(gpu, 1), self._bounds.streams)

    def _end(self, work: Work) -> None:
        """The hive has ended it."""
        del self._known[work.key]
        if work.is_started:
            work.scope.cancel()
        else:
            self._queue.remove(lambda each: each is work)


def _is_over(work: Work, pending: Pending | None, claimed_before: bool) -> bool:
    """Has the hive ended `work`, of which its queue now says `pending`? A name may be used again: another
    descriptor, or one that waits where ours is running, is another job."""
    if pending is None or pending.job.line != work.job.line:
        return True
    return claimed_before and pending.state == "QUEUED"
