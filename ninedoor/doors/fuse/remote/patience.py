"""No request of the kernel is kept longer than its time: a process that waits for an answer cannot be
killed, not even by kill -9, until it has one."""

import errno
from collections.abc import Callable, Coroutine
from typing import Any

import pyfuse3
import trio
from pyfuse3 import FUSEError

from ninedoor.doors.fuse.operations import Operations

HANDLERS = (
    "create", "forget", "fsync", "fsyncdir", "getattr", "link", "lookup", "mkdir", "mknod", "open", "opendir",
    "poll", "read", "readdir", "readlink", "release", "releasedir", "rename", "rmdir", "setattr", "statfs",
    "symlink", "unlink", "write",
)  # fmt: skip
"""What `Operations` serves; pyfuse3's own handlers wait for nothing."""

Handler = Callable[..., Coroutine[Any, Any, Any]]


class Patient(pyfuse3.Operations):
    """The same handlers, each given `patience()` seconds for all that it asks. After that it answers
    ETIMEDOUT; after `end`, ENOTCONN."""

    supports_dot_lookup = Operations.supports_dot_lookup

    def __init__(self, operations: Operations, patience: Callable[[], float]) -> None:
        super().__init__()
        self._patience = patience
        self._waiting: set[trio.CancelScope] = set()
        self._ended = False
        for name in HANDLERS:
            setattr(self, name, self._bounded(getattr(operations, name)))

    def end(self) -> None:
        """Give up everything that waits, and whatever will. Idempotent."""
        self._ended = True
        for scope in self._waiting:
            scope.cancel()

    def _bounded(self, handler: Handler) -> Handler:
        async def bounded(*arguments: Any) -> Any:
            with trio.move_on_after(0.0 if self._ended else self._patience()) as scope:
                self._waiting.add(scope)
                try:
                    return await handler(*arguments)
                finally:
                    self._waiting.discard(scope)
            raise FUSEError(errno.ENOTCONN if self._ended else errno.ETIMEDOUT)

        return bounded
