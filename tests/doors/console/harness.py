"""Consoles to talk to: dialogues without I/O, and a door on real sockets and terminals in the test's own trio
run.

Shared by the tests of this package and by the transcripts; it mirrors no module.
"""

import os
import select
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from ninedoor.client.address import TcpAddress, UnixAddress
from ninedoor.config import Config, Console
from ninedoor.console.editor import PROMPT
from ninedoor.console.framing import frame
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.dialogue import Dialogue, Entry, House
from ninedoor.doors.console.door import Door
from ninedoor.doors.console.facts import Facts, Listening
from ninedoor.doors.console.guard import Guard
from ninedoor.doors.console.places import LinePlace, Place, SocketPlace, open_place
from ninedoor.doors.console.visitor import Visitor
from ninedoor.runtime.app import App
from ninedoor.runtime.clock import Clock
from tests.deployment import CONFIG, SetClock, client, log_lines, open_app, spawn

TOKEN = "a-token-of-ours"
LOOPBACK = "tcp://127.0.0.1:0"
PATIENCE_S = 10.0

LISTENING = Listening("tcp://127.0.0.1:31337", True)


class Desk:
    """A hive and what the dialogues of one door share. `now` is the time on its clock."""

    def __init__(self, config: Config = CONFIG) -> None:
        self.clock = SetClock()
        self.app: App = open_app(config, self.clock)
        self.counters = Counters()
        facts = Facts(self.app, self.counters, lambda: [LISTENING])
        self.house = House(self.app, Guard(self.app.hive.refusals, self.counters), facts)

    def person(
        self,
        name: str = "tcp:127.0.0.1:1",
        *,
        token: str | None = None,
        trusted: bool = True,
        has_room: Callable[[], bool] = lambda: True,
    ) -> "Person":
        """Somebody new, whose attempts count with those of the same name up to the last colon."""
        visitor = Visitor(name, name.rpartition(":")[0], trusted)
        return Person(Dialogue(self.house, visitor, token, has_room), self.clock)

    def queen(self) -> "Person":
        """Somebody attached as queen."""
        person = self.person()
        assert person.says("attach queen") == ["OK ATTACH role=queen"]
        return person

    def spawn(self, *commands: str) -> None:
        """As `deployment.spawn`, by a queen of another door."""
        with client(self.app) as queen:
            spawn(queen, *commands)

    @property
    def denials(self) -> list[str]:
        """The lines about refusals in the queen's log, without the word that begins them."""
        return [line.removeprefix("denied ") for line in log_lines(self.app) if line.startswith("denied ")]


@dataclass
class Person:
    """At a dialogue. `ends` is why it is over."""

    dialogue: Dialogue
    clock: SetClock
    ends: str = ""

    def says(self, *entries: Entry) -> list[str]:
        """The answers to all of `entries`."""
        lines: list[str] = []
        for entry in entries:
            assert not self.ends, "nobody listens any more"
            answer = self.dialogue.take(entry, self.clock())
            lines += answer.lines
            self.ends = answer.ends
        return lines


def tcp(**limits: object) -> Console:
    return replace(Console(LOOPBACK, TOKEN), **limits)  # type: ignore[arg-type]  # one dict of many types


def unix(directory: Path, **limits: object) -> Console:
    return replace(Console(f"unix:{directory / 'console'}"), **limits)  # type: ignore[arg-type]


def pty(**limits: object) -> Console:
    return replace(Console("pty:"), **limits)  # type: ignore[arg-type]


class Framed:
    """A client on TCP that keeps no rules but those of framing."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._held = b""

    async def send(self, *lines: str) -> None:
        """All of `lines` in one piece."""
        await self.stream.send_all(b"".join(map(frame, lines)))

    async def line(self) -> str | None:
        """The next line, None at the end of the stream."""
        while len(self._held) < 4 or len(self._held) < int.from_bytes(self._held[:4], "little"):
            more = await self.stream.receive_some()
            if not more:
                assert not self._held, "the stream ends inside a line"
                return None
            self._held += more
        size = int.from_bytes(self._held[:4], "little")
        payload, self._held = self._held[4:size], self._held[size:]
        return payload.decode()

    async def rest(self) -> list[str]:
        """All lines up to the end of the stream."""
        lines = []
        while (line := await self.line()) is not None:
            lines.append(line)
        return lines

    async def ask(self, line: str) -> list[str]:
        """The answer to `line`, whose end the answer to a ping shows."""
        await self.send(line, "ping")
        lines: list[str] = []
        while lines[-1:] != ["PONG"]:
            more = await self.line()
            assert more is not None, lines
            lines.append(more)
        assert lines[-2:] == ["OK PING reply=pong", "PONG"]
        return lines[:-2]

    async def hello(self, *lines: str) -> "Framed":
        """Show the token, then say `lines`, each of which must be granted."""
        await self.send(f"AUTH {TOKEN}", *lines)
        for _ in range(1 + len(lines)):
            answer = await self.line()
            assert answer is not None
            assert answer.startswith("OK "), answer
        return self

    async def ended(self) -> bool:
        """Wait for the end of the stream; false when it broke instead."""
        try:
            await self.rest()
        except trio.BrokenResourceError:
            return False
        return True


class Typist:
    """Types on a terminal or a unix socket."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._held = b""

    async def shown(self) -> str:
        """What is shown up to the next prompt."""
        prompt = PROMPT.encode()
        while prompt not in self._held:
            more = await self.stream.receive_some()
            assert more, self._held
            self._held += more
        shown, _, self._held = self._held.partition(prompt)
        return shown.decode()

    async def types(self, keys: str) -> str:
        """What the keys bring up to the next prompt."""
        await self.stream.send_all(keys.encode())
        return await self.shown()

    async def ask(self, line: str) -> list[str]:
        """The answer to `line`, without its echo."""
        lines = (await self.types(line + "\r")).split("\r\n")
        assert lines[-1] == ""
        return lines[1:-1] if lines[0] == line else lines[:-1]


