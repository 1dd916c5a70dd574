"""Many small files over a connection of their own, as fast as a hive takes them.

Each file is a walk, an open, writes and a clunk, which nothing has to be decided between. So their frames are
laid out here, without a message made for each, and are sent with those of other files as far as the window
allows: this takes a third of the time that the client's channels would, which serve any request. All waits
end at a deadline.
"""

import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from ninedoor.castool import pieces
from ninedoor.castool.ways.way import Parcel, Sent
from ninedoor.client import operations
from ninedoor.client.address import Address
from ninedoor.client.client import run
from ninedoor.client.failures import ConnectionLost, Unanswered
from ninedoor.client.pipeline import refusal
from ninedoor.client.sockets import connect_socket
from ninedoor.errors import P9Error, WireError
from ninedoor.limits import MSIZE_MAX, NOTAG
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.framing import FrameReader

RECEIVE_BYTES = 1 << 16
SEND_BYTES = 1 << 20
"""Room for bytes on their way that is asked for; the kernel gives less (twice `net.core.wmem_max`). Where
both ends have to wait for a CPU, each of their turns does as much as is on its way."""

TAGS = 0x8000
"""Tags are given in turn; no window is nearly as wide."""

_WALK = struct.Struct("<IBHIIHH")
_OPEN = struct.Struct("<IBHII")
_WRITE = struct.Struct("<IBHIQI")
_CLUNK = struct.Struct("<IBHI")
_HEADER = struct.Struct("<IBH")
_FLUSH = struct.Struct("<IBHH")
_COUNT = struct.Struct("<I")

_TWALK, _TLOPEN, _TWRITE, _TCLUNK, _TFLUSH = (
    m.NUMBERS[kind] for kind in (m.Twalk, m.Tlopen, m.Twrite, m.Tclunk, m.Tflush)
)
_RLERROR = m.NUMBERS[m.Rlerror]

NEVER_USED = 0xFFFE
"""A tag that no request of ours has."""


class _Delivery:
    """A parcel on its way: how many replies are still to come, and why it was refused."""

    __slots__ = ("left", "parcel", "refused")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.left = 1  # the request that ends it
        self.refused: P9Error | None = None


