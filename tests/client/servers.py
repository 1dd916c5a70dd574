"""Servers of this process for clients under test, each in threads of its own behind a unix socket.

`HiveServer` serves real sessions, and can lose its connections at any moment that matters. `ScriptedServer`
does what a test says, however wrong. Shared by the tests of this package; it mirrors no module.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ninedoor.client.address import UnixAddress
from ninedoor.session.connection import Connection
from ninedoor.session.fids import Profile
from ninedoor.session.session import Session, SessionLimits
from ninedoor.wire.codec import decode_request
from ninedoor.wire.framing import FrameReader
from tests.session.fakes import NOW

WAIT_S = 10.0
"""Longest wait for another thread: far more than it takes."""

Handle = Callable[[socket.socket], None]
"""Serves one connection until it returns."""


class ScriptedServer:
    """Listens on `path`; each connection is served by `handle` in a thread of its own."""

    def __init__(self, path: Path, handle: Handle) -> None:
        self.path = path
        self.address = UnixAddress(str(path))
        self.url = str(self.address)
        self.connections = 0
        self.failures: list[BaseException] = []
        self._handle = handle
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None

    def start(self) -> None:
        """Listen. Precondition: it does not."""
        listening = self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(self.path))
        listening.listen()
        self._run(self._accept, listening)

    def stop(self) -> None:
        """Listen no more, cut every connection, and wait for the threads. Idempotent."""
        if self._listening is not None:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
            self.path.unlink()
        self.cut()
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive()
        self._threads.clear()

    def cut(self) -> None:
        """Hang up on everybody."""
        with self._lock:
            for connected in self._open:
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connected, _peer = listening.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connected)
                self.connections += 1
            self._run(self._serve, connected)

    def _serve(self, connected: socket.socket) -> None:
        try:
            self._handle(connected)
        except OSError:
            pass  # cut, or the client went
        except BaseException as failure:
            self.failures.append(failure)
            raise
        finally:
            with self._lock:
                self._open.discard(connected)
            connected.close()

    def _run(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@contextmanager
def scripted(path: Path, handle: Handle) -> Iterator[ScriptedServer]:
    server = ScriptedServer(path, handle)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        assert server.failures == []


def requests_of(connected: socket.socket) -> Iterator[tuple[int, Any]]:
    """The requests that arrive, with their tags, until the client hangs up."""
    reader = FrameReader()
    while data := connected.recv(1 << 16):
        reader.feed(data)
        for frame in reader:
            yield decode_request(*frame)


MakeSession = Callable[[], Session]

Intercept = Callable[[list[Any], bytes], bytes | None]
"""(requests just served, replies about to leave) → what leaves; None to cut the connection instead."""


class HiveServer(ScriptedServer):
    """Serves the sessions that `make_session` makes. `intercept`, while set, decides what leaves; `served`
    counts requests by their type's name; `sessions` are those that were made."""

    def __init__(self, path: Path, make_session: MakeSession, counters: Any) -> None:
        super().__init__(path, self._converse)
        self.make_session = make_session
        self.counters = counters
        self.intercept: Intercept | None = None
        self.before: Intercept | None = None
        self.served: list[Any] = []
        self.sessions: list[Session] = []
        self.hive = threading.Lock()
        """Held while the hive is touched."""

    def _converse(self, connected: socket.socket) -> None:
        with self.hive:
            session = self.make_session()
            connection = Connection(session, SessionLimits(), self.counters)
            self.sessions.append(session)
        reader = FrameReader()
        try:
            while data := connected.recv(1 << 16):
                reader.feed(data)
                requests = [decode_request(*frame)[1] for frame in reader]
                if self.before is not None and self.before(requests, data) is None:
                    return
                with self.hive:
                    replies = [connection.receive(data, NOW)]
                    while connection.more:
                        replies.append(connection.receive(b"", NOW))
                    self.served += requests
                answer: bytes | None = b"".join(replies)
                if self.intercept is not None:
                    answer = self.intercept(requests, answer or b"")
                if answer is None:
                    return
                connected.sendall(answer)
        finally:
            with self.hive:
                connection.end("peer hung up")

    def count(self, kind: type) -> int:
        """How many requests of one type were served."""
        return sum(type(request) is kind for request in self.served)


def strict(world: Any, profile: Profile = Profile.STRICT) -> MakeSession:
    """Sessions of a `tests.session.fakes.World`."""
    return lambda: world.session(profile)
