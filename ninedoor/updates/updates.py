"""The updates of a hive: epochs that fill with chunks and are committed by their manifest. This joins their
parts, and is all that the rest of a hive sees of them.

    chunks      what is stored by its hash            registry   which epochs hold something
    manifests   how an epoch is committed             loading    what a start finds
    models      weights with a schema and a signature
"""

import errno
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from ninedoor.cas.limits import Limits
from ninedoor.cas.status import Status
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.store.blobports import Blobs
from ninedoor.updates.budget import Budget
from ninedoor.updates.chunks import Chunks, Log
from ninedoor.updates.epochs import Epoch
from ninedoor.updates.jobs import HashJob, Job, RunJob, VerifyJob
from ninedoor.updates.judging import Judge
from ninedoor.updates.loading import Loader
from ninedoor.updates.manifests import Manifests
from ninedoor.updates.models import Models
from ninedoor.updates.payloads import ALONE, Hasher, Lock, Part, Payload, Run
from ninedoor.updates.registry import Registry

VERIFIED_AT_ONCE = 1024
"""Chunks of one job of the verification: pieces small enough to be paused between."""

COLLECTED_AT_ONCE = 256
"""Chunks removed at a time when they have been of no use for long."""


class Updates:
    """Create, `load` once, then use; it belongs to one thread, but for jobs, which share `lock` with it, and
    `blobs.sync`. `log` writes a line to the hive's log, `refused` one about a refusal, of which there may be
    many; both never raise. `sync_first` commits nothing before it is durable. `wake` is called when there is
    a job, `hurry` when somebody asks for a verification; `is_verification_wanted` stays true until it begins.
    """

    def __init__(
        self,
        blobs: Blobs,
        settings: Cas,
        log: Log,
        refused: Log,
        *,
        sync_first: bool = False,
        lock: Lock = ALONE,
    ) -> None:
        self.settings = settings
        self.budget = Budget(settings.budget_bytes)
        self.chunks = Chunks(blobs, settings, self.budget, refused)
        self.chunks.lost, self.chunks.found = self._lost, self._found
        self.models = Models(blobs, settings, self.chunks)
        self.registry = Registry(blobs, settings, self.budget, self.chunks, lock)
        self.epochs = self.registry.epochs
        self.wake: Callable[[], None] = lambda: None
        self.hurry: Callable[[], None] = lambda: None
        self.is_verification_wanted = False
        limits = Limits(settings.chunk_bytes, settings.max_chunks)
        judge = Judge(settings, limits, self.chunks, self.epochs.get, refused)
        self.manifests = Manifests(
            blobs,
            limits,
            self.budget,
            self.registry,
            self.chunks,
            judge,
            log,
            self._begin,
            keeps_hashes=settings.delta,
            sync_first=sync_first,
        )
        self._loader = Loader(blobs, limits, self.budget, self.registry, judge, self.chunks, log)
        self._blobs = blobs
        self._log = log
        self._max_chunks = settings.max_chunks
        self._jobs: deque[Job] = deque()
        self._followed = Run(0)
        self._wanted: set[bytes] = set()
        """Chunks that are missing from epochs, or were."""

    def load(self, now: float) -> None:
        """Take over what the store holds. Raises StoreError, and P9Error when the store takes no change."""
        stored = self._blobs.load()
        self._loader.load(stored, now)
        self.models.load(blob for blob in stored if blob.kind == "models")
        self._wanted.update(*(epoch.missing for epoch in self.epochs.values()))
        self._queue_bases()

    def _queue_bases(self) -> None:
        """Deltas need the hashes of their bases: made beforehand, in a thread."""
        for epoch in self.epochs.values():
            bundle = epoch.bundle
            if self.settings.delta and bundle is not None and bundle.delta is None and not epoch.missing:
                self._begin(HashJob(epoch.name, self.chunks.raw, bundle.chunks, Hasher()))

    def _begin(self, job: Job) -> None:
        self._jobs.append(job)
        self.wake()

    # -- what is written --------------------------------------------------------------------------------

    def write_chunk(self, name: str, digest: bytes, offset: int, data: bytes, now: float) -> int:
        """One write to /updates/<name>/chunks/<digest>; returns the bytes taken, which are all. Raises
        P9Error as `Chunks.write`, and ENOSPC for one epoch too many."""
        epoch = self.epochs.get(name)
        if epoch is None:
            self.registry.require_room()
        content = self.chunks.write(digest, offset, data, f"epoch={name}", now)
        if not data:
            return 0
        if epoch is None:
            epoch = self.registry.create(name, now)
        if epoch.bundle is None:
            epoch.mtime = now
            if digest not in epoch.claimed and len(epoch.claimed) < self._max_chunks:
                epoch.claimed[digest] = None
                self.registry.bump(epoch)
            if content is not None:
                self._follow(epoch.run, digest, content)
        return len(data)

    def _follow(self, run: Run, digest: bytes, content: bytes) -> None:
        """Hash one more chunk of a payload, soon. Something waits for one run only: this bounds memory."""
        if run is not self._followed:
            self._followed.catch_up()
            self._followed = run
        if run.add(digest, content):
            self._begin(RunJob(run))

    def drop(self, name: str, now: float) -> None:
        """Remove an epoch, be it committed or not. Its chunks stay for as long as they are of use. Raises
        ENOENT when there is none, EBUSY while a delta goes on from it, and P9Error from the store."""
        epoch = self.epochs.get(name)
        if epoch is None:
            raise P9Error(errno.ENOENT, f"there is no epoch {name}")
        self.manifests.give_up(epoch)
        self.registry.drop(epoch, now)
        self._log(f"cas-epoch dropped epoch={name}", now)

    def _found(self, digest: bytes) -> None:
        """A chunk that was damaged may be whole again."""
        if digest not in self._wanted:
            return
        self._wanted.discard(digest)
        for epoch in self.epochs.values():
            if digest in epoch.missing:
                epoch.missing.discard(digest)
                self.registry.bump(epoch)

    def _lost(self, digest: bytes) -> None:
        self._wanted.add(digest)
        for epoch in self.epochs.values():
            if epoch.bundle is not None and digest in epoch.bundle.chunks:
                epoch.missing.add(digest)
                self.registry.bump(epoch)

    # -- durability -------------------------------------------------------------------------------------

    def unsettled(self) -> list[Epoch]:
        """Epochs that were accepted and are not settled: ask before a sync."""
        return [epoch for epoch in self.epochs.values() if not epoch.settled]

    def settle(self, epochs: list[Epoch]) -> None:
        """Everything that was stored when `unsettled` returned these is synced. Raises P9Error."""
        for epoch in epochs:
            if not epoch.settled:
                self._blobs.move("accepted", epoch.name, "manifests", epoch.name)
                epoch.settled = True

    @property
    def acts_on_commit(self) -> bool:
        """See `Blobs`."""
        return self._blobs.acts_on_commit

    def commit(self) -> None:
        """Apply the fsync policy. Raises P9Error(EIO)."""
        self._blobs.commit()

    def sync(self) -> None:
        """Make everything durable. Raises P9Error(EIO)."""
        unsettled = self.unsettled()
        self._blobs.sync()
        if unsettled:
            self.settle(unsettled)
            self._blobs.sync()

    # -- housekeeping -----------------------------------------------------------------------------------

    def next_job(self) -> Job | None:
        """The next thing to do in a thread; give it to `finished` then."""
        return self._jobs.popleft() if self._jobs else None

    def finished(self, job: Job, now: float) -> None:
        """A job has run. Raises P9Error when the store takes no change."""
        if isinstance(job, HashJob):
            job.is_done = True
            epoch = self.epochs.get(job.epoch)
            if epoch is not None and epoch.bundle is not None and epoch.bundle.chunks == job.chunks:
                epoch.hasher = None if job.failure else job.hasher
        elif isinstance(job, VerifyJob):
            for digest in job.bad:
                with suppress(P9Error):
                    self.chunks.read(digest, now)

    def verification(self) -> Iterator[Job]:
        """Jobs that look at every chunk there is now."""
        digests = list(self.chunks.sizes)
        for at in range(0, len(digests), VERIFIED_AT_ONCE):
            yield VerifyJob(self.chunks.raw, digests[at : at + VERIFIED_AT_ONCE])

    def ask_verification(self) -> None:
        """Somebody wants all that is stored to be verified now."""
        self.is_verification_wanted = True
        self.hurry()

    def verified(self, now: float) -> None:
        """All that was stored when it began has been looked at."""
        self._log(
            f"cas-verify finished chunks={len(self.chunks.sizes)} quarantined={self.chunks.quarantined}", now
        )

    def collect(self, now: float) -> int:
        """Remove some of what has been of no use for `unused_s`: chunks without a manifest, epochs without
        chunks. Returns how many went. Raises P9Error from the store."""
        age = self.settings.unused_s
        removed = self.chunks.collect(now, age, COLLECTED_AT_ONCE)
        for epoch in list(self.epochs.values()):
            if epoch.bundle is None and now - epoch.mtime >= age:
                self.manifests.give_up(epoch)
                self.registry.drop(epoch, now)
                removed += 1
        return removed

    # -- showing ----------------------------------------------------------------------------------------

    def status(self, name: str) -> Status:
        """What /updates/<name>/status says."""
        epoch = self.epochs.get(name)
        if epoch is None:
            return Status(name, "empty")
        return epoch.status(lambda digest: digest in self.chunks.partial)

    def payload(self, name: str) -> Payload:
        """The assembled payload of a committed epoch. Raises ENOENT; EPERM when its key was revoked."""
        epoch = self.epochs.get(name)
        if epoch is None or epoch.bundle is None:
            raise P9Error(errno.ENOENT, f"epoch {name} is not committed")
        if epoch.revoked:
            raise P9Error(errno.EPERM, f"epoch {name} was signed by a revoked key")
        parts = [Part.of(epoch.bundle)]
        if epoch.bundle.delta is not None:
            base = self.epochs.get(epoch.bundle.delta.base_epoch)
            if base is None or base.bundle is None or base.revoked:
                raise P9Error(errno.EPERM, f"the base of epoch {name} is gone or was signed by a revoked key")
            parts.insert(0, Part.of(base.bundle))
        return Payload(parts)
