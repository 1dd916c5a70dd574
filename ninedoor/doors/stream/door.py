"""Serve 9P on sockets: the receptions of all listeners, their links, and the time that runs for them.

One task of the daemon's trio run gives everybody turns, and a second one looks at the clock. What a peer may
do is its session's business; here it is only decided how many peers there may be and for how long.
"""

import logging
import resource
import time
from collections.abc import Sequence

import trio

from ninedoor.config import Listener
from ninedoor.doors.stream.bound import Bound, ListenError, refuse_samples
from ninedoor.doors.stream.drops import Drops
from ninedoor.doors.stream.link import RETRIES, Link, Shared
from ninedoor.doors.stream.reception import Reception
from ninedoor.doors.stream.rounds import Rounds
from ninedoor.runtime.app import App

_log = logging.getLogger(__name__)

TICK_MOST_S = 0.25
TICK_LEAST_S = 0.01
"""Seconds between two looks at the clock: a quarter of the shortest time limit, but within these."""

SPARE_DESCRIPTORS = 64
"""What a daemon needs besides its peers' sockets: journal, mount, log, epoll."""


class Door:
    """The stream door of one hive, on every socket of `bound`. It owns them from now on. Raises ListenError,
    with all of them closed, when one of them is where this hive must not be served."""

    def __init__(self, app: App, bound: Sequence[Bound]) -> None:
        self._app = app
        self._bound = tuple(bound)
        self._timed: set[Link] = set()
        try:
            refuse_samples(app.config, bound)
        except ListenError:
            for one in bound:
                one.close()
            raise

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then end every session and close every socket. Can be called once."""
        _make_room(sum(bound.listener.sessions for bound in self._bound))
        rounds = Rounds()
        drops = Drops()
        retries = RETRIES[self._app.config.secure9p.short_write]
        shared = Shared(rounds, drops, self._app.counters, retries, self._app.clock, time.monotonic)
        receptions = [Reception(self._app, bound, shared, self._timed.add) for bound in self._bound]
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_time, receptions, drops)
                task_status.started()
                await rounds.run()
        finally:
            for reception in receptions:
                reception.close("shutting down")
            rounds.close()

    async def _keep_time(self, receptions: list[Reception], drops: Drops) -> None:
        tick_s = _tick_s([bound.listener for bound in self._bound])
        while True:
            await trio.sleep(tick_s)
            now = time.monotonic()
            for link in tuple(self._timed):
                if not link.expire(now):
                    self._timed.discard(link)
            for reception in receptions:
                reception.resume()
            drops.tally(now)


def _tick_s(listeners: Sequence[Listener]) -> float:
    limits_ms = [ms for one in listeners for ms in (one.handshake_ms, one.idle_ms, one.stall_ms) if ms]
    return min(max(min(limits_ms, default=0) / 4000, TICK_LEAST_S), TICK_MOST_S)


def _make_room(sessions: int) -> None:
    """Raise the soft limit on open descriptors to what `sessions` peers need, as far as the hard one goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sessions + SPARE_DESCRIPTORS
    if soft < needed and soft != resource.RLIM_INFINITY:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
        if most < needed:
            _log.warning(
                "peers can use up all descriptors: %d are permitted (ulimit -Hn), %d are needed for the "
                "sessions of all listeners; permit more, or fewer sessions",
                most,
                needed,
            )
