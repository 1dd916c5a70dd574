"""Chunks: stored once by their hash, whoever sent them, and the first bytes of those that are on their way.

A chunk is committed when its content hashes to its name, whatever its length up to `chunk_bytes`; from then
on it never changes. Until then its bytes are kept as far as they have come (`partial`), over a restart too. A
write names the offset it begins at, or appends:

- bytes that are there already are compared, and what is new behind them is added, so that an upload can be
  sent again from anywhere, by anybody, any number of times;
- at offset 0 other bytes than those that are there begin the chunk anew: the first ones were wrong, or these
  are, and then the hash will tell;
- other bytes elsewhere, and a gap, are refused.
"""

import errno
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import hash_of
from ninedoor.cas.transfer import is_part, prepare
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.store.blobports import Blob, Blobs
from ninedoor.updates.budget import Budget, blocks
from ninedoor.updates.quarantine import Quarantine
from ninedoor.updates.references import References
from ninedoor.updates.watchers import Wake, Watchers

Log = Callable[[str, float], None]
"""(line, now) for /log/queen.log; never raises."""

PRESSURE_S = 600.0
"""A chunk that no manifest refers to is safe for this long after it was written, even when room is short."""

RELIEF = 64
"""Chunks that nobody needs which are removed at a time when the disk is full."""


