"""Serve one session as a mounted file system, from the mount to the unmount.

pyfuse3 keeps its state in globals of its module: one process has at most one mount at a time.
"""

from collections.abc import Callable
from pathlib import Path

import pyfuse3

from ninedoor.doors.fuse import seam
from ninedoor.doors.fuse.names import Call, Notices
from ninedoor.doors.fuse.operations import Operations
from ninedoor.doors.fuse.options import MountError, MountOptions


class Door:
    """The FUSE door of one session: `call` is its `Channel.call`, `notices` what it tells beside replies."""

    def __init__(self, call: Call, notices: Notices) -> None:
        self._operations = Operations(call, notices)
        self._mounted = False
        self._terminated = False

    def attach(self, uname: str, aname: str) -> None:
        """Begin the session as `uname` with the ticket `aname`, empty without one. Raises P9Error."""
        self._operations.attach(uname, aname)

    async def serve(self, mountpoint: Path, options: MountOptions, *, ready: Callable[[], None]) -> None:
        """Mount on `mountpoint`, call `ready`, and serve until someone unmounts, `terminate` is called or the
        task is cancelled; then unmount, lazily if files are open. Has checkpoints while it serves.

        Precondition: `attach` succeeded, and `preflight` gave `mountpoint`.

        Raises MountError when libfuse cannot mount; what it has to say about that goes to stderr.
        """
        try:
            pyfuse3.init(self._operations, str(mountpoint), options.for_fuse())
        except RuntimeError as failed:
            text = f"{mountpoint} could not be mounted: {failed}; `ninedoor doctor` looks for causes"
            raise MountError(text) from None
        self._mounted = True
        try:
            with seam.replaced(lambda: self._terminated):
                ready()
                await pyfuse3.main(1, 1)
        finally:
            self._mounted = False
            self._operations.close()
            pyfuse3.close()

    def terminate(self) -> None:
        """Let `serve` unmount and return, after the request in hand. Without effect unless it is serving."""
        self._terminated = True
        if self._mounted:
            pyfuse3.terminate()
