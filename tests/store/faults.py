"""System calls of the store that fail, or that are the last ones of their process."""

import mmap
import os
import signal
from collections.abc import Callable
from typing import Any

_STEPS = {"open", "posix_fallocate", "pwrite", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "mkdir"}


class Faults:
    """Counts the store's system calls once armed, and calls `strike` in place of, or after, number `step`.

    `calls` names the calls seen, in order. Only calls that the store makes are counted: its modules see this
    object in the place of `os`.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.only: str | None = None
        self._strike: Callable[[], object] | None = None
        self._step = 0
        self._after = False

    def arm(
        self, step: int, strike: Callable[[], object], *, only: str | None = None, after: bool = False
    ) -> None:
        self.calls.clear()
        self.only, self._step, self._strike, self._after = only, step, strike, after

    def fail(self, step: int, code: int, *, only: str | None = None, after: bool = False) -> None:
        def strike() -> None:
            raise OSError(code, os.strerror(code))

        self.arm(step, strike, only=only, after=after)

    def kill(self, step: int, *, after: bool) -> None:
        self.arm(step, lambda: os.kill(os.getpid(), signal.SIGKILL), after=after)

    def disarm(self) -> None:
        self._strike = None

    def __getattr__(self, name: str) -> Any:
        function = getattr(os, name)
        return self.counted(name, function) if name in _STEPS else function

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, counted under `name`."""

        def call(*args: Any, **keywords: Any) -> Any:
            if self._strike is None or self.only not in (None, name):
                return function(*args, **keywords)
            self.calls.append(name)
            struck = len(self.calls) == self._step
            if struck and not self._after:
                self._strike()
            try:
                return function(*args, **keywords)
            finally:
                if struck and self._after:
                    self._strike()

        return call


class FaultyMmap:
    """The `mmap` module, as the journal uses it, whose mappings count as system calls."""

    PAGESIZE = mmap.PAGESIZE

    def __init__(self, faults: Faults) -> None:
        self.mmap = faults.counted("mmap", mmap.mmap)


def run_to_its_death(work: Callable[[], object]) -> bool:
    """Do `work` in a child process; True when SIGKILL ended it, False when it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # nothing of the test runner may run in the child
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"the child failed: {status}"
    return status == signal.SIGKILL