@dataclass
class Served:
    """A running door. It keeps its clients, so that they are connected until they are closed."""

    app: App
    door: Door
    places: list[Place]
    streams: list[trio.abc.AsyncResource] = field(default_factory=list)

    async def connect(self, which: int = 0, source: str = "127.0.0.1") -> trio.SocketStream:
        """A new connection to the place number `which`."""
        place = self.places[which]
        assert isinstance(place, SocketPlace)
        address = place.bound.address
        if isinstance(address, UnixAddress):
            stream = await trio.open_unix_socket(address.path)
        else:
            stream = await trio.open_tcp_stream(address.host, address.port, local_address=source)
        self.streams.append(stream)
        return stream

    async def framed(self, which: int = 0, source: str = "127.0.0.1") -> Framed:
        return Framed(await self.connect(which, source))

    async def typist(self, which: int = 0) -> Typist:
        """Somebody at a terminal or unix socket, who has seen the first prompt."""
        place = self.places[which]
        if isinstance(place, LinePlace):
            stream: trio.abc.Stream = trio.lowlevel.FdStream(
                os.open(place.terminal.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            )
            self.streams.append(stream)
        else:
            stream = await self.connect(which)
        typist = Typist(stream)
        assert await typist.shown() == ""
        return typist

    def port(self, which: int = 0) -> int:
        place = self.places[which]
        assert isinstance(place, SocketPlace)
        assert isinstance(place.bound.address, TcpAddress)
        return place.bound.address.port

    @property
    def sessions(self) -> int:
        return len(self.app.counters.sessions)


@asynccontextmanager
async def serving(
    *consoles: Console, config: Config = CONFIG, clock: Clock | None = None
) -> AsyncIterator[Served]:
    """A door on `consoles`, by default one TCP port; at the end no session and no client may be left."""
    app = open_app(config, clock)
    places = [open_place(console) for console in consoles or (tcp(),)]
    door = Door(app, places)
    served = Served(app, door, places)
    async with trio.open_nursery() as nursery:
        await nursery.start(door.serve)
        try:
            yield served
        finally:
            with trio.CancelScope(shield=True):
                for stream in served.streams:
                    await trio.aclose_forcefully(stream)
            nursery.cancel_scope.cancel()

    assert not app.counters.sessions
    assert door.counters.clients == 0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the door does on its own."""
    with trio.fail_after(PATIENCE_S):
        while not condition():
            await trio.sleep(0.001)


class BlockingFramed:
    """A client on TCP for code that waits: a line, its answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._file = self._socket.makefile("rb")

    def say(self, line: str) -> Sequence[str]:
        """The answer to `line`; that to a ping, or the end of the stream, shows its end."""
        self.send(line, "ping")
        lines: list[str] = []
        pings = 2 if line == "ping" else 1
        while lines.count("PONG") < pings:
            more = self._line()
            if more is None:
                return lines
            lines.append(more)
        assert lines[-2:] == ["OK PING reply=pong", "PONG"]
        return lines[:-2]

    def send(self, *lines: str) -> None:
        """All of `lines` in one piece."""
        self._socket.sendall(b"".join(map(frame, lines)))

    def rest(self) -> list[str]:
        """All lines up to the end of the stream."""
        return list(iter(self._line, None))

    def _line(self) -> str | None:
        header = self._file.read(4)
        return self._file.read(int.from_bytes(header, "little") - 4).decode() if header else None

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class BlockingTypist:
    """Somebody at a terminal or unix socket, for code that waits. Owns `descriptor`, which blocks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = b""
        assert self._shown() == ""

    def say(self, line: str) -> Sequence[str]:
        """The answer to `line`, without its echo; a prompt, or the end of the stream, shows its end."""
        os.write(self._descriptor, line.encode() + b"\r")
        lines = self._shown().split("\r\n")
        assert lines.pop() == ""
        return lines[1:] if lines[:1] == [line] else lines

    def _shown(self) -> str:
        prompt = PROMPT.encode()
        while prompt not in self._held:
            readable, _, _ = select.select([self._descriptor], [], [], PATIENCE_S)
            assert readable, self._held
            more = os.read(self._descriptor, 4096)
            if not more:
                break
            self._held += more
        shown, _, self._held = self._held.partition(prompt)
        return shown.decode()

    def close(self) -> None:
        os.close(self._descriptor)
