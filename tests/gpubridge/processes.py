"""`gpu-bridge-host --run` as a process of its own, ended as a test likes. Shared by tests; it mirrors no
module."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.gpubridge.operators import wait_until, workers_of

END_S = 40.0


class BridgeProcess:
    """A bridge of `url`. Its events and its log go to files in `place`, which several one after the other
    may use."""

    def __init__(self, place: Path, url: str, *options: str) -> None:
        self._events = place / "bridge.events"
        self._log = place / "bridge.log"
        self._begin = self._events.stat().st_size if self._events.exists() else 0
        words = ["--run", "--url", url, "--json", "--interval", "3600", *options]
        with self._events.open("ab") as events, self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ninedoor.gpubridge.main", *words], stdout=events, stderr=log
            )

    def events(self) -> list[dict[str, Any]]:
        """What this one has told, whole lines only."""
        with self._events.open("rb") as file:
            file.seek(self._begin)
            return [json.loads(line) for line in file if line.endswith(b"\n")]

    def log(self) -> str:
        """What all of them have logged."""
        return self._log.read_text()

    def wait(self, event: str, times: int = 1) -> None:
        """Until it has told `event` so often."""

        def told() -> bool:
            assert self.process.poll() is None, self.log()
            return sum(each["event"] == event for each in self.events()) >= times

        wait_until(told, lambda: f"no {event}: {self.events()}\n{self.log()}")

    def ready(self) -> int:
        """Until it has attached and the first of its mock devices waits for a job; the number of the kernel
        worker's process."""
        self.wait("attached")
        wait_until(lambda: {"event": "ready", "gpu": "GPU-0"} in self.events(), self.log)
        (worker,) = workers_of(self.process.pid, "GPU-0")
        return worker

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send `number`, wait for the end; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(END_S)

    def clean_up(self) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
