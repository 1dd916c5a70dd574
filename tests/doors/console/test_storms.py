"""Floods of attempts beside a worker that ticks, a reader of 9P and a reader of a mount: the flood is
throttled as the numbers say, and nobody else notices.

Nothing here is timed: a worker has ticked as often as it should have by the clock of the hive, which the test
moves, and turns are counted. It mirrors no module.
"""

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor import limits
from ninedoor.config import Listener, Store, TicketLimits, Workers
from ninedoor.console.framing import frame
from ninedoor.console.throttle import Throttles
from ninedoor.doors.stream.door import Door as StreamDoor
from ninedoor.doors.stream.listening import bind
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid
from tests.deployment import CONFIG, SetClock, log_lines
from tests.doors.console.harness import TOKEN, BlockingFramed, Framed, Served, serving, tcp
from tests.doors.stream import harness as ninep
from tests.runtime.apps import TrioClock

SPAWN = 'spawn {"spawn":"heartbeat","ticks":100000}'
CONNECTIONS = 20
ATTEMPTS = limits.CONSOLE_ATTEMPTS_MAX
WRONG = f"attach queen {'f' * 64}"
DENIED = "ERR ATTACH reason=policy detail=denied"

RUNNING = replace(
    CONFIG,
    workers=Workers(heartbeat_ms=1000),
    store=Store(fsync="never"),
    ticket_limits=TicketLimits(bandwidth_bytes=0, cursor_resumes=0, cursor_advances=0),
)
"""A hive whose worker ticks once a second, and whose readers may poll for ever."""

TOP = Path(__file__).parents[3]


def expected(rounds: int) -> Counter[str]:
    """What the pure counting says of one attempt of each connection, all from different addresses, in each of
    so many seconds."""
    throttles = Throttles()
    answers: Counter[str] = Counter()
    for now in range(rounds):
        for attacker in range(CONNECTIONS):
            denied = throttles.check(attacker, now) or throttles.failed(attacker, now)
            answers[DENIED if denied is None else str(denied.ack("ATTACH"))] += 1
    return answers


def denials(served: Served) -> list[str]:
    return [line for line in log_lines(served.app) if line.startswith("denied ")]


def beats(served: Served) -> int:
    return served.app.hive.workers["worker-1"].beats


class Reader:
    """Polls worker-1's telemetry over 9P, on a socket of another door of the same hive."""

    def __init__(self, peer: ninep.Peer) -> None:
        self._peer = peer
        self.reads = 0

    async def run(self) -> None:
        await self._peer.ask(ninep.walk(1, "worker", "worker-1", "telemetry"), m.Tlopen(Fid(1), 0))
        while True:
            (reply,) = await self._peer.ask(m.Tread(Fid(1), 0, 1000))
            assert isinstance(reply, m.Rread)
            self.reads += 1

    async def more(self, reads: int) -> None:
        """Wait until it has read so often again."""
        enough = self.reads + reads
        while self.reads < enough:
            await trio.lowlevel.checkpoint()


async def test_a_storm_is_throttled_and_ticks_and_reads_go_on(mock_clock: MockClock) -> None:
    """200 wrong tickets: one a second on each of 20 connections, each from an address of its own."""
    async with serving(tcp(clients=32), config=RUNNING, clock=TrioClock()) as served:
        listening = bind(Listener("tcp://127.0.0.1:0"))
        async with trio.open_nursery() as nursery:
            await nursery.start(served.app.run)
            await nursery.start(StreamDoor(served.app, [listening]).serve)
            operator = await (await served.framed()).hello("attach queen", SPAWN)
            over_9p = ninep.Served(served.app, [listening])
            reader = Reader(await (await over_9p.connect()).hello())
            nursery.start_soon(reader.run)
            attackers = [await attacker(served, number) for number in range(CONNECTIONS)]
            answers: Counter[str] = Counter()
            for second in range(ATTEMPTS):
                for each in attackers:
                    await each.send(WRONG)
                for each in attackers:
                    answers[await each.line() or ""] += 1
                await reader.more(2)
                mock_clock.jump(1)
                while beats(served) < second + 2:
                    await trio.lowlevel.checkpoint()

                assert beats(served) == second + 2
                assert await operator.ask("attach queen") == ["OK ATTACH role=queen"]

            assert answers == expected(ATTEMPTS)
            assert [await each.rest() for each in attackers] == [[]] * CONNECTIONS
            assert len(denials(served)) == CONNECTIONS * ATTEMPTS
            assert sum("op=Tattach" in line for line in denials(served)) == 30
            nursery.cancel_scope.cancel()
        for peer in over_9p.peers:
            peer.stream.socket.close()


