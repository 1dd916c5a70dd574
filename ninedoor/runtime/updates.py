"""The updates of a running hive: opened with its state, kept durable, verified, and cleared of what is
unused.

What reads or syncs many chunks does so in a thread; what changes anything is done here, between two requests.
"""

import logging
from contextlib import suppress
from pathlib import Path
from threading import Lock

import trio

from ninedoor.config import Config
from ninedoor.errors import P9Error, StoreError
from ninedoor.hive.hive import Hive
from ninedoor.runtime.clock import Clock
from ninedoor.store.blobports import Blobs
from ninedoor.store.blobs import DiskBlobs
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates.jobs import Job
from ninedoor.updates.updates import Updates

_log = logging.getLogger(__name__)

VERIFY_EVERY_S = 86400.0
"""Every chunk is compared with its hash when the hive starts, then once a day, and when somebody asks."""

VERIFY_PAUSE_S = 0.2
"""Between two pieces of that, of some 10 ms each: it is in no hurry."""

COLLECT_EVERY_S = 60.0
"""Pause between two looks at what has been of no use for long."""

COLLECT_PAUSE_S = 0.1
"""The same while there is more of it: some 1000 chunks are removed in a second."""


class UpdateKeeper:
    """Updates together with what they are stored in. `open` makes one, `run` keeps it until cancelled."""

    def __init__(self, updates: Updates, blobs: Blobs, batch_s: float | None) -> None:
        self.updates = updates
        self._blobs = blobs
        self._batch_s = batch_s

    @classmethod
    def open(cls, config: Config, state: Path | None, hive: Hive, now: float) -> "UpdateKeeper | None":
        """What is kept in directory `state`, which its hive has locked, or new ones in memory when None; None
        when the manifest has no updates. Raises StoreError."""
        if not config.cas.enable:
            return None

        def log(text: str, now: float) -> None:
            with suppress(P9Error):  # the log decides nothing, and a full store is told of elsewhere
                hive.note(text, now)

        policy = config.store.fsync
        blobs: Blobs = MemoryBlobs() if state is None else DiskBlobs(state, policy)
        # Without a disk there is nothing that could be synced too late.
        sync_first = state is None or policy == "always"
        try:
            refused = hive.refusals.line
            updates = Updates(blobs, config.cas, log, refused, sync_first=sync_first, lock=Lock())
            updates.load(now)
        except P9Error as refusal:
            blobs.close()
            raise StoreError(f"updates cannot be loaded: {refusal.reason}") from refusal
        except BaseException:
            blobs.close()
            raise
        if updates.epochs:
            keys = f"{len(config.cas.keys)} trusted, {len(config.cas.revoked)} revoked"
            _log.info(
                "%d epochs; keys: %s, file %s", len(updates.epochs), keys, config.cas.key_path or "none"
            )
        return cls(updates, blobs, config.store.batch_ms / 1000 if policy == "batch" else None)

    async def run(self, clock: Clock) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work, clock)
            nursery.start_soon(self._verify, clock)
            nursery.start_soon(self._collect, clock)
            if self._batch_s is not None:
                nursery.start_soon(self._sync, self._batch_s)

    def close(self) -> None:
        """Make everything durable and let go of it. Idempotent; never raises."""
        with suppress(P9Error):
            self.updates.sync()
        self._blobs.close()

    async def _work(self, clock: Clock) -> None:
        """Do the jobs, one after the other."""
        wanted = trio.Event()

        def wake() -> None:
            wanted.set()

        self.updates.wake = wake
        while True:
            while (job := self.updates.next_job()) is not None:
                await self._do(job, clock)
            await wanted.wait()
            wanted = trio.Event()

    async def _verify(self, clock: Clock) -> None:
        updates = self.updates
        while True:
            hurried = trio.Event()
            updates.hurry = hurried.set
            asked, updates.is_verification_wanted = updates.is_verification_wanted, False
            for job in updates.verification():
                await self._do(job, clock)
                await trio.sleep(VERIFY_PAUSE_S)
            if asked:
                updates.verified(clock())
            with trio.move_on_after(VERIFY_EVERY_S):
                await hurried.wait()

    async def _do(self, job: Job, clock: Clock) -> None:
        await trio.to_thread.run_sync(job.run)
        try:
            self.updates.finished(job, clock())
        except P9Error as failed:
            _log.error("updates: %s", failed)

    async def _collect(self, clock: Clock) -> None:
        pause_s = COLLECT_EVERY_S
        while True:
            await trio.sleep(pause_s)
            try:
                removed = self.updates.collect(clock())
                pause_s = COLLECT_PAUSE_S if removed else COLLECT_EVERY_S
            except P9Error as failed:
                pause_s = COLLECT_EVERY_S
                _log.error("unused chunks were not removed: %s", failed)

    async def _sync(self, batch_s: float) -> None:
        while True:
            await trio.sleep(batch_s)
            unsettled = self.updates.unsettled()
            try:
                await trio.to_thread.run_sync(self._blobs.sync)
                self.updates.settle(unsettled)
            except P9Error as failed:
                _log.critical("updates can no longer be synced, and are refused from now on: %s", failed)
                return
