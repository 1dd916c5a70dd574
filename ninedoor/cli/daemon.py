"""Become a daemon, and let the parent wait until the daemon is ready or has failed.

The parent leaves with status 0 only once it serves; otherwise it prints the daemon's own one-line
error and leaves with the daemon's status. No thread may run and no event loop may exist when `detach` forks.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from ninedoor.cli.exits import CommandFailure, Exit

_READY = "ready"
_FAILED = "failed"


class Readiness:
    """The daemon's end of the pipe to the waiting parent. Usable once: `ready` or `failed`, whichever is
    first.

    `descriptor` None: nobody waits, as in the foreground.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def ready(self) -> None:
        """Let the parent go with status 0."""
        self._tell(_READY, 0, "")

    def failed(self, status: Exit, text: str) -> None:
        """Let the parent print `text` and leave with `status`. Without effect after `ready`."""
        self._tell(_FAILED, status, text)

    def _tell(self, word: str, status: int, text: str) -> None:
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            os.write(descriptor, f"{word} {status} {text}".encode())
        except BrokenPipeError:
            pass  # the parent was killed while it waited: nobody is left to tell
        finally:
            os.close(descriptor)


def detach(serve: Callable[[Readiness], int]) -> int:
    """Run `serve` in a daemon and wait for its readiness; returns in the parent only.

    Returns 0 once the daemon called `ready`. Raises CommandFailure with the daemon's words when it failed, or
    with status INTERRUPTED when this process was interrupted first (the daemon is then stopped).
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork() == 0:
        os.close(reader)
        _become_daemon(serve, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        daemon = 0
        try:
            daemon = int(pipe.readline() or b"0")
            os.wait()
            word, _, rest = pipe.read().decode().partition(" ")
        except KeyboardInterrupt:
            if daemon:
                os.kill(daemon, signal.SIGTERM)
            raise CommandFailure(Exit.INTERRUPTED, "interrupted before it was ready") from None
    if word == _READY:
        return Exit.OK
    if word != _FAILED:
        raise CommandFailure(Exit.FAILED, "the daemon ended before it was ready; see its log")
    status, _, text = rest.partition(" ")
    raise CommandFailure(Exit(int(status)), text)


def _become_daemon(serve: Callable[[Readiness], int], writer: int) -> NoReturn:
    """In the first child: leave the session, fork once more so that no terminal can be acquired, serve."""
    status: int = Exit.INTERNAL
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.write(writer, f"{os.getpid()}\n".encode())
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        readiness = Readiness(writer)
        status = serve(readiness)
        readiness.failed(Exit.FAILED, "the daemon ended before it was ready; see its log")
    finally:
        # Never back into the caller's code: that belongs to the parent.
        os._exit(status)
