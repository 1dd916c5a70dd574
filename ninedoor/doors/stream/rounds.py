"""Everything that is ready gets one turn per round: one task and one epoll(7) for any number of sockets.

A task per connection would be parked and woken by trio for each of them, which costs more than a request
does. Here trio waits for the epoll descriptor alone, and only when nothing is ready. A turn is bounded by who
takes it, so that a round is short; after `YIELD_S` of turns the rest of the daemon has its own.
"""

import logging
import select
import time
from typing import Protocol

import trio

_log = logging.getLogger(__name__)

YIELD_S = 0.001
"""Seconds of turns after which other tasks of the daemon run."""

ROUND = 256
"""Events taken from the kernel at a time; those of a larger crowd take turns there."""


class Member(Protocol):
    """Somebody with a descriptor."""

    def turn(self) -> bool:
        """Do a bounded piece of work; true when there is more of it that no event will announce."""

    def broke(self) -> None:
        """A bug came out of `turn`: leave."""


class Rounds:
    """The members by descriptor, and what each of them waits for."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._members: dict[int, Member] = {}

    def join(self, descriptor: int, member: Member) -> None:
        """Give `member` turns while `descriptor` is readable. Raises OSError when the system has no room for
        one more to wait for."""
        self._epoll.register(descriptor, select.EPOLLIN)
        self._members[descriptor] = member

    def await_room(self, descriptor: int) -> None:
        """Give its member turns only while `descriptor` can be written to."""
        self._epoll.modify(descriptor, select.EPOLLOUT)

    def await_bytes(self, descriptor: int) -> None:
        """Give its member turns while `descriptor` is readable, as from the start."""
        self._epoll.modify(descriptor, select.EPOLLIN)

    def leave(self, descriptor: int) -> None:
        """No more turns. Precondition: the descriptor is still open."""
        del self._members[descriptor]
        self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Forget all members. Idempotent."""
        self._members.clear()
        self._epoll.close()

    async def run(self) -> None:
        """Give turns until cancelled. Has a checkpoint whenever nothing is ready and once in `YIELD_S`."""
        poll, members, clock = self._epoll.poll, self._members, time.monotonic
        unfinished: dict[int, Member] = {}
        until = clock() + YIELD_S
        while True:
            ready, unfinished = unfinished, {}
            for descriptor, _events in poll(0, ROUND):
                ready[descriptor] = members[descriptor]
            if not ready:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                until = clock() + YIELD_S
                continue
            for descriptor, member in ready.items():
                try:
                    # Who left in this round is skipped; another may have its descriptor by now.
                    if members.get(descriptor) is member and member.turn():
                        unfinished[descriptor] = member
                except Exception:
                    _log.exception("bug in a turn")
                    member.broke()
                if clock() > until:
                    await trio.lowlevel.checkpoint()
                    until = clock() + YIELD_S
