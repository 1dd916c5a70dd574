"""Serve one session as a mounted file system, from the mount to the unmount.

pyfuse3 keeps its state in globals of its module: one process has at most one mount at a time.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pyfuse3

from ninedoor.doors.fuse import seam
from ninedoor.doors.fuse.embedded import Embedded, LocalCall
from ninedoor.doors.fuse.names import Notices
from ninedoor.doors.fuse.options import MountError, MountOptions

_READING = "fuse_session_receive_buf"
"""What pyfuse3 names in an error that it met while it read a request; handlers may meet the same errno."""


class Mount:
    """A mount that may be told to end."""

    def __init__(self) -> None:
        self.terminated = False
        self._mounted = False

    @contextmanager
    def on(self, mountpoint: Path, options: MountOptions, operations: pyfuse3.Operations) -> Generator[None]:
        """Mounted on `mountpoint`; unmounted afterwards, lazily if files are open. Raises MountError when
        libfuse cannot mount; what it has to say about that goes to stderr."""
        try:
            pyfuse3.init(operations, str(mountpoint), options.for_fuse())
        except RuntimeError as failed:
            text = f"{mountpoint} could not be mounted: {failed}; `ninedoor doctor` looks for causes"
            raise MountError(text) from None
        self._mounted = True
        try:
            yield
        finally:
            self._mounted = False
            pyfuse3.close()

    @staticmethod
    async def requests(tasks: int) -> None:
        """Serve what the kernel asks, `tasks` requests at a time, until the mount ends. Where it ends while a
        request is being read, fuse(4) says ECONNABORTED: an end like any other."""
        try:
            await pyfuse3.main(1, tasks)
        except* ConnectionAbortedError as aborted:
            others = aborted.subgroup(lambda each: isinstance(each, OSError) and _READING not in str(each))
            if others is not None:
                raise others from None

    def terminate(self) -> None:
        """Let pyfuse3's loop return after the requests in hand. Without effect unless it is mounted."""
        self.terminated = True
        if self._mounted:
            pyfuse3.terminate()


class Door:
    """The FUSE door of one session of this process: `call` is its `Channel.call`, `notices` what it tells
    beside replies."""

    def __init__(self, call: LocalCall, notices: Notices) -> None:
        self._embedded = Embedded(call, notices)
        self._mount = Mount()

    def attach(self, uname: str, aname: str) -> None:
        """Begin the session as `uname` with the ticket `aname`, empty without one. Raises P9Error."""
        self._embedded.attach(uname, aname)

    async def serve(self, mountpoint: Path, options: MountOptions, *, ready: Callable[[], None]) -> None:
        """Mount on `mountpoint`, call `ready`, and serve until someone unmounts, `terminate` is called or the
        task is cancelled; then unmount. Has checkpoints while it serves.

        Precondition: `attach` succeeded, and `preflight` gave `mountpoint`. Raises MountError.
        """
        operations = self._embedded.operations
        with self._mount.on(mountpoint, options, operations):
            try:
                with seam.replaced(lambda: self._mount.terminated):
                    ready()
                    await self._mount.requests(1)
            finally:
                operations.close()

    def terminate(self) -> None:
        """Let `serve` unmount and return, after the request in hand. Without effect unless it is serving."""
        self._mount.terminate()