class Courier:
    """A session at `address` as queen, with `ticket` or "". Of `most` requests at once, it has as many in
    flight as the hive takes (`window`); no reply takes longer than `timeout_s`. Raises ConnectError,
    P9Error."""

    def __init__(self, address: Address, ticket: str, timeout_s: float, most: int) -> None:
        self._name = str(address)
        self._timeout_s = timeout_s
        self._socket = connect_socket(address)
        self._socket.settimeout(timeout_s)
        if self._socket.family == socket.AF_UNIX:  # TCP finds out by itself
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        self._reader = FrameReader()
        self._tag = 0
        self._waiting: dict[int, tuple[int, int, _Delivery]] = {}
        """Tag → type of the request, bytes it writes, and what it is for."""
        try:
            self._session = run(self, operations.attach("queen", ticket, MSIZE_MAX))
            self.window = self._taken_of(most)
        except BaseException:
            self.close()
            raise

    @property
    def is_idle(self) -> bool:
        """Is nothing under way, as after a `send` that was looked at to its end?"""
        return not self._waiting

    def send(self, folder: str, parcels: Iterable[Parcel]) -> Iterator[Sent]:
        """See `Way.send`. Raises Unanswered when the connection is lost; it is of no further use then."""
        directory = run(self, operations.walk(self._session, folder))
        under_way: deque[_Delivery] = deque()
        requests = self._requests(directory, parcels, under_way)
        while True:
            frames = list(islice(requests, self.window - len(self._waiting)))
            if not frames and not under_way:
                break
            self._post(b"".join(frames))
            self._collect()
            while under_way and not under_way[0].left:
                done = under_way.popleft()
                yield Sent(done.parcel, done.refused)
        run(self, operations.clunk(directory))

    def call_many(self, requests: Sequence[m.Message], timeout_s: float | None = None) -> list[Any]:
        """See `Channel.call_many`; one after the other. Precondition: it is idle."""
        results: list[Any] = []
        for request in requests:
            try:
                results.append(self.call(request))
            except P9Error as refused:
                results.append(refused)
        return results

    def call(self, request: Any) -> Any:
        """See `Channel.call`. Precondition: it is idle."""
        assert self.is_idle, "a delivery is under way"
        self._post(encode(NOTAG if type(request) is m.Tversion else 0, request))
        while True:
            for frame in self._received():
                _tag, reply = decode_reply(*frame)
                if type(reply) is m.Rlerror:
                    raise refusal(reply.ecode)
                return reply

    def close(self) -> None:
        """Hang up. Idempotent."""
        self._socket.close()

    def _taken_of(self, most: int) -> int:
        """How many requests at once the hive answers with something else than EBUSY, up to `most`: that many
        flushes of nothing tell."""
        self._post(b"".join([_FLUSH.pack(_FLUSH.size, _TFLUSH, tag, NEVER_USED) for tag in range(most)]))
        answers: list[int] = []
        while len(answers) < most:
            answers += [_HEADER.unpack_from(buffer, start)[1] for buffer, start, _end in self._received()]
        return max(1, answers.index(_RLERROR) if _RLERROR in answers else most)

    def _requests(
        self, directory: int, parcels: Iterable[Parcel], under_way: deque[_Delivery]
    ) -> Iterator[bytes]:
        """The frames that deliver `parcels`, each waited for from when it is asked for."""
        payload = self._session.payload
        for parcel in parcels:
            delivery = _Delivery(parcel)
            under_way.append(delivery)
            fid, name = self._session.fids.take(), parcel.name.encode()
            size, tag = _WALK.size + len(name), self._ask(_TWALK, delivery)
            yield _WALK.pack(size, _TWALK, tag, directory, fid, 1, len(name)) + name
            yield _OPEN.pack(_OPEN.size, _TLOPEN, self._ask(_TLOPEN, delivery), fid, os.O_WRONLY)
            at = parcel.start
            for written, count in self._pieces(delivery, payload):
                length = len(written)
                tag = self._ask(_TWRITE, delivery, length)
                yield _WRITE.pack(_WRITE.size + length, _TWRITE, tag, fid, at, length) + written
                at += count
            delivery.left -= 1
            yield _CLUNK.pack(_CLUNK.size, _TCLUNK, self._ask(_TCLUNK, delivery), fid)

    @staticmethod
    def _pieces(delivery: _Delivery, payload: int) -> Iterable[pieces.Piece]:
        parcel = delivery.parcel
        try:
            return pieces.of(parcel.data, parcel.start, payload, at_once=parcel.whole)
        except P9Error as too_long:
            delivery.refused = too_long
            return ()

    def _ask(self, kind: int, delivery: _Delivery, length: int = 0) -> int:
        """A tag for a request of type `kind`, whose reply is waited for."""
        tag = self._tag = (self._tag + 1) % TAGS
        self._waiting[tag] = kind, length, delivery
        delivery.left += 1
        return tag

    def _collect(self) -> None:
        """Take the replies that are there, at least one."""
        before = len(self._waiting)
        while len(self._waiting) == before:
            for buffer, start, end in self._received():
                _size, kind, tag = _HEADER.unpack_from(buffer, start)
                try:
                    asked, length, delivery = self._waiting.pop(tag)
                except KeyError:
                    raise self._lost(f"a reply on tag {tag}, on which nothing was asked") from None
                delivery.left -= 1
                if kind == _RLERROR:
                    delivery.refused = delivery.refused or refusal(_COUNT.unpack_from(buffer, end - 4)[0])
                elif kind != asked + 1 or (length and _COUNT.unpack_from(buffer, end - 4)[0] != length):
                    raise self._lost(f"reply {kind} to request {asked} does not fit it")

    def _post(self, data: bytes) -> None:
        if data:
            try:
                self._socket.sendall(data)
            except OSError as failed:
                raise self._failure(failed) from failed

    def _received(self) -> Iterator[tuple[bytes, int, int]]:
        """The frames in what arrives next; perhaps none. Look at all of them."""
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except OSError as failed:
            raise self._failure(failed) from failed
        if not data:
            raise self._lost("the server closed it")
        self._reader.feed(data)
        try:
            yield from self._reader
        except WireError as unbelievable:
            raise self._lost(f"the server broke the protocol: {unbelievable}") from unbelievable

    def _failure(self, failed: OSError) -> Unanswered:
        if isinstance(failed, TimeoutError):
            self.close()
            return Unanswered(errno.ETIMEDOUT, f"no reply from {self._name} within {self._timeout_s:g} s")
        return self._lost(str(failed.strerror).lower())

    def _lost(self, why: str) -> ConnectionLost:
        self.close()
        return ConnectionLost(f"connection to {self._name} lost: {why}", left=True)
