"""Manifests: how they arrive, in pieces and again, and what happens with the last byte of one.

A manifest is judged when it is whole, in the original's order: form, epoch, chunk_bytes, payload_bytes,
number of chunks, delta, signature, chunks, hash of the payload. When it passes, storing it commits the epoch,
in one step and for good; when it does not, its pending bytes are given up and the epoch is as it was before.
"""

import errno
from collections.abc import Callable
from contextlib import suppress

from ninedoor.cas.faults import CasFault, TooLarge
from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import Bundle, Decoder, encode
from ninedoor.cas.transfer import is_part, prepare
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.store.blobports import Blobs
from ninedoor.updates.budget import Budget, blocks
from ninedoor.updates.chunks import Chunks, Log
from ninedoor.updates.epochs import Epoch, Upload
from ninedoor.updates.jobs import HashJob, Job
from ninedoor.updates.judging import Judge
from ninedoor.updates.payloads import Hasher, Hashing, Run
from ninedoor.updates.registry import Registry

HASHED_AT_ONCE = 1024
"""Chunks that one request may hash for the sake of a payload: some 10 ms."""

UPLOADS_MOST = 8
"""Manifests whose decoders are kept while they arrive, each as large as what has come; the decoder of one
more takes the place of the one that waited longest, and that is made again from what is stored."""


class Manifests:
    """`begin` is called with what a thread has to do before a manifest can be accepted. `keeps_hashes` says
    that deltas will want the hash of what they go on from, `sync_first` that nothing is committed before all
    of it is durable."""

    def __init__(
        self,
        blobs: Blobs,
        limits: Limits,
        budget: Budget,
        registry: Registry,
        chunks: Chunks,
        judge: Judge,
        log: Log,
        begin: Callable[[Job], None],
        *,
        keeps_hashes: bool,
        sync_first: bool,
    ) -> None:
        self._blobs = blobs
        self._limits = limits
        self._budget = budget
        self._registry = registry
        self._chunks = chunks
        self._judge = judge
        self._log = log
        self._begin_job = begin
        self._keeps_hashes = keeps_hashes
        self._sync_first = sync_first
        self._uploading: dict[str, Epoch] = {}

    def write(self, name: str, offset: int, data: bytes, now: float) -> int:
        """One write to /updates/<name>/manifest.cbor; returns the bytes taken. Raises P9Error: EINVAL for
        what is no manifest, or the wrong one; EMSGSIZE; EPERM for a committed epoch and for signatures;
        ENOENT for a chunk that is not committed; EBUSY while the payload is being hashed, upon which the last
        piece may be sent again; ENOSPC, EDQUOT."""
        epoch = self._registry.epochs.get(name)
        if epoch is not None and epoch.bundle is not None:
            if is_part(encode(epoch.bundle), offset, data):
                return len(data)
            raise P9Error(errno.EPERM, "manifest already committed")
        try:
            content = prepare(data, appended=offset == APPEND_OFFSET)
        except CasFault as fault:
            raise P9Error(errno.EINVAL, fault.reason) from fault
        if epoch is None:
            self._registry.require_room()
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
        return Upload(Decoder(self._limits), Hashing(self._chunks.raw, run))

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
            self.give_up(epoch)
            ecode = errno.EMSGSIZE if isinstance(fault, TooLarge) else errno.EINVAL
            raise P9Error(ecode, fault.reason) from fault
        if bundle is not None:
            self._complete(name, epoch, bundle, upload, now)
            return
        self._chunks.make_room(blocks(at + len(content)) - blocks(at), now)
        if epoch is None:
            epoch = self._registry.create(name, now)
        self._blobs.append("parts", name, at, content)
        self._budget.used += blocks(at + len(content)) - blocks(epoch.pending_bytes)
        epoch.pending_bytes = at + len(content)
        self._keep(epoch, upload)
        with suppress(P9Error):  # a chunk that is missing is told when the manifest is whole
            upload.hashing.advance(upload.decoder.chunks, HASHED_AT_ONCE)
        self._registry.bump(epoch)

    def _keep(self, epoch: Epoch, upload: Upload) -> None:
        epoch.upload = upload
        self._uploading.pop(epoch.name, None)
        self._uploading[epoch.name] = epoch
        while len(self._uploading) > UPLOADS_MOST:
            oldest = next(iter(self._uploading))
            self._uploading.pop(oldest).upload = None

    def give_up(self, epoch: Epoch | None) -> None:
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
            self._budget.used -= blocks(epoch.pending_bytes)
            epoch.pending_bytes = 0
            self._registry.bump(epoch)

    # -- accepting ----------------------------------------------------------------------------------------

    def _complete(self, name: str, epoch: Epoch | None, bundle: Bundle, upload: Upload, now: float) -> None:
        try:
            self._judge.check(name, bundle, now)
            self._registry.require_itself(name, encode(bundle))
            hasher = self._hashed(epoch, bundle, upload)
            if hasher.sha256.digest() != bundle.payload_sha256:
                actual = hasher.sha256.hexdigest()
                raise P9Error(errno.EINVAL, f"payload_sha256 does not match: the payload has {actual}")
        except P9Error as refusal:
            if refusal.ecode != errno.EBUSY:
                self.give_up(epoch)
            raise
        self._accept(name, epoch, bundle, hasher, now)

    def _hashed(self, epoch: Epoch | None, bundle: Bundle, upload: Upload) -> Hasher:
        """The hasher of the whole payload. Raises EBUSY while a job makes it, ENOENT for a missing chunk."""
        job = None if epoch is None else epoch.job
        base: Epoch | None = None
        chunks = bundle.chunks
        if bundle.delta is not None:
            base = self._judge.base(bundle)
            chunks = (*base.own(), *bundle.chunks)
        if job is not None and job.chunks == chunks:
            return self._finished(epoch, job)
        if base is None:
            hasher = upload.hashing.advance(upload.decoder.chunks, HASHED_AT_ONCE, whole=True)
            if hasher is not None:
                return hasher
        start = Hasher() if base is None or base.hasher is None else base.hasher.copy()
        if len(chunks) - start.count > HASHED_AT_ONCE:
            raise self._hash_later(epoch, chunks, start)
        start.advance(self._chunks.raw, chunks, HASHED_AT_ONCE)
        return start

    def _hash_later(self, epoch: Epoch | None, chunks: tuple[bytes, ...], start: Hasher) -> P9Error:
        if epoch is not None:
            epoch.job = HashJob(epoch.name, self._chunks.raw, chunks, start)
            self._begin_job(epoch.job)
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
        self._chunks.make_room(blocks(len(data)), now)
        if epoch is None:
            epoch = self._registry.create(name, now)
        if self._sync_first:
            self._blobs.sync()
        self._blobs.write("manifests" if self._sync_first else "accepted", name, data)
        with suppress(P9Error):  # what stays is removed at the next start
            self.give_up(epoch)
        self._registry.adopt(epoch, bundle, len(data), now)
        epoch.settled = self._sync_first
        if self._keeps_hashes and bundle.delta is None:
            epoch.hasher = hasher
        told = f"payload_sha256={bundle.payload_sha256.hex()} chunks={len(bundle.chunks)}"
        self._log(f"cas-manifest accepted epoch={name} kind={bundle.kind} {told}", now)
        self._registry.bump(epoch)


def _busy(count: int) -> P9Error:
    return P9Error(errno.EBUSY, f"{count} chunks are being hashed: write the last piece again in a moment")
