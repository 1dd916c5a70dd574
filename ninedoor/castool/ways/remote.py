"""A hive behind a 9P socket, with many requests on their way at once.

A file is opened, written and closed by four requests that are sent without waiting for each other. The
session is lost with its connection; who uses this makes another one and looks what is stored.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence

from ninedoor.castool.ways.courier import Courier
from ninedoor.castool.ways.way import Parcel, Sent, Way
from ninedoor.client import operations
from ninedoor.client.client import run
from ninedoor.client.opening import address_of
from ninedoor.client.sockets import SocketChannel, connect_socket
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX
from ninedoor.wire import messages as m
from ninedoor.wire.types import GETATTR_BASIC, Fid

WIDE = 256
"""Requests in flight where the hive takes them: 64 chunks. While it answers some, others are on their way."""

AHEAD = 64
"""Files, or reads of one file, that are asked for together. The window decides how many of the requests are
in flight; what waits behind them keeps it full. Half a MiB."""


class RemoteWay(Way):
    """A session at `url` as queen, with `ticket` or "". Raises AddressError, ConnectError, P9Error."""

    resumes = True

    def __init__(self, url: str, ticket: str, timeout_s: float) -> None:
        self._address = address_of(url)
        self.place = str(self._address)
        self._ticket = ticket
        self._timeout_s = timeout_s
        self._courier: Courier | None = None
        self._channel = SocketChannel(
            connect_socket(self._address), self.place, timeout_s=timeout_s, window=WIDE
        )
        try:
            self._session = run(self._channel, operations.attach("queen", ticket, MSIZE_MAX))
        except BaseException:
            self._channel.close()
            raise

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
        """See `Way.send`; over a connection for this alone."""
        if self._courier is None or not self._courier.is_idle:
            self._let_go()
            self._courier = Courier(self._address, self._ticket, self._timeout_s, WIDE)
        yield from self._courier.send(folder, parcels)

    def order(self, path: str, line: str) -> None:
        """See `Way.order`."""
        handle = run(self._channel, operations.open_(self._session, path, os.O_WRONLY))
        try:
            self._channel.call(m.Twrite(Fid(handle.fid), 0, f"{line}\n".encode()))
        finally:
            run(self._channel, operations.clunk(handle.fid))

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
        self._let_go()
        self._channel.close()

    def _let_go(self) -> None:
        if self._courier is not None:
            self._courier.close()
            self._courier = None

    def _sizes(self, folder: int, names: Sequence[str]) -> Iterator[tuple[str, int]]:
        requests: list[m.Message] = []
        for name in names:
            fid = Fid(self._session.fids.take())
            requests += (
                m.Twalk(Fid(folder), fid, (name,)),
                m.Tgetattr(fid, GETATTR_BASIC),
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
