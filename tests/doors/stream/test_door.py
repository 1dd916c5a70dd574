"""A hive on sockets: everybody is answered, in bounded time and memory, until the door ends."""

import errno
import gc
import os
import random
import socket
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trio

from ninedoor.config import Listener, Secure9P
from ninedoor.doors.stream.bound import ListenError
from ninedoor.doors.stream.door import Door
from ninedoor.doors.stream.listening import bind
from ninedoor.limits import MSIZE_MAX, RECEIVE_BYTES, TURN_BYTES
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import Fid
from tests.deployment import BOOT_LINES, CONFIG, log_lines, open_app
from tests.doors.stream.harness import (
    HELLO,
    OPEN_LOG,
    VERSION,
    Peer,
    Served,
    attach,
    frames,
    port_of,
    serving,
    tcp,
    unix,
    until,
    walk,
)

BOOT = "".join(f"{line}\n" for line in BOOT_LINES).encode()
READ_BOOT = (walk(1, "proc", "boot"), m.Tlopen(Fid(1), 0), m.Tread(Fid(1), 0, 1000))
TRUSTED = (VERSION, attach(aname=""))
"""Without a ticket, whose quotas would end a flood early."""

GETATTR = m.Tgetattr(Fid(0), 0)
TOP = Path(__file__).parents[3]


# -- who is served


async def test_a_peer_is_served_over_tcp_and_over_unix(tmp_path: Path) -> None:
    async with serving(tcp(), unix(tmp_path)) as served:
        for which in range(2):
            peer = await (await served.connect(which)).hello()

            assert (await peer.ask(*READ_BOOT))[-1] == m.Rread(BOOT)
            assert served.sessions == which + 1


async def test_a_ticketless_queen_is_let_in_over_unix_alone(tmp_path: Path) -> None:
    async with serving(tcp(), unix(tmp_path)) as served:
        over_tcp = await served.connect(0)
        over_unix = await served.connect(1)

        assert (await over_tcp.ask(*TRUSTED))[1] == m.Rlerror(errno.EPERM)
        assert type((await over_unix.ask(*TRUSTED))[1]) is m.Rattach
        who = f"tcp:127.0.0.1:{over_tcp.stream.socket.getsockname()[1]}"
        assert served.sessions == 2
        assert who in served.app.counters.sessions.labels()


async def test_each_listener_has_its_own_profile_and_limits(tmp_path: Path) -> None:
    async with serving(tcp(profile="linux"), unix(tmp_path, fids=2)) as served:
        linux, strict = [await (await served.connect(which)).hello() for which in range(2)]
        again = (walk(1), m.Tclunk(Fid(1)), walk(1), walk(2))

        assert [type(reply) for reply in await linux.ask(*again)] == [m.Rwalk, m.Rclunk, m.Rwalk, m.Rwalk]
        assert await strict.ask(*again) == [
            m.Rwalk(()), m.Rclunk(), m.Rlerror(errno.EINVAL), m.Rwalk(()),
        ]  # fmt: skip
        assert await strict.ask(walk(3)) == [m.Rlerror(errno.EMFILE)]


async def test_the_door_ends_every_session_and_leaves_no_socket(tmp_path: Path) -> None:
    async with serving(tcp(), unix(tmp_path)) as served:
        peers = [await (await served.connect(which)).hello() for which in range(2)]
        streams = [peer.stream.socket.dup() for peer in peers]

    for stream in streams:
        assert await stream.recv(1) == b""
        stream.close()
    assert not (tmp_path / "hive.sock").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(served.bound[0])))


def test_sample_secrets_are_not_served_beyond_loopback(tmp_path: Path) -> None:
    bound = [bind(unix(tmp_path)), bind(Listener("tcp://0.0.0.0:0", beyond_loopback=True))]

    with pytest.raises(ListenError, match="refused beyond loopback"):
        Door(open_app(), bound)

    assert [one.socket.fileno() for one in bound] == [-1, -1]
    assert not (tmp_path / "hive.sock").exists()


