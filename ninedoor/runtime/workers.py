"""Supervised workers: each is a task that attaches through the door like anyone else, with its own ticket.

A worker ends when its ticks are done or the hive revokes it. What it cannot write for another reason (a full
disk, a failing store) it tries again with a growing pause; a bug in one ends neither the daemon nor another.
"""

import errno
import logging
import os
from collections.abc import Callable
from zlib import crc32

import trio

from ninedoor.client.client import Client
from ninedoor.errors import P9Error
from ninedoor.hive.workers import Worker

_log = logging.getLogger(__name__)

RETRY_FIRST_S = 1.0
RETRY_MOST_S = 60.0

ENDED = frozenset({errno.ESTALE, errno.ENOENT, errno.EPERM})
"""Refusals that say the worker has no business left: revoked, gone, its ticket dead."""

RENEWED = errno.EDQUOT
"""The quotas of the presented ticket are used up: a fresh one is minted and the work goes on at once, unless
not even one heartbeat fits."""

Attach = Callable[[Worker], Client]
"""Opens a session for the worker, ticket presented."""


class Supervisor:
    """Runs one task per live worker (`ninedoor.hive.hive.Observer`)."""

    def __init__(self, nursery: trio.Nursery, attach: Attach, heartbeat_s: float) -> None:
        self._nursery = nursery
        self._attach = attach
        self._heartbeat_s = heartbeat_s
        self._scopes: dict[str, trio.CancelScope] = {}

    def spawned(self, worker: Worker, now: float) -> None:
        """Start the worker's task."""
        scope = self._scopes[worker.id] = trio.CancelScope()
        self._nursery.start_soon(self._supervise, worker, scope, name=worker.id)

    def revoked(self, worker: Worker, reason: str, now: float) -> None:
        """End the worker's task at its next checkpoint."""
        scope = self._scopes.pop(worker.id, None)
        if scope is not None:
            scope.cancel()

    def resume(self, worker: Worker) -> None:
        """Start the task of a worker that lived through a restart, at a moment of its own within one
        heartbeat: thousands that all went on at once would stall everything else."""
        scope = self._scopes[worker.id] = trio.CancelScope()
        delay = self._heartbeat_s * (crc32(worker.id.encode()) % 1024) / 1024
        self._nursery.start_soon(self._supervise, worker, scope, delay, name=worker.id)

    async def _supervise(self, worker: Worker, scope: trio.CancelScope, delay: float = 0.0) -> None:
        pause = RETRY_FIRST_S
        with scope:
            await trio.sleep(delay)
            while worker.gone is None:
                beats = worker.beats
                try:
                    await heartbeat(worker, self._attach, self._heartbeat_s)
                    return
                except P9Error as refusal:
                    if refusal.ecode in ENDED:
                        return
                    if worker.beats > beats:
                        pause = RETRY_FIRST_S
                        if refusal.ecode == RENEWED:
                            await trio.lowlevel.checkpoint()
                            continue
                    _log.warning("%s cannot write: %s; again in %g s", worker.id, refusal, pause)
                except Exception:  # a bug in one worker must not end the others
                    _log.exception("bug in %s; again in %g s", worker.id, pause)
                await trio.sleep(pause)
                pause = min(2 * pause, RETRY_MOST_S)


async def heartbeat(worker: Worker, attach: Attach, pause_s: float) -> None:
    """Append `heartbeat <tick>` for each tick left, `pause_s` apart. A worker that lived through a restart
    goes on with the tick after its last acknowledged one; one that has none left does not even attach, which
    would cost operations. Raises P9Error."""
    if worker.ticks is not None and worker.beats >= worker.ticks:
        return
    client = attach(worker)
    try:
        with client.open(f"/worker/{worker.id}/telemetry", os.O_WRONLY | os.O_APPEND) as telemetry:
            while worker.ticks is None or worker.beats < worker.ticks:
                telemetry.write(f"heartbeat {worker.beats + 1}\n".encode())
                await trio.sleep(pause_s)
    finally:
        client.close()
