"""How signals end a process that serves, and make it tell what it does."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import trio

from ninedoor.cli.exits import Exit
from ninedoor.cli.tasks import dump_tasks

_log = logging.getLogger("ninedoor")

FORCE_S = 2.0
"""How long a forced end waits for the mount to be detached, which takes a fraction of it."""


@contextlib.contextmanager
def signals(stop: Callable[[], None], doing: str, mountpoint: Path | None) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP (a closed terminal; not under nohup): the first calls `stop` in the loop and
    logs `doing`, the second forces. SIGUSR1: dump the tasks.

    These are plain handlers and not a trio task, so that forcing works even if the loop is stuck. They may
    run in the middle of a write to stderr, so the log is left to the loop.
    """
    token = trio.lowlevel.current_trio_token()
    asked = False

    def on_stop(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            _force(mountpoint)
        asked = True
        token.run_sync_soon(begin_to_stop, signal.Signals(number).name)

    def begin_to_stop(name: str) -> None:
        _log.info("%s: %s; once more forces", name, doing)
        stop()

    def on_dump(_number: int, _frame: FrameType | None) -> None:
        token.run_sync_soon(dump)

    def dump() -> None:
        _log.warning("%s", dump_tasks())

    handlers = {signal.SIGINT: on_stop, signal.SIGTERM: on_stop, signal.SIGUSR1: on_dump}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        handlers[signal.SIGHUP] = on_stop
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _force(mountpoint: Path | None) -> None:
    """Have a mount detached and end at once. What was acknowledged is in the journal already.

    Another process detaches it, because that may have to wait for this one to answer, or to be gone.
    """
    os.write(2, b"ninedoor: forced to end\n")
    if mountpoint is not None:
        command = [sys.executable, "-m", "ninedoor.cli.main", "umount", "--lazy", str(mountpoint)]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            helper = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
            helper.wait(FORCE_S)
    os._exit(Exit.INTERRUPTED)