ROOM = """
import resource
from ninedoor.doors.stream.door import SPARE_DESCRIPTORS, _make_room
_soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (100, min(hard, 500)))
for sessions in (10, 200, 100, 10_000):
    _make_room(sessions)
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_DESCRIPTORS)
"""


def test_there_are_descriptors_for_all_sessions_as_far_as_the_system_allows() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ROOM],
        env=os.environ | {"PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
    )

    assert done.stdout.split() == ["36", "200", "200", "436"]
    assert done.stderr == (
        "peers can use up all descriptors: 500 are permitted (ulimit -Hn), 10064 are needed for the sessions "
        "of all listeners; permit more, or fewer sessions\n"
    )


# -- order, tags, counters


@dataclass
class Caller:
    """Sends what a script says in pieces of any size, with at most a window of tags in flight, and checks
    that each tag is answered once before it is used again."""

    peer: Peer
    random: random.Random
    script: list[tuple[Any, type]]
    window: int = 16
    in_flight: dict[int, type] = field(default_factory=dict)
    answered: int = 0
    refused: int = 0

    async def run(self) -> None:
        waiting = list(reversed(self.script))
        while waiting or self.in_flight:
            free = [tag for tag in range(1, self.window + 1) if tag not in self.in_flight]
            self.random.shuffle(free)
            piece = b""
            for tag in free[: self.random.randint(0, len(free))]:
                if not waiting:
                    break
                request, self.in_flight[tag] = waiting.pop()
                piece += encode(tag, request)
            cut = self.random.randint(0, len(piece))
            for part in (piece[:cut], piece[cut:]):
                if part:
                    await self.peer.stream.send_all(part)
            for _ in range(self.random.randint(0, len(self.in_flight))):
                await self.take()

    async def take(self) -> None:
        answer = await self.peer.reply()
        assert answer is not None, "the door hung up"
        tag, reply = answer
        assert type(reply) is self.in_flight.pop(tag)
        self.answered += 1
        self.refused += type(reply) is m.Rlerror


OPERATIONS = 2500
LINE = b"one line of the log\n"


def script(chance: random.Random) -> list[tuple[Any, type]]:
    """`OPERATIONS` requests on a session whose log is open on fid 1, and what each must be answered with."""
    kinds: list[Callable[[int], tuple[Any, type]]] = [
        lambda _number: (m.Tread(Fid(1), 0, 100), m.Rread),
        lambda _number: (m.Twrite(Fid(1), 0, LINE), m.Rwrite),
        lambda _number: (GETATTR, m.Rgetattr),
        lambda number: (walk(number, "log"), m.Rwalk),
        lambda _number: (walk(9, "nobody"), m.Rlerror),
    ]
    made: list[tuple[Any, type]] = []
    while len(made) < OPERATIONS:
        made.append(chance.choice(kinds)(1000 + len(made)))
        if made[-1][1] is m.Rwalk:
            made.append((m.Tclunk(made[-1][0].newfid), m.Rclunk))
    return made[:OPERATIONS]


@pytest.mark.parametrize("batch_frames", [1, 16])
async def test_ten_thousand_interleaved_operations_come_out_even(tmp_path: Path, batch_frames: int) -> None:
    config = replace(CONFIG, secure9p=Secure9P(batch_frames=batch_frames))
    async with serving(unix(tmp_path), config=config) as served:
        callers = []
        for seed in range(4):
            chance = random.Random(seed)
            peer = await served.connect()
            await peer.ask(*TRUSTED, *OPEN_LOG)
            callers.append(Caller(peer, chance, script(chance)))
        async with trio.open_nursery() as nursery:
            for caller in callers:
                nursery.start_soon(caller.run)
        counters = served.app.counters

        assert [caller.answered for caller in callers] == [OPERATIONS] * 4
        assert served.refused == {"request": sum(caller.refused for caller in callers)}
        assert counters.outstanding == 0
        assert len(counters.sessions) == 4
        written = sum(type(request) is m.Twrite for caller in callers for request, _type in caller.script)
        assert log_lines(served.app).count(LINE.decode().strip()) == written


