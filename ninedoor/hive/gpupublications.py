"""Publications as lines of /gpu/bridge/ctl: which are taken, and how that file and /gpu/bridge/status tell of
them.

What is on its way is of this process: a hive that restarts in the middle wants a new `begin`.
"""

import errno
from collections.abc import Callable
from contextlib import suppress

from ninedoor.errors import P9Error
from ninedoor.gpu import snapshot
from ninedoor.gpu.publish import Receiver
from ninedoor.hive import events as ev
from ninedoor.hive.gpustate import GpuState
from ninedoor.hive.lifecycle import HOST_PUBLISH, Gate
from ninedoor.hive.lines import clean, line
from ninedoor.hive.parts import Happened
from ninedoor.session.ports import Caller

Install = Callable[[snapshot.Snapshot, str, float], None]
"""(what was published, what /gpu/bridge/status says of it, time) → it is in place. Raises P9Error."""


class Publications:
    """Those of one hive, one after the other."""

    def __init__(
        self, state: GpuState, happened: Happened, require: Callable[[Gate, float], None], install: Install
    ) -> None:
        self._state = state
        self._happened = happened
        self._require = require
        self._install = install
        self._receiver = Receiver()

    def status(self) -> bytes:
        """The text of /gpu/bridge/status."""
        return line(self._state.installed if self._receiver.is_idle else self._receiver.status)

    def take(self, text: str, caller: Caller, now: float) -> None:
        """Take one line; the last one of a publication puts it in place. Raises EPERM where the life cycle is
        against it, EINVAL with the original's text, EMSGSIZE for a snapshot with too much in it; the outcome
        is recorded."""
        try:
            self._require(HOST_PUBLISH, now)
            self._receive(text, now)
        except P9Error as refusal:
            self.rejected(text, refusal, now)
            raise
        if not text.startswith("b64:"):
            self._happened(now, (ev.GPU_PUBLISHED, line(f"OK {clean(text)}")))

    def rejected(self, text: str, refusal: P9Error, now: float) -> None:
        """Record that the line `text` was refused. A store that cannot take it does not change the
        refusal."""
        name = errno.errorcode.get(refusal.ecode, str(refusal.ecode))
        with suppress(P9Error):
            told = line(f"ERR {name} {clean(text)}: {clean(refusal.reason)}")
            self._happened(now, (ev.GPU_PUBLISHED, told))

    def _receive(self, text: str, now: float) -> None:
        received = self._receiver.line(text)
        if received is None:
            return
        try:
            self._install(snapshot.decode(received.data), received.status, now)
        except P9Error as refusal:
            self._receiver.failed(refusal.reason)
            raise
        self._receiver.reset()
