"""A mount whose session lives in this process: its calls are answered before they return, so that no handler
ever waits and the mount never hangs on one."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ninedoor.doors.fuse.data import DirectData
from ninedoor.doors.fuse.listings import Listings
from ninedoor.doors.fuse.names import Kernel, Names, Notices
from ninedoor.doors.fuse.operations import Operations
from ninedoor.doors.fuse.polls import Polls
from ninedoor.limits import IO_OVERHEAD, MSIZE_MAX, NOFID
from ninedoor.wire import messages as m
from ninedoor.wire.types import U32, VERSION, Fid

T = TypeVar("T")

ROOT = 0
"""The fid of the attach."""

LocalCall = Callable[[Any], Any]
"""`Channel.call`: a T-message in, its R-message out. Raises P9Error."""


class Embedded:
    """The handlers of one mount over one session, reached through `call`, with `notices` of what changes."""

    def __init__(self, call: LocalCall, notices: Notices, kernel: Kernel | None = None) -> None:
        self._call = call
        self._data = DirectData(call)
        self._names = Names(call, notices, kernel or Kernel())
        polls = Polls(notices)
        self._names.on_displaced(polls.displaced)
        listings = Listings(call, self._names)

        async def ask(request: Any) -> Any:
            return call(request)

        self.operations = Operations(ask, ROOT, self._names, self._data, polls, listings)

    def attach(self, uname: str, aname: str) -> None:
        """Begin the session. Raises P9Error when the attach is refused."""
        self._data.iounit = self._call(m.Tversion(U32(MSIZE_MAX), VERSION)).msize - IO_OVERHEAD
        root = self._call(m.Tattach(Fid(ROOT), Fid(NOFID), uname, aname, U32(NOFID))).qid
        at_once(self._names.attach(root))


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What `coroutine` returns. Precondition: it has no checkpoint."""
    try:
        coroutine.send(None)
    except StopIteration as returned:
        value: T = returned.value
        return value
    raise AssertionError("waits, and nothing may wait here")
