"""Each case runs over every road to a hive: messages and real frames, in both profiles, and a real mount."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.session.fids import Profile
from tests.conformance.hives import Hive, Local, Mounted, Process, framed, local

ROADS = {f"{make.__name__}-{profile.value}": make(profile) for make in (local, framed) for profile in Profile}


@pytest.fixture(scope="session")
def processes() -> Iterator[tuple[Process, Process]]:
    """A daemon and a client of its mounts, for all cases."""
    daemon = Process("tests.conformance.daemon")
    client = Process("tests.conformance.oscalls")
    yield daemon, client
    client.stop()
    daemon.stop()


@pytest.fixture(params=[*ROADS, pytest.param("mount", marks=pytest.mark.mount)])
def hive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hive]:
    """A new hive."""
    made: Hive
    if request.param == "mount":
        daemon, client = request.getfixturevalue("processes")
        made = Mounted(daemon, client, tmp_path)
    else:
        made = Local(ROADS[request.param])
    yield made
    made.close()
