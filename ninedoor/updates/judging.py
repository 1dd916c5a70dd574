"""Whether a manifest is right, in the original's order of looking: epoch, chunk_bytes, payload_bytes, delta,
signature, chunks. The form comes before (`ninedoor.cas.manifest`), the hash of the payload after."""

import errno
from collections.abc import Callable

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import Bundle
from ninedoor.cas.payload import check_delta
from ninedoor.cas.signing import verify
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.updates.chunks import Chunks, Log
from ninedoor.updates.epochs import Epoch


class Judge:
    """`epoch_of` finds an epoch by its name; `refused` takes a line for the log about a refusal."""

    def __init__(
        self,
        settings: Cas,
        limits: Limits,
        chunks: Chunks,
        epoch_of: Callable[[str], Epoch | None],
        refused: Log,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._chunks = chunks
        self._epoch_of = epoch_of
        self._refused = refused

    def check(self, name: str, bundle: Bundle, now: float) -> None:
        """May `bundle` become epoch `name`? Raises EINVAL, EPERM for the signature, ENOENT for a base or a
        chunk that is missing."""
        if bundle.epoch != name:
            raise P9Error(errno.EINVAL, f"manifest of epoch {bundle.epoch} does not belong to epoch {name}")
        if bundle.chunk_bytes != self._limits.chunk_bytes:
            expected = f"{self._limits.chunk_bytes} (cas.store.chunk_bytes)"
            raise P9Error(errno.EINVAL, f"chunk_bytes {bundle.chunk_bytes} is not {expected}")
        try:
            bundle.check_sizes()
            if bundle.delta is not None:
                self._require_base(bundle.delta.base_epoch)
                self.base(bundle)
        except CasFault as fault:
            raise P9Error(errno.EINVAL, fault.reason) from fault
        self._check_signature(name, bundle, now)
        self._check_chunks(bundle)

    def base(self, bundle: Bundle) -> Epoch:
        """The epoch that a delta goes on from; it has a bundle. Raises CasFault."""
        assert bundle.delta is not None, "not a delta"
        if not self._settings.delta:
            raise CasFault("delta updates are not enabled (cas.delta.enable)")
        epoch = self._epoch_of(bundle.delta.base_epoch)
        check_delta(bundle, None if epoch is None else epoch.bundle)
        assert epoch is not None, "checked"
        if epoch.revoked:
            raise CasFault(f"delta base epoch {epoch.name} was signed by a revoked key")
        return epoch

    def _require_base(self, name: str) -> None:
        epoch = self._epoch_of(name)
        if self._settings.delta and (epoch is None or epoch.bundle is None):
            raise P9Error(errno.ENOENT, f"delta base epoch {name} is not committed")

    def is_revoked(self, bundle: Bundle) -> bool:
        """Did a key sign it that was taken back?"""
        return bool(self._settings.revoked) and verify(bundle, self._settings.revoked) is not None

    def _check_signature(self, name: str, bundle: Bundle, now: float) -> None:
        reason = self._signature_fault(bundle)
        if reason is not None:
            self._refused(f"cas-manifest rejected epoch={name} reason={reason}", now)
            raise P9Error(errno.EPERM, f"manifest rejected: {reason}")

    def _signature_fault(self, bundle: Bundle) -> str | None:
        settings = self._settings
        if bundle.signature is None:
            return "missing-signature" if settings.required else None
        signer = verify(bundle, (*settings.revoked, *settings.keys))
        if signer is not None and signer not in settings.revoked:
            return None
        if signer is None and not settings.keys:
            # Nobody can tell who signed it, which is as good as unsigned.
            return "signing-key-missing" if settings.required else None
        return "signature-failed"

    def _check_chunks(self, bundle: Bundle) -> None:
        sizes = self._chunks.sizes
        missing = [digest for digest in bundle.chunks if digest not in sizes]
        if missing:
            count = f"{len(missing)} of {len(bundle.chunks)} are missing"
            raise P9Error(errno.ENOENT, f"chunk {missing[0].hex()} is not committed, {count}")
        for index, digest in enumerate(bundle.chunks):
            if sizes[digest] != bundle.chunk_size(index):
                expected = f"chunk {index} must have {bundle.chunk_size(index)}"
                raise P9Error(errno.EINVAL, f"chunk {digest.hex()} has {sizes[digest]} bytes, {expected}")
