"""What a reader's cursor in a ring may do, as the original has it: for strict reads and for named cursors.

    below the oldest byte            EINVAL, stale
    back by at most `most_rewind`    allowed, logged
    back by more                     EINVAL, rewind exceeded

`last` is where the cursor stands: the end of its previous read.
"""

import errno
from typing import Protocol

from ninedoor import limits
from ninedoor.errors import P9Error


class Extent(Protocol):
    """A ring, as far as cursors go."""

    base: int
    next: int
    capacity: int


class CursorLog(Protocol):
    """Where the cursors of readers are audited. Nothing here raises."""

    def overtaken(self, requested: int, base: int, now: float) -> None:
        """Bytes from `requested` to `base` were gone before a reader got to them."""

    def rewound(self, requested: int, last: int, now: float) -> None:
        """A reader goes back from `last`, as far as it may."""

    def rewind_refused(self, text: str, most: int, now: float) -> None:
        """`text` was the refusal of one that may go back by `most` bytes."""

    def clamped(self, requested: int, end: int, now: float) -> None:
        """A reader asked for what is not there yet."""


def most_rewind(ring: Extent) -> int:
    """Bytes by which a reader of `ring` may go back."""
    return min(limits.CURSOR_REWIND_MAX, ring.capacity)


def admit(ring: Extent, requested: int, last: int, log: CursorLog | None, now: float) -> None:
    """May a cursor at `last` go to `requested`? Raises EINVAL, logged."""
    if requested < ring.base:
        if log is not None:
            log.overtaken(requested, ring.base, now)
        raise P9Error(errno.EINVAL, f"telemetry cursor stale requested={requested} rewind_to={ring.base}")
    if requested >= last:
        return
    most = most_rewind(ring)
    if last - requested > most:
        rewind_to = max(ring.base, last - most)
        text = f"telemetry cursor rewind exceeded requested={requested} last={last} rewind_to={rewind_to}"
        if log is not None:
            log.rewind_refused(text, most, now)
        raise P9Error(errno.EINVAL, text)
    if log is not None:
        log.rewound(requested, last, now)
