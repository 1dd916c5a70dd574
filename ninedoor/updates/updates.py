"""The updates of a hive: epochs that fill with chunks and are committed by their manifest.

A manifest is judged when its last byte arrives, in the original's order: form, epoch, chunk_bytes,
payload_bytes, number of chunks, delta, signature, chunks, hash of the payload. When it passes, storing it
commits the epoch, in one step and for good; when it does not, its pending bytes are given up and the epoch is
as it was before.

A committed manifest is first stored as `accepted`. Once everything before it is synced it becomes one of the
`manifests`. So a power cut never leaves a manifest whose chunks it took: one that was still only accepted is
verified whole when it is loaded.
"""

import errno
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from ninedoor.cas.faults import CasFault, TooLarge
from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import Bundle, Decoder, decode, encode
from ninedoor.cas.payload import check_delta
from ninedoor.cas.status import Status
from ninedoor.cas.transfer import prepare
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.store.blobports import Blob, Blobs
from ninedoor.updates.chunks import Budget, Chunks, Log, blocks, is_part
from ninedoor.updates.epochs import Epoch, Upload
from ninedoor.updates.jobs import HashJob, Job, VerifyJob
from ninedoor.updates.judging import Judge
from ninedoor.updates.models import Models
from ninedoor.updates.payloads import Hasher, Hashing, Part, Payload, Run

HASHED_AT_ONCE = 1024
"""Chunks that one request may hash for the sake of a payload: some 10 ms."""

VERIFIED_AT_ONCE = 1024
"""Chunks of one job of the verification: pieces small enough to be paused between."""

UPLOADS_MOST = 8
"""Manifests whose decoders are kept while they arrive, each as large as what has come; the decoder of one
more takes the place of the one that waited longest, and that is made again from what is stored."""

COLLECTED_AT_ONCE = 256
"""Chunks removed at a time when they have been of no use for long."""


