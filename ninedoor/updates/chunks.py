"""Chunks: stored once by their hash, whoever sent them, and the first bytes of those that are on their way.

A chunk is committed when its content hashes to its name, whatever its length up to `chunk_bytes`; from then
on it never changes. Until then its bytes are kept as far as they have come (`partial`), over a restart too. A
write names the offset it begins at, or appends:

- bytes that are there already are compared, and what is new behind them is added, so that an upload can be
sent
  again from anywhere, by anybody, any number of times;
- at offset 0 other bytes than those that are there begin the chunk anew: the first ones were wrong, or these
are,
  and then the hash will tell;
- other bytes elsewhere, and a gap, are refused.
"""

import errno
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import hash_of
from ninedoor.cas.transfer import prepare
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET, BLOCK_BYTES
from ninedoor.store.blobports import Blob, Blobs

Log = Callable[[str, float], None]
"""(line, now) for /log/queen.log; never raises."""

PRESSURE_S = 600.0
"""A chunk that no manifest refers to is safe for this long after it was written, even when room is short."""


def blocks(size: int) -> int:
    """Bytes of the budget that a file of `size` bytes takes."""
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


class Budget:
    """Bytes that updates may take, and how many they do."""

    def __init__(self, most: int) -> None:
        self.used = 0
        self._most = most

    def lacks(self, more: int) -> int:
        """By how many bytes `more` would exceed the budget, 0 when they fit."""
        return max(0, self.used + more - self._most)

    def refusal(self, more: int) -> P9Error:
        taken = f"{self.used} of {self._most} bytes are taken (cas.store.budget_bytes)"
        return P9Error(errno.EDQUOT, f"no room for {more} bytes of updates: {taken}")


