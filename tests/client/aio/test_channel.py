"""The trio channel over real sockets: many tasks at once, deadlines, cancellation, and servers that lie.

Servers run in threads, so time is real; nothing is timed but that a deadline is not missed by a mile.
"""

import errno
import random
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import assert_checkpoints

from ninedoor.client.address import TcpAddress, UnixAddress
from ninedoor.client.aio.channel import TrioChannel, connect_socket
from ninedoor.client.failures import ConnectError, ConnectionLost, Unanswered
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX, NOTAG
from ninedoor.session.session import Session
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_request, encode
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.types import Fid
from tests.client.servers import HiveServer, ScriptedServer, requests_of, scripted
from tests.client.test_sockets import LONG_S, SHORT_S, Withholding, answering, hoarding, read, send_shuffled
from tests.session.fakes import BOOT, NOW, World

VERSION = m.Tversion(MSIZE_MAX, "9P2000.L")
ATTACH = m.Tattach(Fid(0), Fid(0), "queen", "", 0)


@asynccontextmanager
async def channel_to(
    server: ScriptedServer, timeout_s: float = LONG_S, window: int = 16
) -> AsyncIterator[TrioChannel]:
    """A channel that runs; its tasks are gone at the end."""
    channel = TrioChannel(
        await connect_socket(server.address), server.url, timeout_s=timeout_s, window=window, at_once=window
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(channel.run)
        try:
            yield channel
        finally:
            channel.close()


# -- connecting


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="there is no such socket"):
        await connect_socket(UnixAddress(str(tmp_path / "nobody")))
    with pytest.raises(ConnectError, match=r"no host no-such-host\.invalid is known"):
        await connect_socket(TcpAddress("no-such-host.invalid", 1))


async def test_tcp_is_without_delay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connected = await connect_socket(TcpAddress("localhost", listening.getsockname()[1]))
    with connected:
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_a_crowded_listener_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    path = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        first = await connect_socket(UnixAddress(path))
        with first, pytest.raises(ConnectError, match="no answer within"):
            await connect_socket(UnixAddress(path), timeout_s=SHORT_S)


async def test_who_is_cancelled_while_connecting_leaves_no_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        with await connect_socket(UnixAddress(path)):
            with trio.move_on_after(SHORT_S) as scope:
                await connect_socket(UnixAddress(path), timeout_s=LONG_S)
            assert scope.cancelled_caught


# -- calls


async def test_tasks_call_at_once_and_each_gets_its_own_reply(server: HiveServer, world: World) -> None:
    world.log.append(bytes(range(200)), NOW)
    got: dict[int, bytes] = {}
    async with channel_to(server, window=4) as channel:
        await channel.call_many([VERSION, ATTACH, m.Twalk(Fid(0), Fid(1), ("log", "queen.log"))])
        await channel.call(m.Tlopen(Fid(1), 0))

        async def caller(first: int) -> None:
            for offset in range(first, 200, 20):
                got[offset] = (await channel.call(m.Tread(Fid(1), offset, 1))).data

        async with trio.open_nursery() as nursery:
            for first in range(20):
                nursery.start_soon(caller, first)

    assert got == {offset: bytes([offset]) for offset in range(200)}


async def test_a_call_is_a_checkpoint_whatever_becomes_of_it(server: HiveServer) -> None:
    async with channel_to(server) as channel:
        with assert_checkpoints():
            await channel.call(VERSION)
        with assert_checkpoints(), pytest.raises(P9Error):
            await channel.call(m.Twrite(Fid(1), 0, bytes(MSIZE_MAX)))
        with assert_checkpoints():
            await channel.call_many([])
        channel.close()
        with assert_checkpoints(), pytest.raises(ConnectionLost):
            await channel.call(VERSION)


async def test_more_bytes_than_the_socket_holds_go_both_ways(server: HiveServer) -> None:
    data = bytes(8000)
    async with channel_to(server, window=500) as channel:
        await channel.call_many([VERSION, ATTACH, m.Twalk(Fid(0), Fid(1), ("log", "queen.log"))])
        await channel.call(m.Tlopen(Fid(1), 2))
        replies = await channel.call_many([m.Twrite(Fid(1), 0, data), m.Tread(Fid(1), 1, 8000)] * 500)

    assert {reply.count for reply in replies[::2]} == {len(data)}
    assert {len(reply.data) for reply in replies[1::2]} == {len(data) - 1, len(data)}


async def test_what_the_socket_does_not_take_at_once_is_sent_though_nothing_comes_back(
    tmp_path: Path,
) -> None:
    with scripted(tmp_path / "s", hoarding(300)) as server:
        async with channel_to(server, window=300) as channel:
            replies = await channel.call_many([m.Twrite(Fid(1), 0, bytes(8000))] * 300)

    assert replies == [m.Rwrite(8000)] * 300


# -- 10,000 operations


