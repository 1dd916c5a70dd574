"""Chunks whose content has another hash than their name, kept for inspection: the latest few."""

from ninedoor.store.blobports import Blobs


class Quarantine:
    """At most `most` of them; older ones make room. Everything raises what the store does."""

    def __init__(self, blobs: Blobs, most: int) -> None:
        self._blobs = blobs
        self._most = most
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def load(self, names: list[str]) -> None:
        """What a store holds."""
        self._names = sorted(names)

    def keep(self, digest: bytes, content: bytes) -> None:
        """`content` was sent as the chunk `digest`."""
        if self._most:
            self._blobs.write("quarantine", self._place(digest), content)

    def take(self, digest: bytes) -> None:
        """The committed chunk `digest` is damaged: it is no longer one of the chunks."""
        if self._most:
            self._blobs.move("chunks", digest.hex(), "quarantine", self._place(digest))
        else:
            self._blobs.remove("chunks", digest.hex())

    def _place(self, digest: bytes) -> str:
        while len(self._names) >= self._most:
            self._blobs.remove("quarantine", self._names[0])
            del self._names[0]
        newest = self._names[-1].partition("-")[0] if self._names else "0"
        number = int(newest) + 1 if newest.isdecimal() else 1
        name = f"{number:012d}-{digest.hex()}"
        self._names.append(name)
        return name
