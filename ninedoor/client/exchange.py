"""Requests of several callers through one pipeline. Those of one caller are sent in their order, answered in
any, and returned in order; callers take turns where the window is too small for all of them.

How many requests a server takes at once 9P does not say, and one that is asked for more answers EBUSY. So
before several are on their way, flushes of nothing are: they are served in any state, no ticket counts them,
and how many of them are answered tells it. What is sent ahead is then never refused for being too many, and
lines that are written keep their order.
"""

import errno
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ninedoor.client.pipeline import Pipeline, refusal
from ninedoor.errors import P9Error
from ninedoor.wire.messages import Message, Rlerror, Tflush
from ninedoor.wire.types import Tag

_NEVER_USED = Tag(0xFFFE)
"""No client of ours has so many requests in flight."""

Failure = Callable[[bool], P9Error]
"""What becomes of a request without a reply; the argument says whether the whole of it was sent."""


class Exchange:
    """One caller's requests. `results` holds a reply or a P9Error for each that is done, None for the others;
    `answered` counts the replies."""

    __slots__ = ("_exchanges", "_next", "_places", "_requests", "answered", "results")

    def __init__(self, exchanges: "Exchanges", requests: Sequence[Message]) -> None:
        self.results: list[Any] = [None] * len(requests)
        self.answered = 0
        self._exchanges = exchanges
        self._requests = requests
        self._next = 0
        self._places: dict[int, int] = {}
        """Tag → place in `requests`."""

    @property
    def done(self) -> bool:
        return not self._places and not self.waits

    @property
    def waits(self) -> bool:
        """Is there a request that was not sent yet?"""
        return self._next < len(self._requests)

    @property
    def unsent(self) -> int:
        """Requests that were not sent yet."""
        return len(self._requests) - self._next

    @property
    def alone(self) -> bool:
        """Is nothing in flight but requests of this caller?"""
        return len(self._places) == len(self._exchanges.owners)

    def give_up(self, failure: Failure) -> None:
        """Wait for nothing any more: the result of what is not done is `failure`."""
        pipeline = self._exchanges.pipeline
        for tag, place in self._places.items():
            self.results[place] = failure(pipeline.left_whole(tag))
            pipeline.give_up(tag)
            del self._exchanges.owners[tag]
        self._places.clear()
        for place in range(self._next, len(self._requests)):
            self.results[place] = failure(False)
        self._next = len(self._requests)

    def abandon(self, failure: Failure) -> None:
        """Give up, and look at nothing that came: the fids that replies brought are let go."""
        for request, reply in zip(self._requests, self.results, strict=True):
            self._exchanges.pipeline.forget_fid(request, reply)
        self.give_up(failure)

    def send_next(self) -> None:
        """Precondition: it `waits`, and the pipeline `takes`."""
        place = self._next
        self._next += 1
        try:
            tag = self._exchanges.pipeline.send(self._requests[place])
        except P9Error as unsendable:
            self.results[place] = unsendable
        else:
            self._places[tag] = place
            self._exchanges.owners[tag] = self

    def take(self, tag: int, reply: Any) -> None:
        """`tag` was answered."""
        self.answered += 1
        result = refusal(reply.ecode) if type(reply) is Rlerror else reply
        self.results[self._places.pop(tag)] = result


class Exchanges:
    """All callers of one `pipeline`, whose server is known to take `at_once` requests at once."""

    def __init__(self, pipeline: Pipeline, at_once: int = 1) -> None:
        self.pipeline = pipeline
        self.owners: dict[int, Exchange] = {}
        """Tag → whose request it is."""
        self._queue: deque[Exchange] = deque()
        self._at_once = at_once
        self._is_most = at_once >= pipeline.window
        """Is there no more to be found out?"""
        self._trial: Exchange | None = None
        """The flushes that are to find out; nothing else is sent beside them."""

    def open(self, requests: Sequence[Message]) -> Exchange:
        """Put `requests` on their way as the window allows."""
        exchange = Exchange(self, requests)
        self._queue.append(exchange)
        self._fill()
        return exchange

    def receive(self, data: bytes) -> set[Exchange]:
        """Take what the server sent, and send what waited for room. Returns whose replies came."""
        answered = set()
        for tag, reply in self.pipeline.receive(data):
            owner = self.owners.pop(tag)
            owner.take(tag, reply)
            answered.add(owner)
        if self._trial is not None and self._trial.done:
            self._end_trial(self._trial)
        self._fill()
        return answered

    def fail(self, failure: Failure) -> set[Exchange]:
        """The connection is lost. Returns who waited."""
        failed = {*self.owners.values(), *self._queue}
        for exchange in failed:
            exchange.give_up(failure)
        self._queue.clear()
        return failed

    def _fill(self) -> None:
        queue, pipeline = self._queue, self.pipeline
        if not self._is_most and self._trial is None and pipeline.takes:
            wanted = pipeline.in_flight + sum(exchange.unsent for exchange in queue)
            if wanted > self._at_once:
                self._begin_trial(min(max(wanted, 2 * self._at_once), pipeline.window))
        while queue and self._trial is None and pipeline.takes and pipeline.in_flight < self._at_once:
            exchange = queue.popleft()
            if exchange.waits:
                exchange.send_next()
                if exchange.waits:
                    queue.append(exchange)

    def _begin_trial(self, count: int) -> None:
        self._trial = Exchange(self, [Tflush(_NEVER_USED)] * count)
        while self._trial.waits:
            self._trial.send_next()

    def _end_trial(self, trial: Exchange) -> None:
        """What came of it. A request that was in flight already may have been counted, which errs on the safe
        side."""
        taken = 0
        for result in trial.results:
            if isinstance(result, P9Error) and result.ecode == errno.EBUSY:
                break
            taken += 1
        self._at_once = max(1, taken)
        self._is_most = self._at_once < len(trial.results) or self._at_once >= self.pipeline.window
        self._trial = None
