"""Supervised workers: each attaches through the door like anyone else, with its own ticket and session.

One task beats for all of them, whoever is due first: a worker between two beats is a session and an entry in
a heap, and a task would cost it half as much again. A worker ends when its ticks are done or the hive revokes
it. What it cannot write for another reason (a full disk, a failing store) it tries again with a growing
pause; a bug in one ends neither the daemon nor another.
"""

import errno
import logging
import os
from collections.abc import Callable
from heapq import heappop, heappush
from zlib import crc32

import trio

from ninedoor.client.channel import Channel
from ninedoor.client.client import Client
from ninedoor.config import Sharding
from ninedoor.errors import P9Error
from ninedoor.hive.workers import Worker
from ninedoor.limits import APPEND_OFFSET
from ninedoor.shards import worker_path
from ninedoor.telemetry.frames import Frame, encode
from ninedoor.wire.messages import Twrite
from ninedoor.wire.types import U64, Fid

_log = logging.getLogger(__name__)

RETRY_FIRST_S = 1.0
RETRY_MOST_S = 60.0

YIELD_S = 0.001
"""Seconds of beats after which other tasks of the daemon run."""

SUPERVISED = "worker-heartbeat"
"""The role of the workers that the hive itself runs."""

ENDED = frozenset({errno.ESTALE, errno.ENOENT, errno.EPERM})
"""Refusals that say the worker has no business left: revoked, gone, its ticket dead."""

RENEWED = errno.EDQUOT
"""The quotas of the presented ticket are used up: a fresh one is minted and the work goes on at once, unless
not even one heartbeat fits."""

Attach = Callable[[Worker], Client]
"""Opens a session for the worker, ticket presented."""

Beat = Callable[[Worker], bytes]
"""What the worker appends for its next tick."""


def line_of(worker: Worker) -> bytes:
    """The next heartbeat as text."""
    return b"heartbeat %d\n" % (worker.beats + 1)


def frame_of(worker: Worker, clock: Callable[[], float]) -> bytes:
    """The next heartbeat as a CBOR frame. `clock` gives unix seconds."""
    number = max(worker.frame, 0) + 1
    return encode(Frame(worker.id, worker.role, number, int(clock() * 1000), {"tick": worker.beats + 1}))


UNSHARDED = Sharding()


def _telemetry(sharding: Sharding, worker: Worker) -> str:
    return "/" + "/".join((*worker_path(sharding, worker.id), "telemetry"))


class _Heart:
    """One worker between two beats: its session, once it has attached, the fid of its telemetry there, and
    the pause after its next failure. `beats` is what the worker had when it attached."""

    __slots__ = ("beats", "channel", "fid", "pause", "worker")

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.channel: Channel | None = None
        self.fid = 0
        self.beats = 0
        self.pause = RETRY_FIRST_S

    def stop(self) -> None:
        """End the session. Idempotent."""
        channel, self.channel = self.channel, None
        if channel is not None:
            channel.close()


class Supervisor:
    """Beats for the living workers (`ninedoor.hive.hive.Observer`), in one task that lives as long as there
    are any. A worker that lived through a restart goes on with the tick after its last acknowledged one; one
    that has none left does not even attach, which would cost operations."""

    def __init__(
        self,
        nursery: trio.Nursery,
        attach: Attach,
        heartbeat_s: float,
        beat: Beat = line_of,
        sharding: Sharding = UNSHARDED,
    ) -> None:
        self._nursery = nursery
        self._attach = attach
        self._heartbeat_s = heartbeat_s
        self._beat = beat
        self._sharding = sharding
        self._hearts: dict[str, _Heart] = {}
        self._due: list[tuple[float, int, _Heart]] = []
        """A heap of (trio's time, a number that tells equal times apart, who is due). A revoked worker is in
        it once more, to be ended at once; whoever has ended is passed over."""
        self._entries = 0
        self._earlier = trio.Event()
        """Set when somebody is due before whom the task waits for."""
        self._running = False

    def spawned(self, worker: Worker, now: float) -> None:
        """Begin to beat. Only for heartbeats: a GPU's worker is a program of its own."""
        self._begin(worker, 0.0)

    def resume(self, worker: Worker) -> None:
        """Begin to beat for a worker that lived through a restart, at a moment of its own within one
        heartbeat: thousands that all went on at once would stall everything else."""
        self._begin(worker, self._heartbeat_s * (crc32(worker.id.encode()) % 1024) / 1024)

    def revoked(self, worker: Worker, reason: str, now: float) -> None:
        """End the worker's session, in its turn: it may be what has just written."""
        heart = self._hearts.get(worker.id)
        if heart is not None:
            self._schedule(heart, 0.0)

    def _begin(self, worker: Worker, delay: float) -> None:
        if worker.role != SUPERVISED:
            return
        heart = self._hearts[worker.id] = _Heart(worker)
        self._schedule(heart, delay)
        if not self._running:
            self._running = True
            self._nursery.start_soon(self._run, name="heartbeats")

    def _schedule(self, heart: _Heart, delay: float) -> None:
        entry = (trio.current_time() + delay, self._entries, heart)
        self._entries += 1
        heappush(self._due, entry)
        if self._due[0] is entry:
            self._earlier.set()

    async def _run(self) -> None:
        due, hearts = self._due, self._hearts
        until = trio.current_time() + YIELD_S
        try:
            while hearts:
                when, _number, heart = due[0]
                if when > trio.current_time():
                    self._earlier = trio.Event()
                    with trio.move_on_at(when):
                        await self._earlier.wait()
                    until = trio.current_time() + YIELD_S
                    continue
                heappop(due)
                if hearts.get(heart.worker.id) is heart:
                    pause = self._turn(heart)
                    if pause is None:
                        heart.stop()
                        del hearts[heart.worker.id]
                    else:
                        self._schedule(heart, pause)
                if trio.current_time() > until:
                    await trio.lowlevel.checkpoint()
                    until = trio.current_time() + YIELD_S
        finally:
            self._running = False
            for heart in hearts.values():
                heart.stop()
            hearts.clear()
            due.clear()

    def _turn(self, heart: _Heart) -> float | None:
        """Let the worker beat once; returns the seconds to its next turn, None when it has ended."""
        worker = heart.worker
        try:
            if worker.gone is not None or (worker.ticks is not None and worker.beats >= worker.ticks):
                return None
            if heart.channel is None:
                heart.beats = worker.beats
                client = self._attach(worker)
                heart.channel = client.channel
                heart.fid = client.open(_telemetry(self._sharding, worker), os.O_WRONLY | os.O_APPEND).fid
            heart.channel.call(Twrite(Fid(heart.fid), U64(APPEND_OFFSET), self._beat(worker)))
            return self._heartbeat_s
        except P9Error as refusal:
            heart.stop()
            if refusal.ecode in ENDED:
                return None
            if worker.beats > heart.beats:
                heart.pause = RETRY_FIRST_S
                if refusal.ecode == RENEWED:
                    return 0.0
            _log.warning("%s cannot write: %s; again in %g s", worker.id, refusal, heart.pause)
        except Exception:  # a bug in one worker must not end the others
            heart.stop()
            _log.exception("bug in %s; again in %g s", worker.id, heart.pause)
        pause = heart.pause
        heart.pause = min(2 * pause, RETRY_MOST_S)
        return pause
