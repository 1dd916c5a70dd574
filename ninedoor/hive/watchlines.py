"""A bounded file of lines with absolute offsets: when it is full, the oldest line leaves as a whole."""

from collections import deque
from collections.abc import Callable


class WatchLines:
    """At most `entries` lines of at most `line_bytes` bytes. Reads like a `Ring`: `base` is the offset of the
    oldest byte, `next` that of the byte to come, `mtime` the unix time of the last line."""

    def __init__(self, entries: int, line_bytes: int) -> None:
        self.base = 0
        self.next = 0
        self.mtime = 0.0
        self.capacity = entries * line_bytes
        self._line_bytes = line_bytes
        self._lines: deque[bytes] = deque()
        self._entries = entries
        self._watchers: list[Callable[[], None]] = []

    def add(self, line: bytes, now: float) -> None:
        """Add one line with its line feed. One that is too long is left out: half a line would mislead."""
        if len(line) > self._line_bytes:
            return
        if len(self._lines) == self._entries:
            self.base += len(self._lines.popleft())
        self._lines.append(line)
        self.next += len(line)
        self.mtime = now
        for wake in tuple(self._watchers):
            wake()

    def read(self, offset: int, count: int) -> bytes:
        """As `Ring.read`. Precondition: offset >= base."""
        at = offset - self.base
        return b"".join(self._lines)[at : at + count]

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each line until the returned function is called."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)
