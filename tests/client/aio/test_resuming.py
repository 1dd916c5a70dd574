"""The trio channel over connections that come and go, with many tasks that use it. What is decided for both
worlds is tested in `tests/client/test_resuming.py`.
"""

import errno
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import assert_checkpoints

from ninedoor.client import resumption
from ninedoor.client.aio.client import AsyncClient, connect
from ninedoor.client.aio.resuming import ResumingTrioChannel, open_channel
from ninedoor.client.failures import ConnectError, ConnectionLost, Unanswered
from ninedoor.client.resumption import ChannelState
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX
from ninedoor.session.fids import Profile
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import QT_DIR, Fid, Qid
from tests.client.servers import HiveServer, requests_of, scripted
from tests.client.test_resuming import live, once
from tests.session.fakes import BOOT, NOW, World

LONG_S = 30.0
SHORT_S = 0.3


@pytest.fixture(params=list(Profile), ids=lambda profile: profile.value)
def profile(request: pytest.FixtureRequest, server: HiveServer, world: World) -> Profile:
    chosen: Profile = request.param
    server.make_session = lambda: world.session(chosen)
    return chosen


class States:
    """The states a channel was in, to be waited for."""

    def __init__(self) -> None:
        self.seen: list[ChannelState] = []
        self._came = trio.Event()

    def __call__(self, state: ChannelState) -> None:
        self.seen.append(state)
        self._came.set()
        self._came = trio.Event()

    async def until(self, wanted: Callable[[ChannelState], bool]) -> ChannelState:
        """The present state, as soon as it is as `wanted`."""
        with trio.fail_after(LONG_S):
            while not (self.seen and wanted(self.seen[-1])):
                await self._came.wait()
        return self.seen[-1]


