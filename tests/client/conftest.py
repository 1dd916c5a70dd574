"""The small namespace of the session's tests, in process and behind a unix socket; nothing may stay open."""

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.servers import HiveServer, strict
from tests.session.fakes import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def server(tmp_path: Path, world: World) -> Iterator[HiveServer]:
    """The world behind a unix socket."""
    server = HiveServer(tmp_path / "hive", strict(world), world.counters)
    server.start()
    yield server
    server.stop()
    assert server.failures == []
    assert not len(world.counters.sessions)


def open_sockets() -> set[str]:
    """The sockets of this process, as the kernel names them."""
    found = set()
    for entry in os.scandir("/proc/self/fd"):
        try:
            target = os.readlink(entry.path)
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def running_threads() -> set[threading.Thread]:
    """All but the idle ones that trio keeps for the next look-up of a name."""
    return {thread for thread in threading.enumerate() if not thread.name.lower().startswith("trio")}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Neither a socket nor a thread outlives its test."""
    sockets, threads = open_sockets(), running_threads()
    yield
    left = open_sockets() - sockets
    if left:
        gc.collect()
    assert open_sockets() <= sockets
    assert running_threads() <= threads
