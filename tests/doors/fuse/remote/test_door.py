"""The remote door's edges: what happens without a mount. The mount itself is tested in tests/mount."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pyfuse3
import pytest
import trio

from ninedoor.client.aio.resuming import ResumingTrioChannel
from ninedoor.client.failures import ConnectError
from ninedoor.client.resumption import ChannelState
from ninedoor.config import Listener
from ninedoor.doors.fuse.options import MountError, MountOptions
from ninedoor.doors.fuse.remote.door import DEADLINE_S, SLACK_S, remote_door
from ninedoor.doors.stream.door import Door as StreamDoor
from ninedoor.doors.stream.listening import bind
from tests import deployment
from tests.doors.fuse.remote.harness import CONTEXT


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[trio.CancelScope]:
    """A hive at `url`; what is given ends it."""
    door = StreamDoor(deployment.open_app(), [bind(Listener(url))])
    scope = trio.CancelScope()

    async def serve(*, task_status: trio.TaskStatus[None]) -> None:
        with scope:
            await door.serve(task_status=task_status)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve)
        yield scope
        scope.cancel()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"unix:{tmp_path / 'socket'}"


async def test_a_door_of_a_hive_that_listens_is_attached(url: str) -> None:
    async with listening(url), remote_door(url, "queen", "") as door:
        assert door.state.connected
        root = await door._patient.getattr(pyfuse3.ROOT_INODE, CONTEXT)
        assert root.st_ino == pyfuse3.ROOT_INODE


async def test_that_nobody_listens_is_one_line(url: str) -> None:
    with pytest.raises(ConnectError) as refused:
        async with remote_door(url, "queen", ""):
            pass

    assert str(refused.value).startswith(f"cannot connect to {url}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("uname", "aname", "why"),
    [
        ("worker-heartbeat:worker-1", "", "operation not permitted: it wants a ticket"),
        (
            "worker-heartbeat:x",
            "cohesix-ticket-00.00",
            "operation not permitted: is the ticket this hive's, of this role, and not expired?",
        ),
        (
            "worker-heartbeat:x",
            deployment.ticket("worker-heartbeat", "x", now=1000.0, ttl_s=60),
            "operation not permitted: the ticket expired at 1970-01-01T00:17:40Z",
        ),
        ("worker-heartbeat:x", deployment.ticket("worker-heartbeat", "x"), "it has no such worker"),
        ("nobody:x", "", "invalid argument"),
    ],
)
async def test_that_the_hive_refuses_the_ticket_is_one_line(
    url: str, uname: str, aname: str, why: str
) -> None:
    raised = None
    async with listening(url):
        try:
            async with remote_door(url, uname, aname):
                pass
        except MountError as refused:
            raised = refused

    assert str(raised) == f"{url} refuses {uname}: {why}"


async def test_what_libfuse_refuses_is_one_line(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise RuntimeError("fuse_session_mount failed")

    monkeypatch.setattr(pyfuse3, "init", refuse)
    async with listening(url), remote_door(url, "queen", "") as door:
        with pytest.raises(MountError, match="`ninedoor doctor`"):
            await door.serve(Path("/m"), MountOptions(), ready=lambda: None)


async def test_terminating_a_door_that_does_not_serve_does_nothing(url: str) -> None:
    async with listening(url), remote_door(url, "queen", "") as door:
        door.terminate()
        door.terminate()


async def test_news_of_the_connection_are_told(url: str) -> None:
    told: list[bool] = []
    lost = trio.Event()

    def tell(state: ChannelState) -> None:
        told.append(state.connected)
        if not state.connected:
            lost.set()

    async with listening(url) as hive, remote_door(url, "queen", "", on_state=tell) as door:
        hive.cancel()
        with trio.fail_after(5):
            await lost.wait()
        assert not door.state.connected

    assert told[:2] == [True, False]


@pytest.mark.parametrize(
    ("state", "patience"),
    [
        (ChannelState(True, 0.0), DEADLINE_S + SLACK_S),
        (ChannelState(False, 100.0), DEADLINE_S + SLACK_S),
        (ChannelState(False, 99.0 - DEADLINE_S), 0.0),
    ],
)
async def test_nobody_waits_for_a_server_that_has_long_been_away(
    url: str, state: ChannelState, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 100.0)
    async with listening(url), remote_door(url, "queen", "") as door:
        monkeypatch.setattr(ResumingTrioChannel, "state", state)

        assert door._patience() == patience
