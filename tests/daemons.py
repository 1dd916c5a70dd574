"""One `ninedoor mount` after the other on the same directory and state, ended as a test likes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

START_S = 30.0
"""Longest wait for a daemon to serve its mount; it takes half a second on an idle machine."""

_TASKS = "trio tasks:"


class Daemons:
    """`running` serves `mountpoint` from `state`; at most one at a time; `more` are options."""

    def __init__(self, place: Path, manifest: Path, more: Sequence[str] = ()) -> None:
        self.mountpoint = place / "mnt"
        self.state = place / "state"
        self.manifest = manifest
        self._more = list(more)
        self._registry = place / "registry"
        self._log = place / "daemon.log"
        self._running: subprocess.Popen[bytes] | None = None
        self.mountpoint.mkdir()

    def launch(self) -> None:
        """Start a daemon and return at once."""
        command = [sys.executable, "-m", "ninedoor.cli.main", "mount", "--manifest", str(self.manifest)]
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                [*command, "--state", str(self.state), *self._more, str(self.mountpoint)],
                env=os.environ | {"NINEDOOR_RUNTIME_DIR": str(self._registry)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def start(self) -> None:
        """Start a daemon and wait until it serves."""
        self.launch()
        deadline = time.monotonic() + START_S
        while not self._serves():
            if self._running is None or self._running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not start:\n{self.log()}")
            time.sleep(0.005)

    def _serves(self) -> bool:
        # Opened, not only looked up: what the kernel has cached it tells of a dead mount too.
        try:
            return bool((self.mountpoint / "proc" / "9p" / "sessions").read_bytes())
        except OSError:
            return False

    def kill(self) -> None:
        """End the daemon with SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Keep the daemon from running until `resume`: it is there, and answers nothing."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the daemon run on."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End the daemon as an operator does; returns its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self._running is not None
        self._running.send_signal(number)
        status = self._running.wait(START_S)
        self._running = None
        return status

    def mounts(self) -> int:
        """How many mounts the kernel knows on the directory, live or stale."""
        table = Path("/proc/self/mountinfo").read_text()
        return sum(line.split()[4] == str(self.mountpoint) for line in table.splitlines())

    def tasks(self) -> list[str]:
        """Names of the tasks that the daemon runs, as it tells them on SIGUSR1."""
        assert self._running is not None
        told = self.log().count(_TASKS)
        self._running.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + START_S
        while (log := self.log()).count(_TASKS) == told:
            assert time.monotonic() < deadline, "no answer to SIGUSR1"
            time.sleep(0.01)
        lines = log.rpartition(_TASKS)[2].splitlines()
        return [line.split()[1] for line in lines if line.lstrip().startswith("- ")]

    def log(self) -> str:
        """What all the daemons logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def clean_up(self) -> None:
        """Leave neither a process nor a mount behind."""
        if self._running is not None:
            self.kill()
        for _ in range(self.mounts()):
            subprocess.run(["fusermount3", "-uz", str(self.mountpoint)], check=False)
