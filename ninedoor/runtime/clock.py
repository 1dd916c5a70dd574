"""The one place that reads the clock for the hive."""

import time


class Clock:
    """Unix time in seconds that never goes backwards: taken from the system clock, advanced by the monotonic
    one. `not_before` is the last time on record, so that a restart does not step behind its own journal."""

    def __init__(self, not_before: float = 0.0) -> None:
        self._offset = max(time.time(), not_before) - time.monotonic()

    def __call__(self) -> float:
        return self._offset + time.monotonic()

    def follow(self) -> float:
        """Catch up with a system clock that was set forward or ran on through a suspend; returns by how many
        seconds this clock is ahead of it, which is how far it was set back."""
        self._offset = max(self._offset, time.time() - time.monotonic())
        return max(0.0, self() - time.time())