class Chunks:
    """`sizes` holds what is committed, `partial` how far the others have come. `lost` is called with a chunk
    that turned out to be damaged, after it is gone."""

    def __init__(self, blobs: Blobs, settings: Cas, budget: Budget, log: Log) -> None:
        self.sizes: dict[bytes, int] = {}
        self.partial: dict[bytes, int] = {}
        self.lost: Callable[[bytes], None] = lambda digest: None
        self._blobs = blobs
        self._most = settings.chunk_bytes
        self._quarantined_most = settings.quarantine
        self._budget = budget
        self._log = log
        self._references: Counter[bytes] = Counter()
        self._unused: dict[bytes, float] = {}
        self._quarantine: list[str] = []
        self._watchers: dict[bytes, list[Callable[[], None]]] = {}

    def load(self, stored: Iterable[Blob]) -> None:
        """Take over what a store holds; foreign names are left alone."""
        ages: list[tuple[float, bytes]] = []
        for blob in stored:
            if blob.kind == "quarantine":
                self._quarantine.append(blob.name)
                continue
            digest = hash_of(blob.name)
            if digest is None or blob.kind not in ("chunks", "partial"):
                continue
            (self.sizes if blob.kind == "chunks" else self.partial)[digest] = blob.size
            self._budget.used += blocks(blob.size)
            ages.append((blob.mtime, digest))
        self._quarantine.sort()
        self._unused = {digest: mtime for mtime, digest in sorted(ages)}

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
        if digest in self._unused:
            self._touch(digest, now)
        return committed

    def _commit(self, digest: bytes, content: bytes, now: float) -> None:
        was_partial = digest in self.partial
        need = blocks(len(content)) - blocks(self.partial.get(digest, 0))
        self._make_room(need, digest, now)
        self._blobs.write("chunks", digest.hex(), content)
        self.sizes[digest] = len(content)
        self._budget.used += blocks(len(content))
        if was_partial:
            with suppress(P9Error):  # what stays is removed at the next start
                self.drop_partial(digest)
        self._touch(digest, now)
        self._tell(digest)

    def _extend(self, digest: bytes, at: int, content: bytes, now: float) -> None:
        before, after = self.partial.get(digest, 0), at + len(content)
        need = blocks(after) - blocks(before)
        self._make_room(need, digest, now)
        self._blobs.append("partial", digest.hex(), at, content)
        self.partial[digest] = after
        self._budget.used += need
        self._touch(digest, now)
        self._tell(digest)

    def drop_partial(self, digest: bytes) -> None:
        """Give up the bytes of a chunk that is not whole. Raises P9Error from the store."""
        size = self.partial.get(digest)
        if size is not None:
            self._blobs.remove("partial", digest.hex())
            del self.partial[digest]
            self._budget.used -= blocks(size)
            self._unused.pop(digest, None)
            self._tell(digest)

    # -- what is wrong ----------------------------------------------------------------------------------

    def _mismatch(self, digest: bytes, actual: bytes, content: bytes, where: str, now: float) -> None:
        with suppress(P9Error):  # an inspection that a full disk forbids
            for name in self._places(digest):
                self._blobs.write("quarantine", name, content)
        self.drop_partial(digest)
        told = f"expected={digest.hex()} actual={actual.hex()} bytes={len(content)}"
        self._log(f"cas-chunk quarantined {where} {told}", now)
        raise P9Error(errno.EINVAL, f"chunk hash mismatch: content has {actual.hex()}")

    def _damaged(self, digest: bytes, actual: bytes, size: int, now: float) -> None:
        names = self._places(digest)
        for name in names:
            self._blobs.move("chunks", digest.hex(), "quarantine", name)
        if not names:
            self._blobs.remove("chunks", digest.hex())
        self._forget(digest)
        told = f"expected={digest.hex()} actual={actual.hex()} bytes={size}"
        self._log(f"cas-chunk damaged {told}", now)

    def _places(self, digest: bytes) -> list[str]:
        """The name under which to keep a chunk in quarantine, if any are kept; older ones make room."""
        if not self._quarantined_most:
            return []
        while len(self._quarantine) >= self._quarantined_most:
            self._blobs.remove("quarantine", self._quarantine[0])
            del self._quarantine[0]
        newest = self._quarantine[-1].partition("-")[0] if self._quarantine else "0"
        number = int(newest) + 1 if newest.isdecimal() else 1
        name = f"{number:012d}-{digest.hex()}"
        self._quarantine.append(name)
        return [name]

    def _forget(self, digest: bytes) -> None:
        size = self.sizes.pop(digest, None)
        if size is not None:
            self._budget.used -= blocks(size)
            self._unused.pop(digest, None)
            self._tell(digest)
            self.lost(digest)

    # -- what refers to them ----------------------------------------------------------------------------

    def refer(self, digests: Iterable[bytes]) -> None:
        """A manifest or model names these: they stay."""
        for digest in set(digests):
            self._references[digest] += 1
            self._unused.pop(digest, None)

    def collect(self, now: float, older_than_s: float, most: int) -> int:
        """Remove at most `most` chunks that nothing refers to and that nobody has written for so long, the
        longest unused first; returns how many went. Raises P9Error from the store."""
        removed = 0
        while self._unused and removed < most:
            digest, touched = next(iter(self._unused.items()))
            if now - touched < older_than_s:
                break
            self._remove(digest)
            removed += 1
        return removed

    def _remove(self, digest: bytes) -> None:
        if digest in self.partial:
            self.drop_partial(digest)
        if digest in self.sizes:
            self._blobs.remove("chunks", digest.hex())
            self._budget.used -= blocks(self.sizes.pop(digest))
            self._tell(digest)
        self._unused.pop(digest, None)

    def make_room(self, need: int, now: float) -> None:
        """Raises EDQUOT unless `need` bytes fit the budget, what nobody needs being removed first."""
        while need > 0 and self._budget.lacks(need):
            if not self.collect(now, PRESSURE_S, 1):
                raise self._budget.refusal(need)

    def _make_room(self, need: int, digest: bytes, now: float) -> None:
        if digest in self._unused:
            self._touch(digest, now)
        self.make_room(need, now)

    def _touch(self, digest: bytes, now: float) -> None:
        if digest not in self._references:
            self._unused.pop(digest, None)
            self._unused[digest] = now

    # -- who wants to know ------------------------------------------------------------------------------

    def watch(self, digest: bytes, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever the chunk has changed, until the returned function is called."""
        watchers = self._watchers.setdefault(digest, [])
        watchers.append(wake)

        def stop() -> None:
            watchers.remove(wake)
            if not watchers and self._watchers.get(digest) is watchers:
                del self._watchers[digest]

        return stop

    def _tell(self, digest: bytes) -> None:
        for wake in tuple(self._watchers.get(digest, ())):
            wake()


def is_part(committed: bytes, offset: int, data: bytes) -> bool:
    """Does a write say again what is committed? Appended pieces have no place of their own, so they may be
    from anywhere in it."""
    appended = offset == APPEND_OFFSET
    try:
        content = prepare(data, appended=appended)
    except CasFault:
        return False
    if appended:
        return content in committed
    if committed[offset : offset + len(data)] == data and offset + len(data) <= len(committed):
        return True
    if offset + len(content) == len(committed) + 1 and content.endswith(b"\n"):
        content = content[:-1]
    return committed[offset : offset + len(content)] == content
