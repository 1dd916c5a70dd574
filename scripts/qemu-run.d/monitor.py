"""Ending QEMU through its monitor (QMP), which is how a machine without a power button is turned off."""

import json
import socket
import time
from pathlib import Path


def quit_machine(path: Path, within_s: float) -> bool:
    """Ask the QEMU whose monitor listens on `path` to end; False if it cannot be asked in time."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(max(0.1, deadline - time.monotonic()))
                line.connect(str(path))
                with line.makefile("rw") as stream:
                    _ask(stream, "qmp_capabilities")
                    _ask(stream, "quit")
                return True
        except (OSError, ValueError):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)


def _ask(stream, command: str) -> None:  # type: ignore[no-untyped-def]
    """Send a command and read on to its answer, past the greeting and events."""
    stream.write(json.dumps({"execute": command}) + "\n")
    stream.flush()
    while True:
        line = stream.readline()
        if not line or "return" in json.loads(line):
            return
