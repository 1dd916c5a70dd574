"""What a store holds becomes the updates of a hive, once, at its start.

A committed manifest is first stored as `accepted`. Once everything before it is synced it becomes one of the
`manifests`. So a power cut never leaves a manifest whose chunks it took: one that was still only accepted is
verified whole here.
"""

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import Bundle, decode
from ninedoor.cas.payload import check_delta
from ninedoor.errors import P9Error
from ninedoor.store.blobports import Blob, Blobs
from ninedoor.updates.budget import Budget, blocks
from ninedoor.updates.chunks import Chunks, Log
from ninedoor.updates.epochs import Epoch
from ninedoor.updates.judging import Judge
from ninedoor.updates.payloads import Hasher, Run
from ninedoor.updates.registry import Registry


class Loader:
    """For one `load`. `log` hears of what is withheld, and of what is no manifest."""

    def __init__(
        self,
        blobs: Blobs,
        limits: Limits,
        budget: Budget,
        registry: Registry,
        judge: Judge,
        chunks: Chunks,
        log: Log,
    ) -> None:
        self._blobs = blobs
        self._limits = limits
        self._budget = budget
        self._registry = registry
        self._judge = judge
        self._chunks = chunks
        self._log = log

    def load(self, stored: list[Blob], now: float) -> None:
        """Take over chunks and epochs. Raises P9Error when the store takes no change."""
        self._chunks.load(stored)
        for digest in set(self._chunks.partial) & set(self._chunks.sizes):
            self._chunks.drop_partial(digest)  # a kill came between the two steps of a commit
        self._registry.load(stored)
        self._load_manifests([blob for blob in stored if blob.kind in ("manifests", "accepted")], now)
        for blob in stored:
            if blob.kind == "parts":
                self._load_part(blob)

    def _load_part(self, blob: Blob) -> None:
        epoch = self._registry.epochs.get(blob.name)
        if epoch is not None and epoch.bundle is None:
            epoch.pending_bytes = blob.size
            self._budget.used += blocks(blob.size)
        else:
            self._blobs.remove("parts", blob.name)

    def _load_manifests(self, stored: list[Blob], now: float) -> None:
        decoded = []
        for blob in stored:
            try:
                data = self._blobs.read(blob.kind, blob.name) or b""
                # Limits that were tightened since hold for what comes, not for what is there.
                bundle = decode(data, Limits(self._limits.chunk_bytes, len(data)))
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
        epoch = self._registry.epochs.setdefault(blob.name, Epoch(blob.name, Run(0)))
        if epoch.bundle is not None:
            self._blobs.remove("accepted", blob.name)  # a power cut came between two renames
            return
        self._registry.adopt(epoch, bundle, blob.size, blob.mtime)
        epoch.settled = blob.kind == "manifests"
        epoch.missing = {digest for digest in bundle.chunks if digest not in self._chunks.sizes}
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
            base = self._registry.epochs.get(bundle.delta.base_epoch)
            check_delta(bundle, None if base is None else base.bundle)
            chunks = (*(() if base is None else base.own()), *chunks)
        hasher.advance(self._chunks.raw, chunks, len(chunks))
        if hasher.sha256.digest() != bundle.payload_sha256:
            raise CasFault("its payload has another hash")