class Chunks:
    """`sizes` holds what is committed, `partial` how far the others have come. `lost` is called with a chunk
    that turned out to be damaged, after it is gone, `found` with each that is committed."""

    def __init__(self, blobs: Blobs, settings: Cas, budget: Budget, log: Log) -> None:
        self.sizes: dict[bytes, int] = {}
        self.partial: dict[bytes, int] = {}
        self.lost: Callable[[bytes], None] = lambda digest: None
        self.found: Callable[[bytes], None] = lambda digest: None
        self._blobs = blobs
        self._most = settings.chunk_bytes
        self._budget = budget
        self._log = log
        self._references = References()
        self._quarantine = Quarantine(blobs, settings.quarantine)
        self._watchers: Watchers[bytes] = Watchers()

    @property
    def unused(self) -> int:
        """How many, whole or not, nothing refers to."""
        return self._references.unused

    @property
    def quarantined(self) -> int:
        """How many with another hash than their name are kept."""
        return len(self._quarantine)

    def load(self, stored: Iterable[Blob]) -> None:
        """Take over what a store holds; foreign names are left alone."""
        ages: list[tuple[float, bytes]] = []
        quarantined: list[str] = []
        for blob in stored:
            if blob.kind == "quarantine":
                quarantined.append(blob.name)
                continue
            digest = hash_of(blob.name)
            if digest is None or blob.kind not in ("chunks", "partial"):
                continue
            (self.sizes if blob.kind == "chunks" else self.partial)[digest] = blob.size
            self._budget.used += blocks(blob.size)
            ages.append((blob.mtime, digest))
        self._quarantine.load(quarantined)
        self._references.load(ages)

    # -- reading ----------------------------------------------------------------------------------------

    def raw(self, digest: bytes) -> bytes | None:
        """The content of a committed chunk, not verified; None when it is not there. For threads too."""
        return self._blobs.read("chunks", digest.hex())

    def read(self, digest: bytes, now: float) -> bytes:
        """The content of a committed chunk, verified. Raises ENOENT; EIO for one that is damaged, which is in
        quarantine then, and missing until it is sent again."""
        data = self.raw(digest) if digest in self.sizes else None
        if data is None:
            self._forget(digest)
            raise P9Error(errno.ENOENT, f"chunk {digest.hex()} is not committed")
        actual = hashlib.sha256(data).digest()
        if actual != digest:
            self._damaged(digest, actual, len(data), now)
            raise P9Error(errno.EIO, f"chunk {digest.hex()} is damaged: it has to be sent again")
        return data

    # -- writing ----------------------------------------------------------------------------------------

    def write(self, digest: bytes, offset: int, data: bytes, where: str, now: float) -> bytes | None:
        """One write to the chunk `digest` (`where` says for whom, in the log). Returns the whole content once
        it is committed, None while bytes are missing.

        Raises P9Error, and then nothing is committed that was not: EINVAL for a gap, for other bytes than
        those stored, and for a whole chunk with another hash, which goes to quarantine; EMSGSIZE for more
        bytes than a chunk has; EDQUOT and ENOSPC where room is missing."""
        if digest in self.sizes:
            return self._again(digest, offset, data, now)
        if offset in (0, APPEND_OFFSET) and (whole := self._literally(digest, offset, data)):
            self._commit(digest, whole, now)
            return whole
        appended = offset == APPEND_OFFSET
        try:
            content = prepare(data, appended=appended)
        except CasFault as fault:
            raise P9Error(errno.EINVAL, fault.reason) from fault
        size = self.partial.get(digest, 0)
        at = size if appended else offset
        if at + len(content) == self._most + 1 and content.endswith(b"\n"):
            content = content[:-1]  # what `echo` adds, and no chunk can hold
        if len(content) > self._most:
            raise P9Error(errno.EMSGSIZE, f"write of {len(content)} bytes over chunk_bytes {self._most}")
        if at > size:
            raise P9Error(errno.EINVAL, f"offset {at} does not match expected {size}")
        if not content:
            return None
        return self._add(digest, at, content, where, now)

    def _literally(self, digest: bytes, offset: int, data: bytes) -> bytes | None:
        """The whole chunk, when `data` completes it as it is, whatever it looks like."""
        before = b""
        if offset and digest in self.partial:
            before = self._blobs.read("partial", digest.hex()) or b""
        if not 0 < len(before) + len(data) <= self._most:
            return None
        whole = before + data if before else data
        return whole if hashlib.sha256(whole).digest() == digest else None

    def _add(self, digest: bytes, at: int, content: bytes, where: str, now: float) -> bytes | None:
        before = self._blobs.read("partial", digest.hex()) if digest in self.partial else None
        known = before or b""
        overlap = known[at : at + len(content)]
        if content.startswith(overlap):
            content, at = content[len(overlap) :], at + len(overlap)
        elif at:
            raise P9Error(errno.EINVAL, f"bytes at offset {at} differ from those stored: begin again at 0")
        else:
            known = b""
        if not content:
            return None
        whole = known + content if at == len(known) else b""
        if not whole:  # the write was read back shorter than it was recorded: a power cut took the rest
            self.partial[digest] = len(known)
            raise P9Error(errno.EINVAL, f"offset {at} does not match expected {len(known)}")
        if len(whole) > self._most:
            self.drop_partial(digest)
            raise P9Error(errno.EMSGSIZE, f"chunk of {len(whole)} bytes over chunk_bytes {self._most}")
        actual = hashlib.sha256(whole).digest()
        if actual == digest:
            self._commit(digest, whole, now)
            return whole
        if len(whole) == self._most:
            self._mismatch(digest, actual, whole, where, now)
        self._extend(digest, at, content, now)
        return None

    def _again(self, digest: bytes, offset: int, data: bytes, now: float) -> bytes:
        """A write to a chunk that is committed: fine where it says what the chunk says."""
        committed = self.read(digest, now)
        if not is_part(committed, offset, data):
            raise P9Error(errno.EINVAL, "chunk already committed")
        self._references.touch_unused(digest, now)
        return committed

    def _commit(self, digest: bytes, content: bytes, now: float) -> None:
        was_partial = digest in self.partial
        need = blocks(len(content)) - blocks(self.partial.get(digest, 0))
        self._make_room(need, digest, now)
        name = digest.hex()
        try:
            self._blobs.write("chunks", name, content)
        except P9Error as full:
            self._relieve(full, now)
            self._blobs.write("chunks", name, content)
        self.sizes[digest] = len(content)
        self._budget.used += blocks(len(content))
        if was_partial:
            with suppress(P9Error):  # what stays is removed at the next start
                self.drop_partial(digest)
        self._references.touch(digest, now)
        self._watchers.tell(digest)
        self.found(digest)

    def _extend(self, digest: bytes, at: int, content: bytes, now: float) -> None:
        before, after = self.partial.get(digest, 0), at + len(content)
        need = blocks(after) - blocks(before)
        self._make_room(need, digest, now)
        name = digest.hex()
        try:
            self._blobs.append("partial", name, at, content)
        except P9Error as full:
            self._relieve(full, now)
            self._blobs.append("partial", name, at, content)
        self.partial[digest] = after
        self._budget.used += need
        self._references.touch(digest, now)
        self._watchers.tell(digest)

    def drop_partial(self, digest: bytes) -> None:
        """Give up the bytes of a chunk that is not whole. Raises P9Error from the store."""
        size = self.partial.get(digest)
        if size is not None:
            self._blobs.remove("partial", digest.hex())
            del self.partial[digest]
            self._budget.used -= blocks(size)
            self._references.forget(digest)
            self._watchers.tell(digest)

    # -- what is wrong ----------------------------------------------------------------------------------

    def _mismatch(self, digest: bytes, actual: bytes, content: bytes, where: str, now: float) -> None:
        with suppress(P9Error):  # an inspection that a full disk forbids
            self._quarantine.keep(digest, content)
        self.drop_partial(digest)
        told = f"expected={digest.hex()} actual={actual.hex()} bytes={len(content)}"
        self._log(f"cas-chunk quarantined {where} {told}", now)
        raise P9Error(errno.EINVAL, f"chunk hash mismatch: content has {actual.hex()}")

    def _damaged(self, digest: bytes, actual: bytes, size: int, now: float) -> None:
        self._quarantine.take(digest)
        self._forget(digest)
        told = f"expected={digest.hex()} actual={actual.hex()} bytes={size}"
        self._log(f"cas-chunk damaged {told}", now)

    def _forget(self, digest: bytes) -> None:
        size = self.sizes.pop(digest, None)
        if size is not None:
            self._budget.used -= blocks(size)
            self._references.forget(digest)
            self._watchers.tell(digest)
            self.lost(digest)

    # -- what refers to them ----------------------------------------------------------------------------

    def refer(self, digests: Iterable[bytes]) -> None:
        """A manifest or model names these: they stay."""
        self._references.name(digests)

    def release(self, digests: Iterable[bytes], now: float) -> None:
        """One that named these is gone: those that nothing else names have been of no use from `now` on."""
        for digest in self._references.release(digests):
            if digest in self.sizes or digest in self.partial:
                self._references.touch(digest, now)

    def collect(self, now: float, older_than_s: float, most: int) -> int:
        """Remove at most `most` chunks that nothing refers to and that nobody has written for so long, the
        longest unused first; returns how many went. Raises P9Error from the store."""
        removed = 0
        while removed < most and (digest := self._references.oldest(now - older_than_s)) is not None:
            self._remove(digest)
            removed += 1
        return removed

    def _remove(self, digest: bytes) -> None:
        if digest in self.partial:
            self.drop_partial(digest)
        if digest in self.sizes:
            self._blobs.remove("chunks", digest.hex())
            self._budget.used -= blocks(self.sizes.pop(digest))
            self._watchers.tell(digest)
        self._references.forget(digest)

    def make_room(self, need: int, now: float) -> None:
        """Raises EDQUOT unless `need` bytes fit the budget, what nobody needs being removed first."""
        while need > 0 and self._budget.lacks(need):
            if not self.collect(now, PRESSURE_S, 1):
                raise self._budget.refusal(need)

    def _relieve(self, full: P9Error, now: float) -> None:
        """The disk is full: remove what nobody needs. Raises `full` for anything else, and where there is
        nothing of that kind."""
        if full.ecode != errno.ENOSPC or not self.collect(now, PRESSURE_S, RELIEF):
            raise full

    def _make_room(self, need: int, digest: bytes, now: float) -> None:
        self._references.touch_unused(digest, now)
        self.make_room(need, now)

    def watch(self, digest: bytes, wake: Wake) -> Wake:
        """See `Watchers.watch`: the chunk has changed."""
        return self._watchers.watch(digest, wake)