class Updates:
    """Create, `load` once, then use; it belongs to one thread, but for jobs and `blobs.sync`. `log` writes a
    line to the hive's log, `refused` one about a refusal, of which there may be many; both never raise.

    `changed` is told which epoch appeared or vanished (a listing of all is another one). `wake` is called
    when there is a job.
    """

    def __init__(
        self, blobs: Blobs, settings: Cas, log: Log, refused: Log, *, sync_first: bool = False
    ) -> None:
        self.settings = settings
        self.limits = Limits(settings.chunk_bytes, settings.max_chunks)
        self.budget = Budget(settings.budget_bytes)
        self.chunks = Chunks(blobs, settings, self.budget, refused)
        self.chunks.lost = self._lost
        self.models = Models(blobs, settings, self.chunks)
        self.epochs: dict[str, Epoch] = {}
        self.version = 2
        self.wake: Callable[[], None] = lambda: None
        self._judge = Judge(settings, self.limits, self.chunks, self.epochs.get, refused)
        self._blobs = blobs
        self._log = log
        self._sync_first = sync_first
        self._jobs: deque[Job] = deque()
        self._uploading: dict[str, Epoch] = {}
        self._watchers: dict[str, list[Callable[[], None]]] = {}

    # -- loading ----------------------------------------------------------------------------------------

    def load(self, now: float) -> None:
        """Take over what the store holds. Raises StoreError, and P9Error when the store takes no change."""
        stored = self._blobs.load()
        self.chunks.load(stored)
        for digest in set(self.chunks.partial) & set(self.chunks.sizes):
            self.chunks.drop_partial(digest)  # a kill came between the two steps of a commit
        by_kind: dict[str, list[Blob]] = {}
        for blob in stored:
            by_kind.setdefault(blob.kind, []).append(blob)
        for blob in by_kind.get("epochs", []):
            self.epochs[blob.name] = Epoch(blob.name, Run(self.limits.max_chunks), mtime=blob.mtime)
        self._load_manifests([*by_kind.get("manifests", []), *by_kind.get("accepted", [])], now)
        for blob in by_kind.get("parts", []):
            epoch = self.epochs.get(blob.name)
            if epoch is not None and epoch.bundle is None:
                epoch.pending_bytes = blob.size
                self.budget.used += blocks(blob.size)
            else:
                self._blobs.remove("parts", blob.name)
        self.models.load(by_kind.get("models", []))
        self._queue_bases()

    def _load_manifests(self, stored: list[Blob], now: float) -> None:
        decoded = []
        for blob in stored:
            try:
                data = self._blobs.read(blob.kind, blob.name) or b""
                # Limits that were tightened since hold for what comes, not for what is there.
                bundle = decode(data, Limits(self.limits.chunk_bytes, len(data)))
                if bundle.epoch != blob.name:
                    raise CasFault(f"it belongs to epoch {bundle.epoch}")
            except CasFault as fault:
                self._set_aside(blob, fault.reason, now)
            else:
                decoded.append((bundle.delta is not None, blob, bundle))
        # Bases first: a delta that has to be verified is verified together with its base.
        for _is_delta, blob, bundle in sorted(
            decoded, key=lambda item: (item[0], item[1].kind != "manifests")
        ):
            self._load_manifest(blob, bundle, now)

    def _load_manifest(self, blob: Blob, bundle: Bundle, now: float) -> None:
        if blob.kind == "accepted":
            try:
                self._verify_accepted(bundle)
            except (CasFault, P9Error) as fault:
                self._set_aside(blob, fault.reason, now)
                return
        epoch = self.epochs.setdefault(blob.name, Epoch(blob.name, Run(0)))
        if epoch.bundle is not None:
            self._blobs.remove("accepted", blob.name)  # a power cut came between two renames
            return
        self._adopt(epoch, bundle, blob.size, blob.mtime)
        epoch.settled = blob.kind == "manifests"
        epoch.missing = {digest for digest in bundle.chunks if digest not in self.chunks.sizes}
        if self._judge.is_revoked(bundle):
            epoch.revoked = True
            self._log(f"cas-manifest withheld epoch={epoch.name} reason=revoked-key", now)

    def _set_aside(self, blob: Blob, reason: str, now: float) -> None:
        self._blobs.move(blob.kind, blob.name, "quarantine", f"{0:012d}-manifest-{blob.name}")
        self._log(f"cas-manifest dropped epoch={blob.name} reason={reason}", now)

    def _verify_accepted(self, bundle: Bundle) -> None:
        """Raises P9Error and CasFault unless all of it is there: what a power cut left of an acceptance."""
        hasher = Hasher()
        chunks = bundle.chunks
        if bundle.delta is not None:
            base = self.epochs.get(bundle.delta.base_epoch)
            check_delta(bundle, None if base is None else base.bundle)
            chunks = (*(() if base is None else _own(base)), *chunks)
        hasher.advance(self.chunks.raw, chunks, len(chunks))
        if hasher.sha256.digest() != bundle.payload_sha256:
            raise CasFault("its payload has another hash")

    def _queue_bases(self) -> None:
        """Deltas need the hashes of their bases: made beforehand, in a thread."""
        for epoch in self.epochs.values():
            bundle = epoch.bundle
            if self.settings.delta and bundle is not None and bundle.delta is None and not epoch.missing:
                self._jobs.append(HashJob(epoch.name, self.chunks.raw, bundle.chunks, Hasher()))

    # -- chunks -----------------------------------------------------------------------------------------

    def write_chunk(self, name: str, digest: bytes, offset: int, data: bytes, now: float) -> int:
        """One write to /updates/<name>/chunks/<digest>; returns the bytes taken, which are all. Raises
        P9Error as `Chunks.write`, and ENOSPC for one epoch too many."""
        epoch = self.epochs.get(name)
        if epoch is None:
            self._require_room()
        content = self.chunks.write(digest, offset, data, f"epoch={name}", now)
        if not data:
            return 0
        if epoch is None:
            epoch = self._create(name, now)
        if epoch.bundle is None:
            epoch.mtime = now
            if digest not in epoch.claimed and len(epoch.claimed) < self.limits.max_chunks:
                epoch.claimed[digest] = None
                self._bump(epoch)
            if content is not None:
                epoch.run.add(digest, content)
        if content is not None:
            self._found(digest)
        return len(data)

    def _require_room(self) -> None:
        if len(self.epochs) >= self.settings.max_epochs:
            most = self.settings.max_epochs
            raise P9Error(errno.ENOSPC, f"hive holds {most} epochs already (cas.store.max_epochs)")

    def _create(self, name: str, now: float) -> Epoch:
        self._blobs.write("epochs", name, b"")
        epoch = self.epochs[name] = Epoch(name, Run(self.limits.max_chunks), mtime=now)
        self.version += 1
        self.tell("")
        return epoch

    def _found(self, digest: bytes) -> None:
        """A chunk that was damaged may be whole again."""
        for epoch in self.epochs.values():
            if digest in epoch.missing:
                epoch.missing.discard(digest)
                self._bump(epoch)

    def _lost(self, digest: bytes) -> None:
        for epoch in self.epochs.values():
            if epoch.bundle is not None and digest in epoch.bundle.chunks:
                epoch.missing.add(digest)
                self._bump(epoch)

    # -- manifests --------------------------------------------------------------------------------------

    def write_manifest(self, name: str, offset: int, data: bytes, now: float) -> int:
        """One write to /updates/<name>/manifest.cbor; returns the bytes taken. Raises P9Error: EINVAL for
        what is no manifest, or the wrong one; EMSGSIZE; EPERM for a committed epoch and for signatures;
        ENOENT for a chunk that is not committed; EBUSY while the payload is being hashed, upon which the last
        piece may be sent again; ENOSPC, EDQUOT."""
        epoch = self.epochs.get(name)
        if epoch is not None and epoch.bundle is not None:
            if is_part(encode(epoch.bundle), offset, data):
                return len(data)
            raise P9Error(errno.EPERM, "manifest already committed")
        try:
            content = prepare(data, appended=offset == APPEND_OFFSET)
        except CasFault as fault:
            raise P9Error(errno.EINVAL, fault.reason) from fault
        if epoch is None:
            self._require_room()
        upload, content = self._upload(name, epoch, offset, content)
        if content:
            self._feed(name, epoch, upload, content, now)
        return len(data)

    def _upload(self, name: str, epoch: Epoch | None, offset: int, content: bytes) -> tuple[Upload, bytes]:
        """The upload to go on with, and what of `content` is new to it."""
        size = 0 if epoch is None else epoch.pending_bytes
        at = size if offset == APPEND_OFFSET else offset
        if at > size:
            raise P9Error(errno.EINVAL, f"offset {at} does not match expected {size}")
        if epoch is None or not size:
            return self._begin(Run(0) if epoch is None else epoch.run), content
        if at < size:
            known = (self._blobs.read("parts", name) or b"")[at:]
            same = known[: len(content)]
            if not content.startswith(same):
                if at:
                    reason = f"bytes at offset {at} differ from those stored: begin again at 0"
                    raise P9Error(errno.EINVAL, reason)
                return self._begin(epoch.run), content
            content = content[len(same) :]
        return epoch.upload or self._resumed(epoch), content

    def _begin(self, run: Run) -> Upload:
        return Upload(Decoder(self.limits), Hashing(self.chunks.raw, run))

    def _resumed(self, epoch: Epoch) -> Upload:
        upload = self._begin(epoch.run)
        with suppress(CasFault):  # it was fed before, so nothing is wrong with it
            upload.decoder.feed(self._blobs.read("parts", epoch.name) or b"")
        return upload

    def _feed(self, name: str, epoch: Epoch | None, upload: Upload, content: bytes, now: float) -> None:
        at = upload.size
        if epoch is not None:
            epoch.upload = None  # until it is stored what the decoder was fed
        try:
            bundle = upload.decoder.feed(content)
        except CasFault as fault:
            self._give_up(epoch)
            ecode = errno.EMSGSIZE if isinstance(fault, TooLarge) else errno.EINVAL
            raise P9Error(ecode, fault.reason) from fault
        if bundle is not None:
            self._complete(name, epoch, bundle, upload, now)
            return
        self.chunks.make_room(blocks(at + len(content)) - blocks(at), now)
        if epoch is None:
            epoch = self._create(name, now)
        self._blobs.append("parts", name, at, content)
        self.budget.used += blocks(at + len(content)) - blocks(epoch.pending_bytes)
        epoch.pending_bytes = at + len(content)
        self._keep(epoch, upload)
        with suppress(P9Error):  # a chunk that is missing is told when the manifest is whole
            upload.hashing.advance(upload.decoder.chunks, HASHED_AT_ONCE)
        self._bump(epoch)

    def _keep(self, epoch: Epoch, upload: Upload) -> None:
        epoch.upload = upload
        self._uploading.pop(epoch.name, None)
        self._uploading[epoch.name] = epoch
        while len(self._uploading) > UPLOADS_MOST:
            oldest = next(iter(self._uploading))
            self._uploading.pop(oldest).upload = None

    def _give_up(self, epoch: Epoch | None) -> None:
        """Clear what is pending of a manifest."""
        if epoch is None:
            return
        epoch.upload = None
        self._uploading.pop(epoch.name, None)
        if epoch.job is not None:
            epoch.job.is_wanted = False
            epoch.job = None
        if epoch.pending_bytes:
            self._blobs.remove("parts", epoch.name)
            self.budget.used -= blocks(epoch.pending_bytes)
            epoch.pending_bytes = 0
            self._bump(epoch)

    # -- accepting ----------------------------------------------------------------------------------------

    def _complete(self, name: str, epoch: Epoch | None, bundle: Bundle, upload: Upload, now: float) -> None:
        try:
            self._judge.check(name, bundle, now)
            hasher = self._hashed(epoch, bundle, upload)
            if hasher.sha256.digest() != bundle.payload_sha256:
                actual = hasher.sha256.hexdigest()
                raise P9Error(errno.EINVAL, f"payload_sha256 does not match: the payload has {actual}")
        except P9Error as refusal:
            if refusal.ecode != errno.EBUSY:
                self._give_up(epoch)
            raise
        self._accept(name, epoch, bundle, hasher, now)

    def _hashed(self, epoch: Epoch | None, bundle: Bundle, upload: Upload) -> Hasher:
        """The hasher of the whole payload. Raises EBUSY while a job makes it, ENOENT for a missing chunk."""
        job = None if epoch is None else epoch.job
        base: Epoch | None = None
        chunks = bundle.chunks
        if bundle.delta is not None:
            base = self._judge.base(bundle)
            chunks = (*_own(base), *bundle.chunks)
        if job is not None and job.chunks == chunks:
            return self._finished(epoch, job)
        if base is None:
            hasher = upload.hashing.advance(upload.decoder.chunks, HASHED_AT_ONCE, whole=True)
            if hasher is not None:
                return hasher
        start = Hasher() if base is None or base.hasher is None else base.hasher.copy()
        if len(chunks) - start.count > HASHED_AT_ONCE:
            raise self._hash_later(epoch, chunks, start)
        start.advance(self.chunks.raw, chunks, HASHED_AT_ONCE)
        return start

    def _hash_later(self, epoch: Epoch | None, chunks: tuple[bytes, ...], start: Hasher) -> P9Error:
        if epoch is not None:
            epoch.job = HashJob(epoch.name, self.chunks.raw, chunks, start)
            self._jobs.append(epoch.job)
            self.wake()
        return _busy(len(chunks))

    def _finished(self, epoch: Epoch | None, job: HashJob) -> Hasher:
        if not job.is_done:
            raise _busy(len(job.chunks))
        if epoch is not None:
            epoch.job = None
        if job.failure is not None:
            raise job.failure
        return job.hasher

    def _accept(self, name: str, epoch: Epoch | None, bundle: Bundle, hasher: Hasher, now: float) -> None:
        data = encode(bundle)
        self.chunks.make_room(blocks(len(data)), now)
        if epoch is None:
            epoch = self._create(name, now)
        if self._sync_first:
            self._blobs.sync()
        self._blobs.write("manifests" if self._sync_first else "accepted", name, data)
        with suppress(P9Error):  # what stays is removed at the next start
            self._give_up(epoch)
        self._adopt(epoch, bundle, len(data), now)
        epoch.settled = self._sync_first
        if self.settings.delta and bundle.delta is None:
            epoch.hasher = hasher
        told = f"payload_sha256={bundle.payload_sha256.hex()} chunks={len(bundle.chunks)}"
        self._log(f"cas-manifest accepted epoch={name} kind={bundle.kind} {told}", now)
        self._bump(epoch)

    def _adopt(self, epoch: Epoch, bundle: Bundle, size: int, mtime: float) -> None:
        """`bundle` is the manifest of `epoch` from now on."""
        epoch.bundle = bundle
        epoch.manifest_bytes = size
        epoch.mtime = mtime
        epoch.run = Run(0)
        epoch.claimed = {}
        epoch.version += 1
        self.epochs[epoch.name] = epoch
        self.budget.used += blocks(size)
        self.chunks.refer(bundle.chunks)

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

    def collect(self, now: float) -> int:
        """Remove some of what has been of no use for `unused_s`: chunks without a manifest, epochs without
        chunks. Returns how many went. Raises P9Error from the store."""
        age = self.settings.unused_s
        removed = self.chunks.collect(now, age, COLLECTED_AT_ONCE)
        for epoch in list(self.epochs.values()):
            if epoch.bundle is None and now - epoch.mtime >= age:
                self.drop(epoch)
                removed += 1
        return removed

    def drop(self, epoch: Epoch) -> None:
        """Remove an epoch that is not committed. Its chunks stay for as long as they are of use."""
        self._give_up(epoch)
        self._blobs.remove("epochs", epoch.name)
        del self.epochs[epoch.name]
        self.version += 1
        self.tell(epoch.name)
        self.tell("")

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

    def watch(self, name: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever epoch `name` has changed, for `""` whenever there are others, until the
        returned function is called."""
        watchers = self._watchers.setdefault(name, [])
        watchers.append(wake)

        def stop() -> None:
            watchers.remove(wake)
            if not watchers and self._watchers.get(name) is watchers:
                del self._watchers[name]

        return stop

    def tell(self, name: str) -> None:
        """Wake who watches `name`."""
        for wake in tuple(self._watchers.get(name, ())):
            wake()

    def _bump(self, epoch: Epoch) -> None:
        epoch.version += 1
        self.tell(epoch.name)


def _busy(count: int) -> P9Error:
    return P9Error(errno.EBUSY, f"{count} chunks are being hashed: write the last piece again in a moment")


def _own(epoch: Epoch) -> tuple[bytes, ...]:
    """The own chunks of a committed epoch."""
    return () if epoch.bundle is None else epoch.bundle.chunks
