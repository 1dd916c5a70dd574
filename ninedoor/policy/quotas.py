"""What one ticket may move and how often it may read on, over its whole life and all its sessions.

Cursor quotas count reads of worker telemetry: every such read is an *advance*, and one that starts before the
end of the previous read of the same file is a *resume* as well.
"""

from ninedoor.policy.tickets import Quotas
from ninedoor.session.ports import Path

CURSORS_MAX = 1024
"""Files whose read position is remembered per ticket. The one read first is forgotten first; its next read
then counts as an advance only."""

RESUME = "cursor-resume"
ADVANCE = "cursor-advance"


class QuotaUse:
    """What is left of `quotas`; there 0 = not limited."""

    __slots__ = ("_advances", "_ends", "_moved", "_resumes", "limits")

    def __init__(self, quotas: Quotas) -> None:
        self.limits = quotas
        self._moved = 0
        self._resumes = 0
        self._advances = 0
        self._ends: dict[Path, int] = {}

    @property
    def remaining_bytes(self) -> int:
        return max(0, self.limits.bandwidth_bytes - self._moved)

    def affords(self, count: int) -> bool:
        """May `count` bytes be moved? Nothing is spent yet: what counts is what will really move."""
        return not self.limits.bandwidth_bytes or count <= self.remaining_bytes

    def moved(self, count: int) -> None:
        self._moved += count

    def advance(self, path: Path, offset: int) -> str | None:
        """Count a read of telemetry at `offset`. Returns the quota that is exhausted (RESUME or ADVANCE), and
        then has counted nothing."""
        resumes = offset < self._ends.get(path, 0)
        if resumes and self.limits.cursor_resumes and self._resumes >= self.limits.cursor_resumes:
            return RESUME
        if self.limits.cursor_advances and self._advances >= self.limits.cursor_advances:
            return ADVANCE
        self._resumes += resumes
        self._advances += 1
        return None

    def read_up_to(self, path: Path, end: int) -> None:
        """The last read of `path` ended at byte `end`."""
        if path not in self._ends and len(self._ends) >= CURSORS_MAX:
            del self._ends[next(iter(self._ends))]
        self._ends[path] = end
