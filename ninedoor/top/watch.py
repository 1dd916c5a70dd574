"""Looking at a hive again and again, in a thread of its own: a hive may be slow to answer, and keys must work
meanwhile."""

import threading
from collections.abc import Callable

from ninedoor.errors import NineDoorError
from ninedoor.top.sample import Sample

Take = Callable[[], Sample]
"""Looks once. Raises NineDoorError when the hive cannot be reached."""


class Watch:
    """Looks again and again until told to stop. `seen` gets each sample, and `lost` why there is none; both
    are called in the thread that looks."""

    def __init__(
        self, take: Take, interval_s: float, seen: Callable[[Sample], None], lost: Callable[[str], None]
    ) -> None:
        self.interval_s = interval_s
        self.paused = False
        self._take = take
        self._seen = seen
        self._lost = lost
        self._wake = threading.Event()
        self._stopped = False

    def start(self) -> None:
        """Begin. The thread is a daemon: one that waits for a hive keeps nobody from leaving."""
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def now(self) -> None:
        """Look at once."""
        self._wake.set()

    def stop(self) -> None:
        """End after the look that is under way; nothing more is told."""
        self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            if not self.paused:
                self._look()
            self._wake.wait(self.interval_s)

    def _look(self) -> None:
        try:
            sample = self._take()
        except NineDoorError as failure:
            if not self._stopped:
                self._lost(str(failure))
        else:
            if not self._stopped:
                self._seen(sample)
