"""A bounded append-only byte store with absolute offsets: what is old leaves, offsets never restart."""

from collections.abc import Callable


class Ring:
    """`base` is the offset of the oldest retained byte, `next` that of the byte to come; at most `capacity`
    bytes lie between. `mtime` is the unix time of the last append."""

    __slots__ = ("_bytes", "_watchers", "base", "capacity", "mtime", "next")

    def __init__(self, capacity: int, base: int = 0, retained: bytes = b"", mtime: float = 0.0) -> None:
        self.capacity = capacity
        self.base = base
        self.next = base + len(retained)
        self.mtime = mtime
        self._bytes = bytearray(retained)
        self._watchers: list[Callable[[], None]] = []

    def overflow(self, size: int) -> int:
        """Bytes that would leave if `size` more came. Precondition: size <= capacity."""
        return max(0, len(self._bytes) + size - self.capacity)

    def append(self, data: bytes, now: float) -> int:
        """Store `data`, dropping the oldest bytes that no longer fit; returns how many left. Precondition: it
        is no longer than the capacity."""
        held = self._bytes
        held += data
        self.next += len(data)
        self.mtime = now
        dropped = len(held) - self.capacity
        if dropped > 0:
            del held[:dropped]
            self.base += dropped
        else:
            dropped = 0
        if self._watchers:
            for wake in tuple(self._watchers):
                wake()
        return dropped

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes at absolute `offset`; b"" at or past `next`. Precondition: offset >= base."""
        at = offset - self.base
        return bytes(self._bytes[at : at + count])

    def retained(self) -> bytes:
        return bytes(self._bytes)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each append until the returned function is called."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)
