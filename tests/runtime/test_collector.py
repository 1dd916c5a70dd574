"""The collector of cycles rests while a hive is built, and has nothing to do with what ends later."""

import gc
from collections.abc import Callable, Iterator

import pytest
import trio
import trio.testing

from ninedoor.client.client import Client
from ninedoor.runtime.app import App
from ninedoor.runtime.collector import held_off, old_left_alone
from ninedoor.store.memory import RetainedJournal
from tests.deployment import CONFIG
from tests.runtime.apps import queen as queen_client

SPAWN = '{"spawn":"heartbeat","ticks":1}'


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """The generation of each collection that begins."""
    seen: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            seen.append(about["generation"])

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


def test_it_rests_and_goes_on_whatever_happens() -> None:
    @held_off()
    def build() -> None:
        assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        build()

    assert gc.isenabled()


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with held_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_has_survived_is_not_looked_through_again() -> None:
    gc.collect()
    with old_left_alone():
        before = gc.get_freeze_count()
        made: list[list[object]] = [[] for _ in range(1000)]

        gc.collect()

        assert gc.get_freeze_count() >= before + len(made)
        made.append(made)
        del made
        assert gc.collect() == 0, "a cycle, but an old one"

    assert gc.get_freeze_count() == 0
    assert gc.collect() >= 1


async def test_a_hive_that_runs_leaves_what_is_old_alone() -> None:
    gc.collect()
    app = App.open(CONFIG, None)
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        await trio.testing.wait_all_tasks_blocked()

        assert gc.get_freeze_count() > 0

        nursery.cancel_scope.cancel()
    assert gc.get_freeze_count() == 0


def _worker_comes_and_goes(app: App, queen: Client) -> None:
    queen.append("/queen/ctl", SPAWN.encode())
    (worker,) = queen.names("/worker")
    with queen.open(f"/worker/{worker}/telemetry") as telemetry:
        telemetry.read(0, 100)
    queen.append("/queen/ctl", f'{{"kill":"{worker}"}}'.encode())


def _session_comes_and_goes(app: App, _queen: Client) -> None:
    client = queen_client(app)
    client.read("/proc/boot")
    client.channel.close()


@pytest.mark.parametrize("happens", [_worker_comes_and_goes, _session_comes_and_goes])
def test_what_ends_leaves_nothing_to_the_collector(happens: Callable[[App, Client], None]) -> None:
    app = App.open(CONFIG, None)
    queen = queen_client(app)
    happens(app, queen)  # what is kept for the next time is made now
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            happens(app, queen)

        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_hive_is_opened_without_a_collection(collections: list[int]) -> None:
    journal = RetainedJournal()
    app = App.open(CONFIG, None, journal)
    queen = queen_client(app)
    for _ in range(500):
        queen.append("/queen/ctl", SPAWN.encode())
    assert collections, "so many workers are worth some"
    gc.collect()
    collections.clear()

    again = App.open(CONFIG, None, journal.reopened())

    assert len(again.hive.workers) == 500
    assert len(collections) <= 1, "what waited for it, once all is there"
