"""Numbers for new fids: upwards, never one that a server may remember, and without gaps.

The strict profile never takes a clunked number again, and remembers the clunked ones as spans: a number that
was taken but never came to life must be used by the next fid.
"""

from heapq import heappop, heappush


class FidNumbers:
    """Counts from `first`."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._unused: list[int] = []

    def take(self) -> int:
        """The lowest number that never named a fid."""
        if self._unused:
            return heappop(self._unused)
        self._next += 1
        return self._next - 1

    def put_back(self, number: int) -> None:
        """The server refused to make a fid of `number`, which was taken."""
        heappush(self._unused, number)
