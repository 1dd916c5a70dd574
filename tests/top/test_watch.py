"""Looking again and again."""

import queue

from ninedoor.errors import NineDoorError
from ninedoor.top.sample import Sample
from ninedoor.top.watch import Watch

WAIT_S = 30.0
"""Longer than anything here takes, on any machine."""


class Told:
    """What a watch was given to say, and said."""

    def __init__(self, *outcomes: Sample | NineDoorError, interval_s: float = 3600.0) -> None:
        self.said: queue.SimpleQueue[Sample | str] = queue.SimpleQueue()
        self._outcomes = list(outcomes)
        self.looks = 0
        self.watch = Watch(self._take, interval_s, self.said.put, self.said.put)

    def _take(self) -> Sample:
        outcome = self._outcomes[min(self.looks, len(self._outcomes) - 1)]
        self.looks += 1
        if isinstance(outcome, NineDoorError):
            raise outcome
        return outcome


def test_it_looks_at_once_and_when_told_to() -> None:
    told = Told(Sample(at=1.0), Sample(at=2.0))
    told.watch.start()
    first = told.said.get(timeout=WAIT_S)
    told.watch.now()
    second = told.said.get(timeout=WAIT_S)
    told.watch.stop()

    assert (first, second) == (Sample(at=1.0), Sample(at=2.0))


def test_it_goes_on_after_a_hive_that_could_not_be_reached() -> None:
    told = Told(NineDoorError("gone"), Sample(at=2.0), interval_s=0.001)
    told.watch.start()
    said = [told.said.get(timeout=WAIT_S) for _ in range(2)]
    told.watch.stop()

    assert said == ["gone", Sample(at=2.0)]


def test_it_does_not_look_while_paused() -> None:
    told = Told(Sample(at=1.0))
    told.watch.paused = True
    told.watch.start()
    told.watch.now()
    told.watch.paused = False
    told.watch.now()
    told.said.get(timeout=WAIT_S)
    told.watch.stop()

    assert told.looks == 1


def test_nothing_is_told_after_the_end() -> None:
    told = Told(Sample(at=1.0))
    told.watch.stop()
    told.watch.start()

    assert told.said.empty()