@asynccontextmanager
async def connected(server: HiveServer, states: States | None = None) -> AsyncIterator[AsyncClient]:
    """A client; none of its tasks is left at the end."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    async with connect(server.url, timeout_s=LONG_S, on_change=states) as client:
        yield client
    assert trio.lowlevel.current_statistics().tasks_living == tasks


def state_of(client: AsyncClient) -> ChannelState:
    channel = client.channel
    assert isinstance(channel, ResumingTrioChannel)
    return channel.state


# -- going on


async def test_files_that_are_open_are_read_on(server: HiveServer, profile: Profile, world: World) -> None:
    world.log.append(b"0123456789", NOW)
    async with connected(server) as client, await client.open("/log/queen.log") as log:
        assert await log.read(3, 3) == b"345"
        server.cut()

        assert await log.read(6, 3) == b"678"
        assert await client.read("/proc/boot") == BOOT
        assert state_of(client).losses == 1


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("kind", [m.Twalk, m.Tlopen, m.Tread, m.Tgetattr, m.Treaddir, m.Tclunk])
async def test_a_request_that_was_on_its_way_is_asked_again(
    server: HiveServer, profile: Profile, kind: type, served: bool
) -> None:
    async with connected(server) as client:
        once(server, kind, served=served)
        assert await client.read("/proc/boot") == BOOT
        assert (await client.stat("/proc/boot")).size == len(BOOT)
        assert await client.names("/log") == ["queen.log", "sealed"]
        assert live(server.sessions[-1]) <= {client.root}
    assert server.connections == 2


async def test_the_connection_comes_back_though_nobody_asks(server: HiveServer) -> None:
    states = States()
    async with connected(server, states) as client:
        server.stop()
        lost = await states.until(lambda state: state.attempts >= 2)
        server.start()
        back = await states.until(lambda state: state.connected)
        assert state_of(client) == back

    assert not lost.connected
    assert lost.why.startswith("there is no such socket")
    assert next(state.why for state in states.seen if not state.connected) == "the server closed it"
    assert (back.losses, back.attempts, back.why) == (1, 0, "")
    assert back.since >= lost.since > 0


async def test_a_fid_that_many_want_again_is_walked_to_once(server: HiveServer, profile: Profile) -> None:
    async with connected(server) as client, await client.open("/proc/boot") as boot:
        server.cut()
        walks = server.count(m.Twalk)
        got: list[bytes] = []

        async def reader() -> None:
            got.append(await boot.read(0, 100))

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(reader)

    assert got == [BOOT] * 50
    assert server.count(m.Twalk) == walks + 1


async def test_many_tasks_live_through_many_losses(
    server: HiveServer, profile: Profile, world: World
) -> None:
    world.log.append(bytes(range(200)), NOW)
    done = 0

    async def reader(client: AsyncClient, number: int) -> None:
        nonlocal done
        async with await client.open("/log/queen.log" if number % 2 else "/proc/boot") as file:
            for at in range(1, 40):
                expected = bytes([at]) if number % 2 else BOOT[at : at + 1]
                assert await file.read(at, 1) == expected
                done += 1
                if done % 100 == 50:
                    server.cut()

    async with connected(server) as client:
        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(reader, client, number)
        assert state_of(client).losses >= 5
        assert live(server.sessions[-1]) == {client.root}


async def test_who_is_cancelled_while_its_fid_is_restored_harms_nobody(
    server: HiveServer, profile: Profile
) -> None:
    gate = threading.Event()
    held = threading.Event()

    def hold(requests: list[Any], replies: bytes) -> bytes | None:
        if any(type(request) is m.Tlopen for request in requests):
            held.set()
            gate.wait(LONG_S)
        return replies

    async with connected(server) as client, await client.open("/proc/boot") as boot:
        server.cut()
        server.before = hold
        got: list[bytes] = []

        async def patient() -> None:
            got.append(await boot.read(0, 100))

        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as hasty:

                async def release() -> None:
                    await trio.to_thread.run_sync(held.wait, LONG_S)
                    hasty.cancel()

                nursery.start_soon(release)
                await boot.read(0, 100)
            assert hasty.cancelled_caught
            nursery.start_soon(patient)
            await trio.testing.wait_all_tasks_blocked(0.01)
            gate.set()

    assert got == [BOOT]


async def test_a_fid_clunked_while_it_is_restored_is_not_left_behind(
    server: HiveServer, profile: Profile
) -> None:
    gate = threading.Event()
    held = threading.Event()

    def hold(requests: list[Any], replies: bytes) -> bytes | None:
        if any(type(request) is m.Twalk for request in requests):
            held.set()
            gate.wait(LONG_S)
        return replies

    async with connected(server) as client:
        boot = await client.open("/proc/boot")
        server.cut()
        server.before = hold

        async def reader() -> None:
            with pytest.raises(P9Error):  # it was closed under its hands
                await boot.read(0, 100)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader)
            await trio.to_thread.run_sync(held.wait, LONG_S)
            await boot.close()
            gate.set()
        server.before = None
        await client.stat("/")

        assert live(server.sessions[-1]) == {client.root}


@pytest.mark.parametrize("turns", range(8))
async def test_a_fid_wanted_again_in_the_moment_of_another_loss_waits_for_the_next_connection(
    server: HiveServer, turns: int
) -> None:
    states = States()
    async with connected(server, states) as client:
        boot = await client.open("/proc/boot")
        server.cut()
        await states.until(lambda state: state.connected and state.losses == 1)
        channel = client.channel
        assert isinstance(channel, ResumingTrioChannel)
        link = channel._link
        assert link is not None
        server.cut()
        while link.channel.lost is None:
            await trio.lowlevel.checkpoint()
        for _ in range(turns):
            await trio.lowlevel.checkpoint()

        assert await boot.read(0, 10) == BOOT[:10]


async def test_a_restoration_that_hangs_ends_with_the_call_and_the_connection(server: HiveServer) -> None:
    gate = threading.Event()

    def hang(requests: list[Any], data: bytes) -> bytes | None:
        if any(type(request) is m.Twalk for request in requests):
            gate.wait(LONG_S)
        return data

    states = States()
    async with connect(server.url, timeout_s=SHORT_S, on_change=states) as client:
        boot = await client.open("/proc/boot")
        server.cut()
        server.before = hang
        with pytest.raises(Unanswered) as late:
            await boot.read(0, 10)
        server.before = None
        await states.until(lambda state: state.connected and state.losses == 2)
        gate.set()

        assert late.value.ecode == errno.ETIMEDOUT
        assert await boot.read(0, 10) == BOOT[:10]


async def test_a_refused_restoration_is_told_to_everybody_who_waits(server: HiveServer, world: World) -> None:
    async with connected(server) as client, await client.open("/proc/boot") as boot:
        server.cut()
        world.gate.principals["queen"].refusals["walk"] = P9Error(errno.EMFILE, "full")
        told: list[int] = []

        async def reader() -> None:
            with pytest.raises(P9Error) as refusal:
                await boot.read(0, 10)
            told.append(refusal.value.ecode)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(reader)
        world.gate.principals["queen"].refusals.clear()
        assert await boot.read(0, 10) == BOOT[:10]

    assert told == [errno.EMFILE] * 5


async def test_calls_that_need_no_server_are_checkpoints_too(server: HiveServer, world: World) -> None:
    async with connected(server) as client:
        telemetry = await client.open("/worker/worker-1/telemetry")
        server.cut()
        world.kill()
        for _ in range(2):
            with assert_checkpoints(), pytest.raises(P9Error):
                await telemetry.read(0, 1)
        with assert_checkpoints():
            await telemetry.close()


# -- what is not what it was


async def test_a_node_that_is_gone_is_stale_until_its_fid_is_clunked(
    server: HiveServer, profile: Profile, world: World
) -> None:
    async with connected(server) as client:
        telemetry = await client.open("/worker/worker-1/telemetry")
        server.cut()
        world.kill()
        for _ in range(2):
            with pytest.raises(P9Error, match="/worker/worker-1/telemetry: it was gone") as stale:
                await telemetry.read(0, 10)
            assert stale.value.ecode == errno.ESTALE
        await telemetry.close()
        assert live(server.sessions[-1]) == {client.root}


async def test_a_write_on_its_way_is_never_sent_again(server: HiveServer, world: World) -> None:
    async with connected(server) as client, await client.open("/log/queen.log", os.O_WRONLY) as log:
        once(server, m.Twrite, served=True)
        with pytest.raises(P9Error, match="may or may not have been taken") as unknown:
            await log.write(b"one\n")
        await log.write(b"two\n")

    assert unknown.value.ecode == errno.EIO
    assert world.log.retained() == b"one\ntwo\n"


async def test_a_tail_goes_on_at_the_exact_byte(server: HiveServer, world: World) -> None:
    got = b""
    async with connected(server) as client, client.tail("/log/queen.log", 0, interval_s=0.01) as pieces:
        for number in range(20):
            world.log.append(b"line %d\n" % number, NOW)
            if number % 5 == 2:
                once(server, m.Tread, served=number % 2 == 0)
            if number % 5 == 4:
                server.cut()
            piece = await anext(pieces)
            assert piece.offset == len(got)
            got += piece.data

    assert got == b"".join(b"line %d\n" % number for number in range(20))


# -- connecting again


async def test_a_server_that_stays_away_is_waited_for_until_the_deadline(server: HiveServer) -> None:
    async with connected(server) as client:
        channel = client.channel
        assert isinstance(channel, ResumingTrioChannel)
        server.stop()
        channel.timeout_s = SHORT_S
        with pytest.raises(Unanswered) as late:
            await client.read("/proc/boot")
        server.start()
        channel.timeout_s = LONG_S
        assert await client.read("/proc/boot") == BOOT

    assert late.value.ecode == errno.ETIMEDOUT
    assert late.value.reason.startswith(f"no connection to {server.url} within 0.3 s: ")


async def test_a_server_that_refuses_the_attach_is_told_at_once_and_asked_again(
    server: HiveServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "REFUSED_PAUSES_S", (0.05,) * 1000)
    states = States()
    async with connected(server, states) as client:
        world.gate.refusal = P9Error(errno.EPERM, "ticket revoked")
        server.cut()
        await states.until(lambda state: state.attempts > 0)
        for _ in range(2):
            with pytest.raises(P9Error) as refusal:
                await client.read("/proc/boot")
            assert refusal.value.ecode == errno.EPERM
        world.gate.refusal = None
        await states.until(lambda state: state.connected)
        assert await client.read("/proc/boot") == BOOT


async def test_a_server_that_goes_on_refusing_is_not_asked_for_ever(
    server: HiveServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "REFUSED_PAUSES_S", (0.01, 0.02))
    states = States()
    async with connected(server, states) as client:
        world.gate.refusal = P9Error(errno.EPERM, "ticket revoked")
        server.cut()
        over = await states.until(lambda state: state.over)
        world.gate.refusal = None
        for _ in range(2):
            with pytest.raises(P9Error) as refusal:
                await client.read("/proc/boot")
            assert refusal.value.ecode == errno.EPERM

    assert (over.attempts, over.connected, over.why) == (3, False, "operation not permitted")
    assert server.connections == 4


async def test_a_server_that_lets_in_and_hangs_up_is_not_asked_in_a_rush(tmp_path: Path) -> None:
    def handle(connected: socket.socket) -> None:
        for tag, request in requests_of(connected):
            if isinstance(request, m.Tversion):
                connected.sendall(encode(tag, m.Rversion(MSIZE_MAX, request.version)))
            elif isinstance(request, m.Tattach):
                connected.sendall(encode(tag, m.Rattach(Qid(QT_DIR, 1, 1))))
            else:
                return

    with scripted(tmp_path / "s", handle) as server:
        async with connect(server.url, timeout_s=SHORT_S) as client:
            with pytest.raises(Unanswered):
                await client.read("/proc/boot")
        assert server.connections < 6


async def test_a_server_that_says_nothing_any_more_is_left(tmp_path: Path) -> None:
    silent = True

    def handle(connected: socket.socket) -> None:
        for tag, request in requests_of(connected):
            if isinstance(request, m.Tversion):
                connected.sendall(encode(tag, m.Rversion(MSIZE_MAX, request.version)))
            elif isinstance(request, m.Tattach):
                connected.sendall(encode(tag, m.Rattach(Qid(QT_DIR, 1, 1))))
            elif not silent:
                connected.sendall(encode(tag, m.Rstatfs(*[1] * 9)))

    states = States()
    with scripted(tmp_path / "s", handle) as server:
        async with connect(server.url, timeout_s=SHORT_S, on_change=states) as client:
            with pytest.raises(Unanswered):
                await client.channel.call(m.Tstatfs(Fid(client.root)))
            silent = False
            await states.until(lambda state: state.connected and state.losses == 1)
            assert await client.channel.call(m.Tstatfs(Fid(client.root))) == m.Rstatfs(*[1] * 9)


# -- beginning and end


async def test_nobody_there_in_the_first_place_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="there is no such socket"):
        async with connect(f"unix:{tmp_path}/nobody"):
            pass


async def test_what_does_not_speak_9p_is_told_as_such_at_once(tmp_path: Path) -> None:
    def handle(connected: socket.socket) -> None:
        connected.recv(8192)

    with scripted(tmp_path / "s", handle) as server:
        with pytest.raises(ConnectError, match=r"cannot connect to unix:.*; does it speak 9P\?"):
            async with connect(server.url, timeout_s=LONG_S):
                pass
        assert server.connections == 1


async def test_who_is_not_let_in_is_told_why(server: HiveServer) -> None:
    with pytest.raises(P9Error) as refusal:
        async with connect(server.url, uname="nobody"):
            pass

    assert refusal.value.ecode == errno.EPERM


async def test_what_its_user_raises_comes_out_as_it_is(server: HiveServer) -> None:
    with pytest.raises(ZeroDivisionError):
        async with connected(server):
            raise ZeroDivisionError


async def test_a_cancelled_user_is_cancelled(server: HiveServer) -> None:
    with trio.CancelScope() as scope:
        async with connected(server) as client:
            scope.cancel()
            await client.read("/proc/boot")

    assert scope.cancelled_caught


async def test_a_closed_channel_does_not_come_back(server: HiveServer) -> None:
    async with open_channel(server.url) as channel:
        channel.close()
        channel.close()
        with pytest.raises(ConnectionLost, match="the client closed it"):
            await channel.call(m.Tversion(MSIZE_MAX, "9P2000.L"))
        assert (channel.state.connected, channel.state.losses) == (False, 0)


async def test_closing_ends_calls_that_wait_for_a_fid(server: HiveServer) -> None:
    gate, held = threading.Event(), threading.Event()

    def hold(requests: list[Any], data: bytes) -> bytes | None:
        if any(type(request) is m.Twalk for request in requests):
            held.set()
            gate.wait(LONG_S)
        return data

    async with connect(server.url, timeout_s=LONG_S) as client, trio.open_nursery() as nursery:
        boot = await client.open("/proc/boot")
        server.cut()
        server.before = hold

        async def reader() -> None:
            with pytest.raises(ConnectionLost, match="the client closed it"):
                await boot.read(0, 10)

        nursery.start_soon(reader)
        await trio.to_thread.run_sync(held.wait, LONG_S)
        client.channel.close()
        gate.set()


async def test_closing_ends_calls_that_wait_for_a_connection(server: HiveServer) -> None:
    async with open_channel(server.url, timeout_s=LONG_S) as channel:
        await channel.call(m.Tversion(MSIZE_MAX, "9P2000.L"))
        server.stop()

        async def caller() -> None:
            with pytest.raises(ConnectionLost):
                await channel.call(m.Tattach(Fid(0), Fid(0), "queen", "", 0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(caller)
            await trio.testing.wait_all_tasks_blocked(0.01)
            channel.close()


async def test_no_socket_is_left_when_the_end_comes_while_connecting(server: HiveServer) -> None:
    for pause_s in (0.0, 0.001, 0.005):
        with trio.move_on_after(pause_s):
            async with open_channel(server.url):
                server.cut()
                await trio.sleep_forever()