async def test_what_breaks_the_rules_of_tags_is_counted_by_kind(tmp_path: Path) -> None:
    config = replace(CONFIG, secure9p=Secure9P(tags_per_session=4, batch_frames=8))
    async with serving(unix(tmp_path), config=config) as served:
        peer = await served.connect()
        await peer.ask(*TRUSTED)
        await peer.stream.send_all(frames([GETATTR] * 6) + encode(1, GETATTR))
        answers = [await peer.reply() for _ in range(7)]
        await peer.stream.send_all(b"\x08\0\0\0\x78\x05\0\0" + b"\x07\0\0\0\x01\x06\0")
        answers += [await peer.reply() for _ in range(2)]

        errnos = [answer[1].ecode for answer in answers if answer and type(answer[1]) is m.Rlerror]
        assert errnos == [errno.EBUSY, errno.EBUSY, errno.EINVAL, errno.EINVAL, errno.EOPNOTSUPP]
        assert served.refused == {
            "tag_window": 2, "tag_in_use": 1, "undecodable": 1, "unknown_message": 1,
        }  # fmt: skip


@pytest.mark.slow
async def test_a_thousand_sessions_at_once_are_attached_and_served() -> None:
    async with serving(tcp()) as served:
        peers = [await served.connect() for _ in range(1000)]
        for peer in peers:
            await peer.send(*HELLO, *READ_BOOT)
        for peer in peers:
            assert [await peer.reply() for _ in range(5)][-1] == (5, m.Rread(BOOT))

        assert served.app.counters.sessions.labels() == ["queen"] * 1000


# -- peers that mean no good, and one that does


async def polite(served: Served, times: int = 100, *, which: int = 0) -> None:
    """A session that does ordinary things meets no trouble."""
    peer = await (await served.connect(which)).hello()
    for number in range(1, times + 1):
        reached, entry = await peer.ask(walk(number, "proc", "boot"), m.Tgetattr(Fid(number), 0))
        assert (type(reached), entry.size) == (m.Rwalk, len(BOOT))


async def test_a_flood_of_requests_does_not_starve_a_polite_session(tmp_path: Path) -> None:
    async with serving(unix(tmp_path)) as served:
        flooder = await served.connect()
        await flooder.ask(*TRUSTED)
        flood = frames([GETATTR] * 1000)
        answered = 0
        over = False

        async def send() -> None:
            while not over:
                await flooder.stream.send_all(flood)

        async def take() -> None:
            nonlocal answered
            while not over:
                answered += len(await flooder.stream.receive_some(1 << 20))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            nursery.start_soon(take)
            await until(lambda: answered > 0)
            before = answered
            await polite(served)
            assert answered > before
            over = True
            nursery.cancel_scope.cancel()


async def test_small_requests_for_large_replies_that_nobody_reads_take_no_memory(tmp_path: Path) -> None:
    flooders = 40
    async with serving(unix(tmp_path, stall_ms=60_000)) as served:
        peers = [await served.connect() for _ in range(flooders)]
        for peer in peers:
            await peer.ask(*TRUSTED, *OPEN_LOG)
        for _ in range(20):
            await peers[0].ask(m.Twrite(Fid(1), 0, b"x" * 8000))
        gc.collect()
        tracemalloc.start()
        flood = frames([m.Tread(Fid(1), 0, MSIZE_MAX)] * 10_000)
        for peer in peers:
            with trio.move_on_after(0.01):  # it cannot be sent: nobody takes it
                await peer.stream.send_all(flood)
        await polite(served)
        held, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert served.app.counters.short_writes >= flooders
        assert held < most < flooders * (RECEIVE_BYTES + TURN_BYTES + 2 * MSIZE_MAX) + len(flood)


async def test_who_reads_again_after_a_flood_gets_every_reply(tmp_path: Path) -> None:
    async with serving(unix(tmp_path)) as served:
        peer = await served.connect()
        await peer.ask(*TRUSTED, *OPEN_LOG)
        await peer.ask(m.Twrite(Fid(1), 0, b"x" * 8000))
        count = 3000
        flood = frames([m.Tread(Fid(1), 0, MSIZE_MAX)] * count)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.stream.send_all, flood)
            await until(lambda: served.app.counters.short_writes > 0)
            answers = [await peer.reply() for _ in range(count)]

        assert [answer and answer[0] for answer in answers] == list(range(1, count + 1))


