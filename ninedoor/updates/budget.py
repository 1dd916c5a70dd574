"""Room on the disk: what files take of it, and how much of it updates may take."""

import errno

from ninedoor.errors import P9Error
from ninedoor.limits import BLOCK_BYTES


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
        """EDQUOT for `more` bytes."""
        taken = f"{self.used} of {self._most} bytes are taken (cas.store.budget_bytes)"
        return P9Error(errno.EDQUOT, f"no room for {more} bytes of updates: {taken}")
