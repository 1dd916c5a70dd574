"""A running hive whose time is trio's own, so that hours pass at once under the autojump clock.

Shared by the tests of this package; it mirrors no module.
"""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import trio

from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Config, Store, Telemetry, Workers
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.runtime.app import App
from ninedoor.runtime.clock import Clock
from ninedoor.store.memory import RetainedJournal

EPOCH = 1_800_000_000.0

CONFIG = Config(
    secrets={"queen": ("bootstrap",), "worker-heartbeat": ("worker",)},
    telemetry=Telemetry(ring_bytes_per_worker=1024),
    workers=Workers(heartbeat_ms=1000, max_workers=10000),
    store=Store(fsync="never"),
)


FULL = P9Error(errno.ENOSPC, "no room for a record")


class FillableJournal(RetainedJournal):
    """A journal on a disk that is `full` for a while: appends and compactions fail, syncs do not."""

    full = False

    def append(self, record: bytes, *, reserved: bool = False) -> None:
        if self.full and not reserved:
            raise FULL
        super().append(record, reserved=reserved)

    def reserve(self, size: int) -> None:
        if self.full:
            raise FULL
        super().reserve(size)

    def compact(self, snapshot: bytes) -> None:
        if self.full:
            raise FULL
        super().compact(snapshot)


class TrioClock(Clock):
    """Unix time as the apps under test see it: trio's own. It catches up with `behind` when it follows."""

    def __init__(self) -> None:
        super().__init__()
        self.behind = 0.0
        self._ahead = 0.0

    def __call__(self) -> float:
        return EPOCH + trio.current_time() + self._ahead

    def follow(self) -> float:
        self._ahead, self.behind = self._ahead + self.behind, 0.0
        return 0.0


def app_on(journal: RetainedJournal, config: Config = CONFIG) -> App:
    """The hive that `journal` holds, not yet running."""
    hive = Hive(config, journal)
    hive.load()
    clock = TrioClock()
    hive.lifecycle.boot(clock())
    return App(config, journal, hive, clock)


@asynccontextmanager
async def running(
    journal: RetainedJournal | None = None, config: Config = CONFIG
) -> AsyncIterator[tuple[App, Client]]:
    """A running hive and its queen; at the end neither a task nor a session may be left."""
    app = app_on(journal or RetainedJournal(), config)
    tasks = trio.lowlevel.current_statistics().tasks_living
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        client = queen(app)
        try:
            yield app, client
        finally:
            client.close()
            nursery.cancel_scope.cancel()

    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert not app.counters.sessions
    app.close()


def queen(app: App) -> Client:
    """A queen at a trusted door."""
    return Client(LocalChannel(app.session(trusted=True, peer="test"), app.clock))


def changed(config: Config = CONFIG, **tables: object) -> Config:
    """`config` with whole tables replaced."""
    return replace(config, **tables)  # type: ignore[arg-type]  # one dict of many types


def command(client: Client, *lines: str) -> None:
    """Each of `lines` is one write to /queen/ctl."""
    for line in lines:
        client.append("/queen/ctl", f"{line}\n".encode())


def beats(client: Client, worker: str = "worker-1") -> list[int]:
    """The ticks of the heartbeats in a worker's telemetry. Whatever is no heartbeat fails the test."""
    lines = client.read(f"/worker/{worker}/telemetry").decode().splitlines()
    assert all(line.startswith("heartbeat ") for line in lines)
    return [int(line.removeprefix("heartbeat ")) for line in lines]