async def test_a_drip_of_half_frames_is_cut_when_the_handshake_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(tcp(handshake_ms=200), tcp()) as served:
        slow = [await served.connect(0) for _ in range(20)]
        for peer in slow:
            await peer.stream.send_all(frames(HELLO)[:30])
        await until(lambda: served.sessions == 20)
        await polite(served, which=1)
        for peer in slow:
            assert await peer.ended()

        assert served.refused == {"handshake": 20}
        assert len([line for line in caplog.messages if line.endswith("not attached within 200 ms")]) == 20


async def test_garbage_is_refused_and_hurts_nobody() -> None:
    chance = random.Random(9)
    async with serving(tcp(handshake_ms=300)) as served:
        for _ in range(50):
            peer = await served.connect()
            await peer.stream.send_all(chance.randbytes(chance.randint(4, 4000)))
        oversized = await served.connect()
        await oversized.stream.send_all((MSIZE_MAX + 1).to_bytes(4, "little") + b"\x64")
        assert await oversized.reply() == (0xFFFF, m.Rlerror(errno.EINVAL))
        await polite(served)
        await until(lambda: served.sessions == 1)

        assert served.refused["frame_size"] > 40


async def test_a_flood_of_attaches_is_bounded_by_the_fids(tmp_path: Path) -> None:
    async with serving(unix(tmp_path, fids=16)) as served:
        flooder = await served.connect()
        await flooder.send(VERSION, *[attach(fid) for fid in range(1000)])
        answers = [await flooder.reply() for _ in range(1001)]
        await polite(served, 10)

        assert [answer and type(answer[1]) for answer in answers[1:17]] == [m.Rattach] * 16
        assert [answer and answer[1] for answer in answers[17:]] == [m.Rlerror(errno.EMFILE)] * 984


async def test_a_flood_of_connections_is_bounded_by_the_sessions(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(tcp(sessions=50)) as served:
        guest = await (await served.connect()).hello()
        for _ in range(600):
            await served.connect()
        await until(lambda: served.refused.get("sessions") == 551)

        assert served.sessions == 50
        assert await guest.ask(GETATTR)
        assert len(caplog.messages) < 100


async def test_who_leaves_in_the_middle_of_a_frame_is_forgotten() -> None:
    async with serving(tcp()) as served:
        for finish in (_hang_up, _reset):
            for part in (HELLO[:1], HELLO, (*HELLO, *READ_BOOT)):
                peer = await served.connect()
                await peer.stream.send_all(frames(part)[:-3])
                for _ in part[:-1]:
                    await peer.reply()
                finish(peer)
        await polite(served)
        await until(lambda: served.sessions == 1)

        assert served.refused == {"cut_frame": 3, "reset": 3}


def _hang_up(peer: Peer) -> None:
    peer.stream.socket.close()


def _reset(peer: Peer) -> None:
    peer.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.stream.socket.close()


async def test_an_idle_session_is_cut_and_a_busy_one_is_not() -> None:
    async with serving(tcp(idle_ms=200)) as served:
        idle, busy = [await (await served.connect()).hello() for _ in range(2)]
        while served.refused.get("idle") != 1:
            await busy.ask(GETATTR)
            await trio.sleep(0.01)

        assert await idle.ended()
        assert await busy.ask(GETATTR)


@pytest.mark.parametrize(("policy", "retries"), [("reject", 0), ("retry", 3)])
async def test_a_peer_that_never_reads_is_cut(tmp_path: Path, policy: Any, retries: int) -> None:
    config = replace(CONFIG, secure9p=Secure9P(short_write=policy))
    async with serving(unix(tmp_path, stall_ms=20), config=config) as served:
        peer = await served.connect()
        await peer.ask(*TRUSTED)
        with pytest.raises(trio.BrokenResourceError):
            await peer.stream.send_all(frames([GETATTR] * 1000) * 1000)

        assert served.refused == {"stall": 1}
        assert served.app.counters.retries == retries
        assert served.sessions == 0
