"""What a session's fids stand for, learnt from the requests that pass: enough to have them again in a new
session after the connection was lost.

A fid is restored when it is next used: walked to from its attach by the names that led to it, and opened with
the flags it was opened with. If that leads to another node than before, or to none, the fid is stale: it
answers ESTALE until it is clunked. Sessions are told apart by their number, the *epoch*.
"""

import errno
import os
from collections.abc import Iterator
from typing import Any

from ninedoor.client.failures import Unanswered
from ninedoor.client.steps import Operation
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_DATA_VERSION, QT_APPEND, Fid, Qid

_FIDS: dict[type[m.Message], tuple[int, ...]] = {
    request: tuple(
        place
        for place, (name, kind) in enumerate(request.__annotations__.items())
        if kind is Fid and name not in ("newfid", "afid")
    )
    for request in m.REQUESTS.values()
    if request not in (m.Tattach, m.Tauth)
}
"""Request → the places of those of its fields that name a fid which must be there."""

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})
"""Refusals of a walk which say that the path leads nowhere any more."""

_ONCE = os.O_CREAT | os.O_EXCL | os.O_TRUNC
"""Open flags that do something to the file, which must not happen a second time."""


class _Fid:
    """One fid: `names` lead to it from the root that `attach` made. `flags` is None while it is not open.
    `streamed`: it was read from offset 0 on. `stale` says why it is."""

    __slots__ = ("attach", "epoch", "flags", "names", "qid", "stale", "streamed")

    def __init__(self, attach: m.Tattach, names: tuple[str, ...], qid: Qid, epoch: int) -> None:
        self.attach = attach
        self.names = names
        self.qid = qid
        self.epoch = epoch
        self.flags: int | None = None
        self.streamed = False
        self.stale: str | None = None

    def is_root(self, number: int) -> bool:
        """Is it the fid `number` that the attach itself made, and still there?"""
        return not self.names and number == self.attach.fid


class RememberedFids:
    """Every fid of one client."""

    def __init__(self) -> None:
        self._fids: dict[int, _Fid] = {}

    def __len__(self) -> int:
        return len(self._fids)

    def forget_all(self) -> None:
        """A Tversion was sent: version(5)."""
        self._fids.clear()

    def forget(self, number: int) -> None:
        """The fid `number` is no more."""
        self._fids.pop(number, None)

    def require_good(self, request: m.Message) -> None:
        """Raises ESTALE when `request` uses a stale fid."""
        for number in self._used(request):
            known = self._fids.get(number)
            if known is not None and known.stale is not None:
                raise P9Error(errno.ESTALE, f"/{'/'.join(known.names)}: {known.stale}")

    def clunked(self, request: m.Message, epoch: int) -> bool:
        """Is `request` a clunk of a fid that the session `epoch` does not have? Then forgetting is all there
        is to do. A fid that was never remembered is the server's to answer for."""
        if type(request) is not m.Tclunk:
            return False
        known = self._fids.get(request.fid)
        if known is None or (known.epoch == epoch and known.stale is None):
            return False
        del self._fids[request.fid]
        return True

    def is_lapsed(self, number: int, epoch: int) -> bool:
        """Is the fid one that the session `epoch` does not have yet?"""
        known = self._fids.get(number)
        return known is not None and known.epoch != epoch

    def lapsed(self, request: m.Message, epoch: int) -> list[int]:
        """The fids that `request` needs and that the session `epoch` does not have yet, in the order in which
        they have to be restored."""
        numbers: list[int] = []
        for number in self._used(request):
            if self.is_lapsed(number, epoch):
                root = self._fids[number].attach.fid
                if root != number and self.is_lapsed(root, epoch):
                    numbers.append(root)
                numbers.append(number)
        return numbers

    def note(self, request: Any, reply: Any, epoch: int) -> None:
        """`request` was answered with `reply` in the session `epoch`."""
        kind = type(request)
        if kind is m.Tattach:
            self._fids[request.fid] = _Fid(request, (), reply.qid, epoch)
        elif kind is m.Twalk:
            self._note_walk(request, reply, epoch)
        elif kind is m.Tlopen:
            known = self._fids.get(request.fid)
            if known is not None:
                known.flags = request.flags
                known.qid = reply.qid
                known.streamed = False
        elif kind is m.Tread and request.offset == 0 and reply.data:
            known = self._fids.get(request.fid)
            if known is not None:
                known.streamed = True

    def _note_walk(self, request: m.Twalk, reply: m.Rwalk, epoch: int) -> None:
        start = self._fids.get(request.fid)
        if start is None or len(reply.qids) < len(request.names):
            return
        qid = reply.qids[-1] if reply.qids else start.qid
        self._fids[request.newfid] = _Fid(start.attach, start.names + request.names, qid, epoch)

    def root(self) -> m.Tattach | None:
        """The oldest attach that is still in use."""
        return next((known.attach for number, known in self._fids.items() if known.is_root(number)), None)

    def restore(self, number: int, epoch: int) -> Operation[None]:
        """Bring the lapsed fid `number` to life in the session `epoch`. When its node is gone it is stale
        afterwards. Raises what else the server refuses; the fid stays lapsed then."""
        known = self._fids[number]
        if known.is_root(number):
            known.qid = (yield known.attach).qid
        else:
            yield from self._find(number, known)
        known.epoch = epoch
        if self._fids.get(number) is not known and known.stale is None:
            # Clunked meanwhile, when the session did not have it yet.
            yield m.Tclunk(Fid(number))

    def _find(self, number: int, known: _Fid) -> Operation[None]:
        """Walk to where the fid was and open it as it was, or tell why it is stale."""
        root = known.attach.fid
        start = self._fids.get(root)
        if start is None or start.attach is not known.attach or not start.is_root(root):
            known.stale = "what it was walked from is no longer attached"
            return
        try:
            reply = yield m.Twalk(root, Fid(number), known.names)
        except Unanswered:
            raise
        except P9Error as refusal:
            if refusal.ecode not in _GONE:
                raise
            known.stale = "it was gone when the connection came back"
            return
        if len(reply.qids) < len(known.names):
            known.stale = "it was gone when the connection came back"
            return
        known.stale = yield from self._reopen(number, known, reply.qids[-1] if reply.qids else start.qid)
        if known.stale is not None:
            yield m.Tclunk(Fid(number))

    def _reopen(self, number: int, known: _Fid, qid: Qid) -> Operation[str | None]:
        """Open what was found as it was before; why that cannot be, None when it is done."""
        if qid.path != known.qid.path:
            return "another node had its name when the connection came back"
        if known.flags is None:
            return None
        flags = known.flags & ~_ONCE
        if known.flags & os.O_TRUNC:
            # Whoever opened with it writes at the end from then on, on files that only grow.
            flags |= os.O_APPEND
        try:
            yield m.Tlopen(Fid(number), flags)
        except Unanswered:
            raise
        except P9Error as refusal:
            return f"it could not be opened again: {refusal}"
        if known.streamed and qid.type & QT_APPEND:
            reply = yield m.Tgetattr(Fid(number), GETATTR_DATA_VERSION)
            if reply.valid & GETATTR_DATA_VERSION and reply.data_version:
                return "where its reader was, in a file that drops its oldest bytes, went with the connection"
        return None

    def _used(self, request: m.Message) -> Iterator[int]:
        return (request[place] for place in _FIDS.get(type(request), ()))
