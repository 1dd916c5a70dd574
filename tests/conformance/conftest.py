"""Each case runs over every road to a hive: messages, real frames and sockets, in both profiles, real mounts,
of a hive in the same process and over a socket, and the 9P client of a Linux kernel in a guest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.session.fids import Profile
from tests.conformance.hives import Hive, Local, Mounted, Process, Socketed, framed, local
from tests.conformance.linux_guest import Guest, Guested

ROADS = {f"{make.__name__}-{profile.value}": make(profile) for make in (local, framed) for profile in Profile}

SOCKETS = {
    "unix-strict": ("unix:{}/socket", Profile.STRICT),
    "unix-linux": ("unix:{}/socket", Profile.LINUX),
    "tcp-strict": ("tcp://127.0.0.1:0", Profile.STRICT),
    "tcp-linux": ("tcp://[::1]:0", Profile.LINUX),
}


@pytest.fixture(scope="session")
def processes() -> Iterator[tuple[Process, Process]]:
    """A daemon and a client of its mounts, for all cases."""
    daemon = Process("tests.conformance.daemon")
    client = Process("tests.conformance.oscalls")
    yield daemon, client
    client.stop()
    daemon.stop()


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """A Linux guest, for all cases."""
    running = Guest(tmp_path_factory.mktemp("guest"))
    yield running
    assert running.stop() == 0


@pytest.fixture(
    params=[
        *ROADS,
        *SOCKETS,
        pytest.param("mount", marks=pytest.mark.mount),
        pytest.param("mount_remote", marks=pytest.mark.mount),
        pytest.param("v9fs", marks=pytest.mark.linux_guest),
    ]
)
def hive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hive]:
    """A new hive."""
    made: Hive
    if request.param in ("mount", "mount_remote"):
        daemon, client = request.getfixturevalue("processes")
        made = Mounted(daemon, client, tmp_path, request.param)
    elif request.param == "v9fs":
        daemon, _client = request.getfixturevalue("processes")
        made = Guested(daemon, request.getfixturevalue("guest"))
    elif request.param in SOCKETS:
        daemon, _client = request.getfixturevalue("processes")
        url, profile = SOCKETS[request.param]
        made = Socketed(daemon, url.format(tmp_path), profile)
    else:
        made = Local(ROADS[request.param])
    yield made
    made.close()
