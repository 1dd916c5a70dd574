"""A whole daemon in a thread: hive, workers and the stream door, on a unix socket and a TCP port.

Shared by the tests of this package; it mirrors no module.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import trio

from ninedoor.client.address import Address, TcpAddress
from ninedoor.config import Config, Listener, Store, Telemetry, Workers
from ninedoor.doors.stream.bound import Bound
from ninedoor.doors.stream.door import Door
from ninedoor.doors.stream.listening import bind
from ninedoor.runtime.app import App
from tests.client.servers import WAIT_S
from tests.deployment import CONFIG

QUICK = replace(
    CONFIG,
    telemetry=Telemetry(ring_bytes_per_worker=256),
    workers=Workers(heartbeat_ms=10),
    store=Store(fsync="never"),
)
"""Workers that beat a hundred times a second into small rings."""


class Daemon:
    """A hive that serves until it is stopped. `unix` and `tcp` are where."""

    def __init__(self, state: Path | None, bound: tuple[Bound, ...], config: Config) -> None:
        self.unix: Address = bound[0].address
        self.tcp: Address = bound[1].address
        self._started = threading.Event()
        self._stop: trio.CancelScope
        self._token: trio.lowlevel.TrioToken
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(state, bound, config), daemon=True)
        self._thread.start()
        assert self._started.wait(WAIT_S)

    def stop(self) -> None:
        """End it as SIGTERM would."""
        self._token.run_sync_soon(self._stop.cancel)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def _run(self, state: Path | None, bound: tuple[Bound, ...], config: Config) -> None:
        try:
            trio.run(self._serve, state, bound, config)
        except BaseException as failure:
            self._failure = failure

    async def _serve(self, state: Path | None, bound: tuple[Bound, ...], config: Config) -> None:
        app = App.open(config, state)
        self._token = trio.lowlevel.current_trio_token()
        try:
            with trio.CancelScope() as self._stop:
                async with trio.open_nursery() as nursery:
                    await nursery.start(app.run)
                    await nursery.start(Door(app, bound).serve)
                    self._started.set()
        finally:
            app.close()


@contextmanager
def daemon(
    folder: Path, *, state: Path | None = None, port: int = 0, config: Config = QUICK
) -> Iterator[Daemon]:
    """A daemon with its socket in `folder`; a new hive in memory unless `state` is a directory."""
    listeners = (Listener(f"unix:{folder}/hive.sock"), Listener(f"tcp://127.0.0.1:{port}"))
    running = Daemon(state, tuple(bind(listener) for listener in listeners), config)
    try:
        yield running
    finally:
        running.stop()


def port_of(address: Address) -> int:
    assert isinstance(address, TcpAddress)
    return address.port