class ShufflingServer:
    """Serves real sessions, and answers in any order and in any pieces. Counts what it served, and refuses
    to go on when a tag comes that is still in use."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.served: Counter[str] = Counter()
        self.most = 0
        self._chance = random.Random(seed)
        self._hive = threading.Lock()

    def __call__(self, connected: socket.socket) -> None:
        with self._hive:
            session = self.world.session()
            chance = random.Random(self._chance.random())
        reader = FrameReader()
        held: dict[int, bytes] = {}
        connected.setblocking(True)
        while True:
            if held and chance.random() < 0.5:
                self._answer_some(connected, held, chance)
                continue
            connected.settimeout(0.0005 if held else None)
            try:
                data = connected.recv(chance.randint(1, 4096))
            except TimeoutError:
                connected.settimeout(None)
                self._answer_some(connected, held, chance)
                continue
            if not data:
                with self._hive:
                    session.close("peer hung up")
                return
            self._serve(session, reader, data, held)

    def _serve(self, session: Session, reader: FrameReader, data: bytes, held: dict[int, bytes]) -> None:
        reader.feed(data)
        for frame in reader:
            tag, request = decode_request(*frame)
            assert tag not in held, f"tag {tag} used again while in flight"
            with self._hive:
                held[tag] = encode(tag, session.handle(request, NOW))
                self.served[type(request).__name__] += 1
            self.most = max(self.most, len(held))

    def _answer_some(self, connected: socket.socket, held: dict[int, bytes], chance: random.Random) -> None:
        connected.settimeout(None)
        tags = chance.sample(sorted(held), chance.randint(1, len(held)))
        send_shuffled(connected, [held.pop(tag) for tag in tags], chance)


@pytest.mark.parametrize("seed", range(2))
async def test_ten_thousand_operations_on_four_connections_with_replies_in_any_order(
    tmp_path: Path, world: World, seed: int
) -> None:
    world.log.append(bytes(256), NOW)
    handle = ShufflingServer(world, seed)
    asked: Counter[str] = Counter()
    wrong: list[Any] = []

    async def caller(channel: TrioChannel, number: int) -> None:
        """52 rounds of three requests on a fid of its own."""
        fid = Fid(10 + number)
        names = ("log", "queen.log") if number % 2 else ("proc", "boot")
        await ask(channel, m.Twalk(Fid(0), fid, names))
        await ask(channel, m.Tlopen(fid, 0))
        for round_ in range(52):
            data = (await ask(channel, m.Tread(fid, round_ % 8, 4))).data
            expected = bytes(4) if number % 2 else BOOT[round_ % 8 :][:4]
            if data != expected:
                wrong.append((number, round_, data))
            await ask(channel, m.Tgetattr(fid, 0))
            await ask(channel, m.Tstatfs(fid))
        await ask(channel, m.Tclunk(fid))

    async def ask(channel: TrioChannel, request: m.Message) -> Any:
        asked[type(request).__name__] += 1
        return await channel.call(request)

    async def session(server: ScriptedServer) -> None:
        async with channel_to(server) as channel:
            await ask(channel, VERSION)
            await ask(channel, ATTACH)
            async with trio.open_nursery() as nursery:
                for number in range(16):
                    nursery.start_soon(caller, channel, number)

    with scripted(tmp_path / "s", handle) as server:
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(session, server)

    assert wrong == []
    assert handle.served == asked
    assert asked.total() >= 10_000
    assert handle.most > 1
    assert not len(world.counters.sessions)


# -- deadlines and cancellation


@pytest.mark.parametrize("late_reply", [False, True])
async def test_a_call_ends_at_its_deadline_and_the_channel_goes_on(tmp_path: Path, late_reply: bool) -> None:
    handle = Withholding()
    handle.late_reply = late_reply
    with scripted(tmp_path / "s", handle) as server:
        async with channel_to(server) as channel:
            with pytest.raises(Unanswered) as late:
                await channel.call(read(13), SHORT_S)
            replies = await channel.call_many([read(offset) for offset in range(14, 50)])

    assert handle.flushed.is_set()
    assert (late.value.ecode, late.value.left, late.value.silent_s) == (errno.ETIMEDOUT, True, SHORT_S)
    assert [reply.data for reply in replies] == [b"%d" % offset for offset in range(14, 50)]


async def test_a_server_that_drips_bytes_does_not_put_the_deadline_off(tmp_path: Path) -> None:
    stop = threading.Event()

    def handle(connected: socket.socket) -> None:
        frame = encode(0, m.Rread(bytes(8000)))
        for at in range(len(frame) - 1):
            connected.sendall(frame[at : at + 1])
            if stop.wait(SHORT_S / 20):
                return

    with scripted(tmp_path / "s", handle) as server:
        async with channel_to(server) as channel:
            with trio.fail_after(LONG_S), pytest.raises(Unanswered) as late:
                await channel.call(read(0, 8000), SHORT_S)
            stop.set()

    assert late.value.ecode == errno.ETIMEDOUT


async def test_a_cancelled_call_is_flushed_and_its_late_fid_clunked(tmp_path: Path) -> None:
    seen: list[Any] = []
    walked, clunked = threading.Event(), threading.Event()

    def handle(connected: socket.socket) -> None:
        held = 0
        for tag, request in requests_of(connected):
            seen.append(request)
            if isinstance(request, m.Twalk):
                held = tag
                walked.set()
            elif isinstance(request, m.Tflush):
                connected.sendall(encode(held, m.Rwalk(())) + encode(tag, m.Rflush()))
            elif isinstance(request, m.Tclunk):
                connected.sendall(encode(tag, m.Rclunk()))
                clunked.set()
            else:
                connected.sendall(encode(tag, m.Rread(b"on")))

    with scripted(tmp_path / "s", handle) as server:
        async with channel_to(server, window=1) as channel, trio.open_nursery() as nursery:
            nursery.start_soon(channel.call, m.Twalk(Fid(0), Fid(7), ()))
            await trio.to_thread.run_sync(walked.wait, LONG_S)
            nursery.cancel_scope.cancel()
        async with channel_to(server, window=1) as channel:
            with trio.move_on_after(SHORT_S):
                await channel.call(m.Twalk(Fid(0), Fid(7), ()))
            assert (await channel.call(read(0))).data == b"on"
            await trio.to_thread.run_sync(clunked.wait, LONG_S)

    assert m.Tclunk(Fid(7)) in seen


async def test_a_call_in_a_cancelled_scope_asks_nothing(server: HiveServer) -> None:
    async with channel_to(server) as channel:
        with trio.CancelScope() as scope:
            scope.cancel()
            await channel.call(VERSION)
        assert scope.cancelled_caught
        await channel.call(VERSION)

    assert server.count(m.Tversion) == 1


async def test_callers_wait_for_room_and_are_cancelled_without_taking_it(tmp_path: Path) -> None:
    handle = Withholding()
    with scripted(tmp_path / "s", handle) as server:
        async with channel_to(server, window=1) as channel:
            with trio.move_on_after(SHORT_S):
                await channel.call_many([read(13), read(1), read(2)])
            assert (await channel.call(read(7))).data == b"7"


# -- ends


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "the server closed it"),
        (encode(0, m.Rread(b"x"))[:9], "the server closed it inside a frame"),
        (encode(5, m.Rread(b"x")), "Rread on tag 5, on which nothing was asked"),
        (encode(0, m.Rclunk()), "Rclunk in answer to Tread"),
        (encode(NOTAG, m.Rlerror(errno.EINVAL)), "the server could not read what it was sent"),
        (bytes(100), "frame of 0 bytes"),
    ],
)
async def test_a_server_that_breaks_off_or_lies_fails_everybody(
    tmp_path: Path, answer: bytes, why: str
) -> None:
    failures: list[str] = []

    async def caller(channel: TrioChannel) -> None:
        with pytest.raises(ConnectionLost, match=why) as lost:
            await channel.call(read(0))
        failures.append(lost.value.reason)

    with scripted(tmp_path / "s", answering(answer)) as server:
        async with channel_to(server, window=4) as channel:
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(caller, channel)
            await channel.wait_lost()
            assert channel.lost is not None
            await caller(channel)

    assert len(failures) == 11


async def test_replies_that_came_before_the_end_count(tmp_path: Path) -> None:
    handle = answering(encode(1, m.Rread(b"one")), encode(0, m.Rlerror(errno.EIO)))
    with scripted(tmp_path / "s", handle) as server:
        async with channel_to(server) as channel:
            refused, one, lost = await channel.call_many([read(0), read(1), read(2)])

    assert refused.ecode == errno.EIO
    assert one == m.Rread(b"one")
    assert isinstance(lost, ConnectionLost)


async def test_closing_fails_who_waits(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", Withholding()) as server:
        async with channel_to(server) as channel, trio.open_nursery() as nursery:

            async def caller() -> None:
                with pytest.raises(ConnectionLost, match="the client closed it"):
                    await channel.call(read(13))

            nursery.start_soon(caller)
            await trio.testing.wait_all_tasks_blocked(0.01)
            channel.close()
            channel.close()


async def test_a_channel_nobody_runs_any_more_is_lost(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", Withholding()) as server:
        channel = TrioChannel(await connect_socket(server.address), server.url)
        with trio.move_on_after(0):
            await channel.run()

        with pytest.raises(ConnectionLost, match="nobody reads from it"):
            await channel.call(read(0))


async def test_bytes_the_socket_did_not_take_when_the_channel_is_closed_are_dropped(tmp_path: Path) -> None:
    go = threading.Event()

    def handle(_connected: socket.socket) -> None:
        go.wait(LONG_S)

    with scripted(tmp_path / "s", handle) as server:
        async with channel_to(server, window=1000) as channel:
            late = await channel.call_many([m.Twrite(Fid(1), 0, bytes(8000))] * 1000, SHORT_S)
            go.set()

    left = [reply.left for reply in late]
    assert left[0]
    assert not left[-1]
