"""A hive behind a 9P socket, with many requests on their way at once.

A file is opened, written and closed by four requests that are sent without waiting for each other. The
session is lost with its connection; who uses this makes another one and looks what is stored.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from ninedoor.castool import pieces
from ninedoor.castool.ways.way import Parcel, Sent, Way
from ninedoor.client import operations
from ninedoor.client.client import run
from ninedoor.client.opening import address_of
from ninedoor.client.pipeline import WINDOW
from ninedoor.client.sockets import SocketChannel, connect_socket
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid

WIDE = 32
"""Requests in flight where the hive takes them: while it answers the first half, the second is on its way."""

AHEAD = 64
"""Files, or reads of one file, that are asked for together. The window decides how many of the requests are
in flight; what waits behind them keeps it full. Half a MiB."""


class RemoteWay(Way):
    """A session at `url` as queen, with `ticket` or "", and `window` requests in flight. Raises AddressError,
    ConnectError, P9Error."""

    resumes = True

    def __init__(self, url: str, ticket: str, timeout_s: float) -> None:
        address = address_of(url)
        self.place = str(address)
        for self.window in (WIDE, WINDOW):
            connected = connect_socket(address)
            self._channel = SocketChannel(connected, self.place, timeout_s=timeout_s, window=self.window)
            try:
                self._session = run(self._channel, operations.attach("queen", ticket, MSIZE_MAX))
                if self.window == WINDOW or self._takes(WIDE):
                    return
            except BaseException:
                self._channel.close()
                raise
            self._channel.close()

    def _takes(self, count: int) -> bool:
        """Does the hive take so many requests at once? One that answers in batches (`batch_frames`) refuses
        those beyond `tags_per_session`."""
        asked = [m.Tgetattr(Fid(self._session.root), operations.GETATTR_BASIC)] * count
        replies = self._channel.call_many(asked)
        return not any(isinstance(reply, P9Error) and reply.ecode == errno.EBUSY for reply in replies)

    def read(self, path: str) -> bytes:
        """See `Way.read`."""
        return run(self._channel, operations.read_path(self._session, path))

    def names(self, folder: str) -> list[str]:
        """See `Way.names`."""
        return [entry.name for entry in run(self._channel, operations.entries(self._session, folder))]

    def sizes(self, folder: str, names: Sequence[str]) -> dict[str, int]:
        """See `Way.sizes`."""
        fid = run(self._channel, operations.walk(self._session, folder))
        found: dict[str, int] = {}
        try:
            for at in range(0, len(names), AHEAD):
                found.update(self._sizes(fid, names[at : at + AHEAD]))
        finally:
            run(self._channel, operations.clunk(fid))
        return found

    def send(self, folder: str, parcels: Iterable[Parcel]) -> Iterator[Sent]:
        """See `Way.send`."""
        fid = run(self._channel, operations.walk(self._session, folder))
        waiting = iter(parcels)
        try:
            while some := list(islice(waiting, AHEAD)):
                yield from self._send(fid, some)
        finally:
            run(self._channel, operations.clunk(fid))

    def contents(self, path: str, offset: int, size: int) -> Iterator[bytes]:
        """See `Way.contents`."""
        handle = run(self._channel, operations.open_(self._session, path, os.O_RDONLY))
        try:
            while offset < size:
                ends = [*range(offset, size, handle.iounit)][:AHEAD]
                reads = [m.Tread(Fid(handle.fid), at, min(handle.iounit, size - at)) for at in ends]
                for read, reply in zip(reads, self._channel.call_many(reads), strict=True):
                    if isinstance(reply, P9Error):
                        raise reply
                    if len(reply.data) != read.count:
                        raise P9Error(
                            errno.EIO, f"{len(reply.data)} of {read.count} bytes of {path} at {read.offset}"
                        )
                    offset += len(reply.data)
                    yield reply.data
        finally:
            run(self._channel, operations.clunk(handle.fid))

    def close(self) -> None:
        """See `Way.close`."""
        self._channel.close()

    def _sizes(self, folder: int, names: Sequence[str]) -> Iterator[tuple[str, int]]:
        requests: list[m.Message] = []
        for name in names:
            fid = Fid(self._session.fids.take())
            requests += (
                m.Twalk(Fid(folder), fid, (name,)),
                m.Tgetattr(fid, operations.GETATTR_BASIC),
                m.Tclunk(fid),
            )
        replies = self._channel.call_many(requests)
        for place, name in enumerate(names):
            walked, told = replies[3 * place : 3 * place + 2]
            if isinstance(walked, P9Error):
                raise walked
            if isinstance(told, P9Error):
                raise told
            yield name, told.size

    def _send(self, folder: int, parcels: list[Parcel]) -> Iterator[Sent]:
        requests: list[m.Message] = []
        counts = []
        for parcel in parcels:
            before = len(requests)
            fid = Fid(self._session.fids.take())
            requests += (m.Twalk(Fid(folder), fid, (parcel.name,)), m.Tlopen(fid, os.O_WRONLY))
            at = parcel.start
            for piece in pieces.raw(parcel.data[at:], pieces.room(parcel.data, self._session.payload)):
                requests.append(m.Twrite(fid, at, piece.written))
                at += piece.size
            requests.append(m.Tclunk(fid))
            counts.append(len(requests) - before)
        replies = self._channel.call_many(requests)
        at = 0
        for parcel, count in zip(parcels, counts, strict=True):
            yield Sent(parcel, _refusal(replies[at : at + count - 1]))
            at += count


def _refusal(replies: list[Any]) -> P9Error | None:
    """Why a parcel was not taken: the first refusal says it, those behind it follow from it."""
    return next((reply for reply in replies if isinstance(reply, P9Error)), None)
