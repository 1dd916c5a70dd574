"""Operations on trio: the same results as blocking, and no fid left behind by who is cancelled."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock, assert_checkpoints, assert_no_checkpoints

from ninedoor.client import operations
from ninedoor.client.aio.client import AsyncClient
from ninedoor.client.aio.driver import CLEANUP_S, InProcess, run
from ninedoor.client.channel import LocalChannel
from ninedoor.client.steps import Operation, Pause
from ninedoor.errors import P9Error
from ninedoor.session.session import Session
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid
from tests.session.fakes import BOOT, NOW, World


class Hanging:
    """A channel of this process on which requests of type `kinds` are never answered while `hangs`."""

    def __init__(self, session: Session, *kinds: type) -> None:
        self._channel = LocalChannel(session, lambda: NOW)
        self._kinds = kinds
        self.hangs = False

    async def call(self, request: Any) -> Any:
        if self.hangs and type(request) in self._kinds:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return self._channel.call(request)

    async def call_many(self, requests: Sequence[Any]) -> list[Any]:
        return [await self.call(request) for request in requests]

    def close(self) -> None:
        self._channel.close()


def live(session: Session) -> set[int]:
    return set(session._live)


Work = Callable[[AsyncClient], Any]


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        (m.Tlopen, lambda client: client.read("/proc/boot")),
        (m.Tread, lambda client: client.read("/proc/boot")),
        (m.Tgetattr, lambda client: client.stat("/proc/boot")),
        (m.Treaddir, lambda client: client.names("/proc")),
        (m.Twrite, lambda client: client.append("/log/queen.log", b"x\n")),
        (m.Twrite, lambda client: client.command("/queen/ctl", "x")),
    ],
)
async def test_who_is_cancelled_leaves_no_fid_behind(
    world: World, autojump_clock: MockClock, kind: type, work: Work
) -> None:
    session = world.session()
    channel = Hanging(session, kind)
    client = await AsyncClient.attach(channel)
    before = live(session)
    channel.hangs = True

    with trio.move_on_after(1) as scope:
        await work(client)

    assert scope.cancelled_caught
    assert live(session) == before


async def test_who_is_cancelled_with_a_file_open_closes_it(world: World, autojump_clock: MockClock) -> None:
    session = world.session()
    client = await AsyncClient.attach(Hanging(session, m.Tflush))
    before = live(session)

    with trio.move_on_after(1) as scope:
        async with await client.open("/proc/boot"), client.tail("/log/queen.log") as pieces:
            await anext(pieces)

    assert scope.cancelled_caught
    assert live(session) == before


class Crowded(Hanging):
    """A channel whose window is full when a fid is let go: the Tclunk waits a second to be sent."""

    async def call(self, request: Any) -> Any:
        if type(request) is m.Tclunk:
            await trio.sleep(1)
        return await super().call(request)


async def test_who_is_cancelled_while_it_lets_go_of_a_fid_does_so(
    world: World, autojump_clock: MockClock
) -> None:
    session = world.session()
    client = await AsyncClient.attach(Crowded(session))
    before = live(session)

    with trio.move_on_after(0.5) as scope:
        await client.read("/proc/boot")
        await trio.lowlevel.checkpoint()

    assert scope.cancelled_caught
    assert live(session) == before


async def test_letting_go_has_its_time_too(world: World, autojump_clock: MockClock) -> None:
    channel = Hanging(world.session(), m.Tread, m.Tclunk)
    client = await AsyncClient.attach(channel)
    channel.hangs = True

    with trio.move_on_after(1) as scope:
        await client.read("/proc/boot")

    assert scope.cancelled_caught
    assert trio.current_time() == 1 + CLEANUP_S


async def test_a_pause_is_a_pause(world: World, autojump_clock: MockClock) -> None:
    def waits() -> Operation[str]:
        yield Pause(5)
        return "done"

    channel = InProcess(LocalChannel(world.session(), lambda: NOW))

    assert await run(channel, waits()) == "done"
    assert trio.current_time() == 5


async def test_an_in_process_channel_never_waits(world: World) -> None:
    channel = InProcess(LocalChannel(world.session(), lambda: NOW))
    with assert_no_checkpoints():
        await run(channel, operations.attach("queen", "", 8192))
        assert await channel.call_many([m.Tstatfs(Fid(1))]) != []
    channel.close()

    with pytest.raises(P9Error):
        await channel.call(m.Tstatfs(Fid(1)))


async def test_a_refusal_is_raised_where_the_operation_can_meet_it(world: World) -> None:
    session = world.session()
    client = await AsyncClient.attach(InProcess(LocalChannel(session, lambda: NOW)))
    before = live(session)

    with pytest.raises(P9Error):
        await client.open("/proc/boot", os.O_WRONLY)

    assert live(session) == before


async def test_a_closed_file_is_a_bad_descriptor(world: World) -> None:
    client = await AsyncClient.attach(InProcess(LocalChannel(world.session(), lambda: NOW)))
    async with await client.open("/log/queen.log", os.O_RDWR) as log:
        pass

    for use in (log.read(0, 1), log.read_all(), log.write(b"x"), log.write_all(b"x")):
        with pytest.raises(P9Error, match=r"^EBADF: the file is closed$"):
            await use
    assert world.audit.lines == []


async def test_a_bug_in_an_operation_is_its_callers_to_see(world: World) -> None:
    def buggy() -> Operation[None]:
        try:
            yield m.Tclunk(Fid(99))
        except P9Error:
            raise ZeroDivisionError from None

    with pytest.raises(ZeroDivisionError):
        await run(InProcess(LocalChannel(world.session(), lambda: NOW)), buggy())


async def test_a_client_does_what_the_blocking_one_does(world: World) -> None:
    session = world.session()
    channel = Hanging(session, m.Tflush)
    client = await AsyncClient.attach(channel)
    before = live(session)
    with assert_checkpoints():
        assert await client.read("/proc/boot") == BOOT
    assert await client.append("/log/queen.log", b"one\n") == 4
    assert await client.names("/") == ["log", "proc", "queen", "worker"]
    assert (await client.stat("/proc/boot")).size == len(BOOT)
    assert [entry.name for entry in await client.entries("/proc")] == ["boot"]
    fid = await client.walk("/proc")
    await client.clunk(fid)
    async with await client.open("/log/queen.log", os.O_RDWR) as log:
        assert log.fid == fid + 1
        await log.write_all(b"two\nthree\n")
        await log.write_all(b"four\n", pipelined=True)
        assert await log.write(b"five\n") == 5
        assert await log.read_all() == b"one\ntwo\nthree\nfour\nfive\n"
        assert await log.read(4, 3) == b"two"
        await log.close()
    async with client.tail("/log/queen.log", 19, follow=False) as pieces:
        assert [piece.data async for piece in pieces] == [b"five\n"]

    assert client.root == 1
    assert live(session) == before


async def test_a_tail_that_is_left_closes_its_file(world: World) -> None:
    world.log.append(b"one\n", NOW)
    session = world.session()
    client = await AsyncClient.attach(InProcess(LocalChannel(session, lambda: NOW)))
    before = live(session)

    async with client.tail("/log/queen.log", "start") as pieces:
        async for piece in pieces:
            assert piece.data == b"one\n"
            break

    assert live(session) == before


async def test_an_idle_tail_waits_between_two_looks(world: World, autojump_clock: MockClock) -> None:
    client = await AsyncClient.attach(InProcess(LocalChannel(world.session(), lambda: NOW)))

    with trio.move_on_after(10):
        async with client.tail("/log/queen.log", interval_s=3) as pieces:
            await anext(pieces)

    assert trio.current_time() == 10