async def attacker(served: Served, number: int) -> Framed:
    return await (await served.framed(source=f"127.0.0.{2 + number}")).hello()


async def test_a_burst_is_taken_one_line_of_each_client_at_a_time() -> None:
    """All 200 at once, before anybody has a turn."""
    async with serving(tcp(clients=32), config=RUNNING, clock=SetClock()) as served:
        attackers = [await attacker(served, number) for number in range(CONNECTIONS)]
        counters = served.door.counters
        most = 0
        for each in attackers:
            each.stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            os.write(each.stream.socket.fileno(), frame(WRONG) * ATTEMPTS)
        before, done = counters.lines_in, counters.lines_in + CONNECTIONS * ATTEMPTS
        while counters.lines_in < done:
            await trio.lowlevel.checkpoint()
            most, before = max(most, counters.lines_in - before), counters.lines_in

        assert most <= 2 * CONNECTIONS  # trio shuffles the tasks of each round
        throttled = ["ERR ATTACH reason=quota detail=throttled delay_ms=250"] * (ATTEMPTS - 1)
        for each in attackers:
            assert await each.rest() == [DENIED, *throttled]
        assert len(denials(served)) == CONNECTIONS * ATTEMPTS


async def test_a_storm_of_tokens_keeps_out_strangers_and_nobody_else(mock_clock: MockClock) -> None:
    """200 wrong tokens, 20 connections at a time, each time from the same 20 addresses."""
    async with serving(clock=TrioClock()) as served:
        operator = await (await served.framed()).hello("attach queen")
        answers: Counter[str] = Counter()
        for _ in range(10):
            strangers = [await served.framed(source=f"127.0.1.{1 + at}") for at in range(CONNECTIONS)]
            for stranger in strangers:
                await stranger.send("AUTH guess")
            for stranger in strangers:
                (line,) = await stranger.rest()
                answers[line.partition(" delay_ms")[0]] += 1
            assert await operator.ask("ls /worker") == ["OK LS path=/worker entries=0", "END"]
            await wait_all_tasks_blocked()
            mock_clock.jump(1)

        assert answers == {
            "ERR AUTH reason=invalid-length": 29,
            "ERR AUTH reason=quota detail=rate-limited": 171,
        }
        assert sum(" op=AUTH " in line for line in denials(served)) == 200
        again = await served.framed()
        await again.send(f"AUTH {TOKEN}")
        assert await again.line() == "OK AUTH"
        new = await served.framed(source="127.0.2.1")
        await new.send(f"AUTH {TOKEN}")
        assert (await new.rest())[0].startswith("ERR AUTH reason=quota detail=rate-limited delay_ms=")


# -- a mount


class Mounted:
    """A daemon with a mount at `directory` and a console at `port`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.doors.console.mounted", str(directory)],
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mounted]:
    directory = tmp_path / "m"
    directory.mkdir()
    running = Mounted(directory)
    yield running
    running.stop()


@pytest.mark.mount
def test_a_storm_does_not_hold_up_a_mount(mounted: Mounted) -> None:
    """200 wrong tickets, all on their way before the first read through the kernel."""
    telemetry = mounted.directory / "worker" / "worker-1" / "telemetry"
    with closing(BlockingFramed(mounted.port)) as operator:
        assert operator.say(f"AUTH {TOKEN}") == ["OK AUTH"]
        assert operator.say("attach queen") == ["OK ATTACH role=queen"]
        assert operator.say(SPAWN) == [f"OK SPAWN payload={SPAWN.removeprefix('spawn ')}"]
        attackers = [BlockingFramed(mounted.port) for _ in range(CONNECTIONS)]
        for each in attackers:
            assert each.say(f"AUTH {TOKEN}") == ["OK AUTH"]
        for each in attackers:
            each.send(*[WRONG] * ATTEMPTS)
        ticks: list[int] = []
        while len(ticks) < 10:
            seen = [int(tick) for tick in re.findall(r"heartbeat (\d+)\n", telemetry.read_text())]
            ticks += [tick for tick in seen if tick > len(ticks)]
        for each in attackers:
            answers = each.rest()
            assert len(answers) == ATTEMPTS
            assert all(answer.startswith("ERR ATTACH ") for answer in answers)
            each.close()

        assert ticks == list(range(1, len(ticks) + 1))
        denied = [line for line in operator.say("cat /log/queen.log") if line.startswith("denied ")]
        assert len(denied) == CONNECTIONS * ATTEMPTS
