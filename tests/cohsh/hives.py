"""A hive served by a thread of this process, on sockets and consoles, for clients that wait.

Shared by the tests of this package; it mirrors no module.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from cohsh.retry import Retry
from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Transport
from ninedoor.config import Config, Console, Listener
from ninedoor.doors.console.door import Door as ConsoleDoor
from ninedoor.doors.console.places import open_place
from ninedoor.doors.stream.door import Door as StreamDoor
from ninedoor.doors.stream.listening import bind
from ninedoor.runtime.app import App
from tests.conformance.hives import Process
from tests.deployment import CONFIG, SetClock, open_app

TOKEN = "a-token-of-ours"
PATIENCE_S = 10.0
QUICK = Retry(max_attempts=3, backoff_ms=1, ceiling_ms=4, timeout_ms=10_000)

SERVED = ("9p", "9p-tcp", "tcp", "serial", "pty")
"""Ways to a served hive."""


@dataclass
class Hive:
    """A hive and where it is served. Its workers do not run, and its clock stands still. `port` is that of
    the TCP console, 0 for any."""

    place: Path
    config: Config = CONFIG
    port: int = 0
    app: App = field(init=False)
    terminal: str = ""
    ninep: str = ""
    """URL of the 9P socket on TCP, where a queen needs a ticket too."""

    def __post_init__(self) -> None:
        self.app = open_app(self.config, SetClock())

    @contextmanager
    def served(self) -> Iterator["Hive"]:
        """Serve it. Can be done again: then it is the same hive at the same places."""
        started = threading.Event()
        scope = trio.CancelScope()
        tokens: list[trio.lowlevel.TrioToken] = []
        failures: list[BaseException] = []

        async def serve() -> None:
            bound = [bind(Listener(url)) for url in (f"unix:{self.place / 'hive'}", "tcp://127.0.0.1:0")]
            self.ninep = str(bound[1].address)
            consoles = [
                Console(f"tcp://127.0.0.1:{self.port}", TOKEN),
                Console(f"unix:{self.place / 'line'}"),
                Console("pty:"),
            ]
            places = [open_place(console) for console in consoles]
            self.port = int(places[0].url.rpartition(":")[2])
            self.terminal = places[2].url.partition(":")[2]
            with scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(StreamDoor(self.app, bound).serve)
                    await nursery.start(ConsoleDoor(self.app, places).serve)
                    tokens.append(trio.lowlevel.current_trio_token())
                    started.set()

        def run() -> None:
            try:
                trio.run(serve)
            except BaseException as failed:
                failures.append(failed)
                started.set()

        thread = threading.Thread(target=run, name="hive")
        thread.start()
        assert started.wait(PATIENCE_S)
        try:
            assert not failures, failures
            yield self
        finally:
            if tokens:
                tokens[0].run_sync_soon(scope.cancel)
            thread.join(PATIENCE_S)
        assert not failures, failures

    def where(self, way: str) -> Where:
        """How `way`, one of SERVED, gets there."""
        if way == "9p-tcp":
            return Where("9p", url=self.ninep, retry=QUICK)
        if way == "pty":
            return Where("serial", line=self.terminal, retry=QUICK)
        return Where(
            way,
            port=self.port,
            token=TOKEN,
            url=f"unix:{self.place / 'hive'}",
            line=str(self.place / "line"),
            retry=QUICK,
        )

    def reach(self, way: str, notices: list[str] | None = None) -> Transport:
        """A transport that goes `way`."""
        return open_transport(self.where(way), (notices if notices is not None else []).append)


@contextmanager
def mounted(
    directory: Path, config: Config = CONFIG, uname: str = "queen", token: str = ""
) -> Iterator[None]:
    """A new hive with a worker, if `uname` is not the queen, mounted on `directory` by another process for
    `uname` with the ticket `token`."""
    daemon = Process("tests.conformance.daemon")
    try:
        daemon.call("begin", config)
        if uname != "queen":
            daemon.call(
                "desk", "write", "/queen/ctl", b'{"spawn":"heartbeat","ticks":5}\n', os.O_WRONLY | os.O_APPEND
            )
        daemon.call("mount", str(directory), uname, token)
        yield
        bugs, _sessions = daemon.call("end")
        assert bugs == []
    finally:
        daemon.stop()
