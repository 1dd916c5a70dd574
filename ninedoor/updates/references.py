"""Which chunks manifests and models name, and for how long nothing has named the others."""

from collections import Counter
from collections.abc import Iterable


class References:
    """Chunks by hash. One that is stored and unnamed is unused since its last `touch`; the longest unused is
    the first to go."""

    def __init__(self) -> None:
        self._named: Counter[bytes] = Counter()
        self._unused: dict[bytes, float] = {}

    @property
    def unused(self) -> int:
        """How many stored chunks nothing names."""
        return len(self._unused)

    def load(self, stored: Iterable[tuple[float, bytes]]) -> None:
        """What a store holds, with the unix time of its last change."""
        self._unused = {digest: mtime for mtime, digest in sorted(stored)}

    def name(self, digests: Iterable[bytes]) -> None:
        """A manifest or model names these, each as often as it likes."""
        for digest in set(digests):
            self._named[digest] += 1
            self._unused.pop(digest, None)

    def release(self, digests: Iterable[bytes]) -> list[bytes]:
        """One that named these is gone; those of them that nothing names now."""
        left = []
        for digest in set(digests):
            self._named[digest] -= 1
            if not self._named[digest]:
                del self._named[digest]
                left.append(digest)
        return left

    def touch(self, digest: bytes, now: float) -> None:
        """A chunk was written, or written again."""
        if digest not in self._named:
            self._unused.pop(digest, None)
            self._unused[digest] = now

    def touch_unused(self, digest: bytes, now: float) -> None:
        """Somebody is about to need a chunk, if it is there and unused."""
        if digest in self._unused:
            self.touch(digest, now)

    def forget(self, digest: bytes) -> None:
        """A chunk is no longer stored."""
        self._unused.pop(digest, None)

    def oldest(self, before: float) -> bytes | None:
        """The chunk that has been unused the longest, if nobody has touched it after `before`."""
        for digest, touched in self._unused.items():
            return digest if touched <= before else None
        return None
