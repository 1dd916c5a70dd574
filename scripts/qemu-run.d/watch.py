"""Waiting for QEMU: what it says goes on to our standard output, and its end comes by itself, when a text has
been seen, or when the time is over."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from failure import Failure
from monitor import quit_machine

GRACE_S = 5.0
"""Longest wait for QEMU to end once it was asked to; then it is killed, which is a failure."""

TAIL = 4096
"""Bytes of output kept to find a text in that came in pieces."""


class End(Enum):
    """Why there is nothing more to wait for."""

    TEXT = auto()
    TIME = auto()
    ITS_OWN = auto()


def watch(words: Sequence[str], monitor: Path, until: bytes | None, within_s: float | None) -> int:
    """Run QEMU to its end. Returns 0 if it ended as it was asked to, or by itself with 0; else its status, or
    3 when `until` was not seen within `within_s` seconds or before QEMU ended."""
    process = subprocess.Popen(list(words), stdout=subprocess.PIPE)
    try:
        why = _forward(process, until, within_s)
        if why is not End.ITS_OWN and not quit_machine(monitor, GRACE_S):
            raise Failure("QEMU's monitor does not answer")
        try:
            status = process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            raise Failure("QEMU does not end although it was told to") from None
    finally:
        _put_away(process)
    if until is not None and why is not End.TEXT:
        print(f"qemu-run: {until.decode()!r} was not seen", file=sys.stderr)
        return 3
    return status


def _put_away(process: "subprocess.Popen[bytes]") -> None:
    """End QEMU if it still runs: gently first, because it has the terminal's settings to give back."""
    assert process.stdout is not None
    process.stdout.close()  # nobody reads any more, and QEMU must not wait for that
    process.terminate()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    finally:
        process.kill()
        process.wait()


def _forward(process: "subprocess.Popen[bytes]", until: bytes | None, within_s: float | None) -> End:
    """Copy output until the text came, the time is over, or the output has ended."""
    assert process.stdout is not None
    deadline = None if within_s is None else time.monotonic() + within_s
    tail = b""
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while deadline is None or time.monotonic() < deadline:
            if not ready.select(None if deadline is None else max(0.0, deadline - time.monotonic())):
                return End.TIME
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return End.ITS_OWN
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            tail = (tail + data)[-TAIL:]
            if until is not None and until in tail:
                return End.TEXT
    return End.TIME
