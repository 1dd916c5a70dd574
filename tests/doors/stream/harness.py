"""A door on real sockets in the test's own trio run, and raw peers that speak frames to it.

Shared by the tests of this package; it mirrors no module.
"""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trio

from ninedoor import limits
from ninedoor.client.address import TcpAddress, UnixAddress
from ninedoor.config import Config, Listener
from ninedoor.doors.stream.bound import Bound
from ninedoor.doors.stream.door import Door
from ninedoor.doors.stream.listening import bind
from ninedoor.runtime.app import App
from ninedoor.runtime.clock import Clock
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.types import Fid
from tests.deployment import CONFIG, SECRETS, open_app, ticket

LOOPBACK = "tcp://127.0.0.1:0"
PATIENCE_S = 10.0

VERSION = m.Tversion(limits.MSIZE_MAX, "9P2000.L")
NOFID = Fid(limits.NOFID)


def own_secrets(config: Config = CONFIG) -> Config:
    """`config` with ticket secrets that no sample has."""
    return replace(config, secrets={role: ("own " + secret,) for role, secret in SECRETS.items()})


def attach(fid: int = 0, uname: str = "queen", aname: str | None = None) -> m.Tattach:
    """As queen, with a ticket unless another `aname` is given."""
    return m.Tattach(Fid(fid), NOFID, uname, ticket("queen") if aname is None else aname, limits.NOFID)


def walk(newfid: int, *names: str, fid: int = 0) -> m.Twalk:
    return m.Twalk(Fid(fid), Fid(newfid), names)


HELLO = (VERSION, attach())
OPEN_LOG = (walk(1, "log", "queen.log"), m.Tlopen(Fid(1), os.O_RDWR))


class Peer:
    """A connection of a client that keeps no rules but those of framing."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._held = b""

    async def send(self, *requests: Any, first_tag: int = 1) -> None:
        """All of `requests` in one piece, on tags that count up."""
        await self.stream.send_all(frames(requests, first_tag))

    async def reply(self) -> tuple[int, Any] | None:
        """Tag and message of the next frame, None at the end of the stream."""
        while len(self._held) < 4 or len(self._held) < int.from_bytes(self._held[:4], "little"):
            more = await self.stream.receive_some()
            if not more:
                assert not self._held, "the stream ends inside a reply"
                return None
            self._held += more
        size = int.from_bytes(self._held[:4], "little")
        frame, self._held = self._held[:size], self._held[size:]
        return decode_reply(frame, 0, size)

    async def ask(self, *requests: Any) -> list[Any]:
        """The replies to `requests`, which must come on their tags, in order."""
        await self.send(*requests)
        answered = [await self.reply() for _ in requests]
        assert [each and each[0] for each in answered] == list(range(1, len(requests) + 1))
        return [each[1] for each in answered if each]

    async def hello(self) -> "Peer":
        """Attach as queen on fid 0."""
        assert [type(each) for each in await self.ask(*HELLO)] == [m.Rversion, m.Rattach]
        return self

    async def ended(self) -> bool:
        """Wait for the end of the stream; false when it broke instead."""
        try:
            while await self.reply() is not None:
                pass
        except trio.BrokenResourceError:
            return False
        return True


def frames(requests: Sequence[Any], first_tag: int = 1) -> bytes:
    return b"".join(encode(tag, request) for tag, request in enumerate(requests, first_tag))


@dataclass
class Served:
    """A running door. It keeps its peers, so that they are connected until they are closed."""

    app: App
    bound: list[Bound]
    peers: list[Peer] = field(default_factory=list)

    async def connect(self, which: int = 0) -> Peer:
        """A new peer of the listener number `which`."""
        address = self.bound[which].address
        if isinstance(address, UnixAddress):
            stream = await trio.open_unix_socket(address.path)
        else:
            stream = await trio.open_tcp_stream(address.host, address.port)
        self.peers.append(Peer(stream))
        return self.peers[-1]

    @property
    def refused(self) -> dict[str, int]:
        """What was refused so far, by kind, without the kinds that never were."""
        return {kind: number for kind, number in self.app.counters.refused.items() if number}

    @property
    def sessions(self) -> int:
        return len(self.app.counters.sessions)


@asynccontextmanager
async def serving(
    *listeners: Listener, config: Config = CONFIG, clock: Clock | None = None
) -> AsyncIterator[Served]:
    """A door on `listeners`, by default one TCP port; at the end no session may be left."""
    app = open_app(config, clock)
    bound = [bind(listener) for listener in listeners or (Listener(LOOPBACK),)]
    with trio.fail_after(50):
        async with trio.open_nursery() as nursery:
            await nursery.start(Door(app, bound).serve)
            served = Served(app, bound)
            try:
                yield served
            finally:
                for peer in served.peers:
                    peer.stream.socket.close()
                nursery.cancel_scope.cancel()

    assert not app.counters.sessions
    assert all(one.socket.fileno() == -1 for one in bound)


def unix(directory: Path, **limits_: Any) -> Listener:
    return Listener(f"unix:{directory / 'hive.sock'}", **limits_)


def tcp(**limits_: Any) -> Listener:
    return Listener(LOOPBACK, **limits_)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the door does on its own."""
    with trio.fail_after(PATIENCE_S):
        while not condition():
            await trio.sleep(0.001)


def port_of(bound: Bound) -> int:
    assert isinstance(bound.address, TcpAddress)
    return bound.address.port
