"""A console as its clients meet it: on real sockets and terminals, beside everything else the daemon does."""

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor import limits
from ninedoor.console.ack import END, parse_ack
from ninedoor.console.framing import FRAME_MAX, frame
from ninedoor.console.grammar import VERBS
from ninedoor.doors.console.door import PAUSE_S, Door
from ninedoor.doors.console.places import LinePlace, SocketPlace, open_place
from ninedoor.doors.stream.bound import ListenError
from tests.deployment import BOOT_LINES, SetClock, log_lines, open_app, ticket
from tests.doors.console.harness import TOKEN, Framed, Served, pty, serving, tcp, unix, until
from tests.doors.stream.harness import own_secrets

SPAWN = 'spawn {"spawn":"heartbeat","ticks":100}'
WORKER = f"attach worker-heartbeat {ticket('worker-heartbeat', 'worker-1')}"


async def spun_until(condition: Callable[[], bool]) -> None:
    """As `until`, while time stands still."""
    while not condition():
        await trio.lowlevel.checkpoint()


# -- in all places at once


async def test_every_kind_of_place_is_served_and_let_go_of(tmp_path: Path) -> None:
    async with serving(tcp(), unix(tmp_path), pty()) as served:
        framed = await (await served.framed(0)).hello("attach queen")
        typists = [await served.typist(1), await served.typist(2)]
        for typist in typists:
            assert await typist.ask("attach queen") == ["OK ATTACH role=queen"]
        assert await framed.ask("nettest") == [
            "OK NETTEST",
            *(f"listener url={place.url} state=listening" for place in served.places),
            "nettest listeners=3 failed=0",
        ]
        assert served.sessions == 3
        assert served.door.counters.clients == 3

    assert not (tmp_path / "console").exists()
    line = served.places[2]
    assert isinstance(line, LinePlace)
    assert not line.terminal.is_open()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port()))


def test_a_door_that_must_not_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    places = [open_place(unix(tmp_path)), open_place(tcp(url="tcp://0.0.0.0:0", beyond_loopback=True))]

    with pytest.raises(ListenError, match="refused beyond loopback"):
        Door(open_app(), places)

    assert not (tmp_path / "console").exists()
    assert all(isinstance(place, SocketPlace) and place.bound.socket.fileno() == -1 for place in places)


def test_own_secrets_may_be_served_beyond_loopback() -> None:
    places = [open_place(tcp(url="tcp://0.0.0.0:0", beyond_loopback=True))]

    Door(open_app(own_secrets()), places)
    places[0].close()


async def test_where_it_is_served_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        async with serving(pty()) as served:
            assert caplog.messages == [f"console on {served.places[0].url}"]


# -- terminals


async def test_a_terminal_is_for_one_after_the_other() -> None:
    async with serving(pty()) as served:
        typist = await served.typist()
        assert await typist.ask("attach queen") == ["OK ATTACH role=queen"]
        assert await typist.ask("quit") == ["OK QUIT"]
        assert served.sessions == 0
        assert await typist.ask("ls /") == ["ERR LS reason=policy detail=unauthenticated"]
        assert served.door.counters.dropped == 0


async def test_keys_are_echoed_and_edited_on_a_terminal() -> None:
    async with serving(pty()) as served:
        typist = await served.typist()

        assert await typist.types("\r") == "\r\n"
        assert await typist.types("pong\x7f\x7f\x7fing\r") == (
            "pong" + "\b \b" * 3 + "ing\r\nOK PING reply=pong\r\nPONG\r\n"
        )
        assert await typist.types("x" * 257 + "\r") == (
            "x" * 256 + "\a\r\nERR PARSE reason=policy detail=console line exceeded maximum length\r\n"
        )


async def test_a_terminal_left_alone_is_detached(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(pty(idle_ms=1000)) as served:
        typist = await served.typist()
        assert await typist.ask("attach queen") == ["OK ATTACH role=queen"]
        await wait_all_tasks_blocked()
        mock_clock.jump(1)
        await wait_all_tasks_blocked()
        mock_clock.jump(PAUSE_S)
        assert await typist.shown() == ""

        assert served.sessions == 0
        assert await typist.ask("log") == ["ERR LOG reason=policy detail=unauthenticated"]
    assert caplog.messages[-1] == f"console {served.places[0].url}: no line for 1000 ms"


async def test_a_terminal_that_nobody_reads_from_is_given_up_and_used_again(mock_clock: MockClock) -> None:
    async with serving(pty(stall_ms=1000)) as served:
        typist = await served.typist()
        served.app.hive.append_log(b"a line of the log\n" * 10_000, served.app.clock())
        await typist.stream.send_all(b"attach queen\rlog\rlog\r")
        await spun_until(lambda: served.door.counters.lines_in == 2)
        assert served.sessions == 1
        while served.sessions:
            # The kernel moves bytes along a terminal in its own time.
            await wait_all_tasks_blocked(0.01)
            mock_clock.jump(1)
        await wait_all_tasks_blocked()
        mock_clock.jump(PAUSE_S)
        assert await typist.shown() == ""

        assert await typist.ask("ping") == ["OK PING reply=pong", "PONG"]


async def test_a_device_that_vanishes_ends_its_place_only(caplog: pytest.LogCaptureFixture) -> None:
    master, slave = os.openpty()
    device = replace(pty(), url=f"serial:{os.ttyname(slave)}")
    async with serving(device, tcp()) as served:
        async with trio.lowlevel.FdStream(master) as far:
            assert await far.receive_some() == b"cohesix> "
            os.close(slave)
        await until(lambda: served.door.counters.clients == 0)

        await (await served.framed(1)).hello()
    assert caplog.messages[-1].startswith(f"console {device.url}: no longer served: ")


async def test_ten_refused_attaches_on_a_terminal_start_it_anew(autojump_clock: MockClock) -> None:
    async with serving(pty()) as served:
        typist = await served.typist()
        for _ in range(limits.CONSOLE_ATTEMPTS_MAX - 1):
            assert (await typist.ask("attach wizard"))[0].startswith("ERR ATTACH ")
        await typist.stream.send_all(b"attach wizard\r")
        assert "ERR ATTACH reason=quota" in await typist.shown()
        assert served.door.counters.dropped == 1

        assert await typist.ask("ping") == ["OK PING reply=pong", "PONG"]


# -- two clients


async def test_roles_and_binds_are_each_clients_own() -> None:
    async with serving(clock=SetClock()) as served:
        queen = await (await served.framed()).hello("attach queen", SPAWN)
        other = await (await served.framed()).hello("attach queen")
        worker = await (await served.framed()).hello(WORKER)
        for client, source in ((queen, "/log"), (other, "/worker")):
            line = f'echo /queen/ctl {{"bind":{{"from":"{source}","to":"/mine"}}}}'
            assert (await client.ask(line))[0].startswith("OK ECHO ")

        assert await queen.ask("ls /mine") == ["OK LS path=/mine entries=1", "queen.log", "END"]
        assert await other.ask("ls /mine") == ["OK LS path=/mine entries=1", "worker-1", "END"]
        assert (await worker.ask("ls /mine"))[0].startswith("ERR LS ")
        assert await worker.ask("kill worker-1") == ["ERR KILL reason=policy detail=unauthenticated"]
        assert await queen.ask("kill worker-1") == ["OK KILL id=worker-1"]
        assert await worker.ask("ls /proc") == ["ERR LS reason=cut path=/proc error=ESTALE"]
        assert sorted(served.app.counters.sessions.labels()) == [
            "queen",
            "queen",
            "worker-heartbeat:worker-1",
        ]


# -- clients that misbehave


def fill_log(served: Served) -> list[str]:
    """Fill the log; returns its lines."""
    line = b"[audit] a line of the log that is a little longer than most are in real life\n"
    for _ in range(3):
        served.app.hive.append_log(line * (limits.LOG_BYTES // len(line) // 2), served.app.clock())
    return log_lines(served.app)


async def test_nothing_is_lost_on_a_client_that_reads_slowly() -> None:
    async with serving() as served:
        held = fill_log(served)
        client = await (await served.framed()).hello("attach queen")
        client.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        await client.send("cat /log/queen.log", "ping")
        lines = []
        for number in range(len(held) + 4):
            lines.append(await client.line())
            if number % 100 == 0:
                await wait_all_tasks_blocked()

        assert lines[1:-3] == held
        assert lines[-3:] == ["END", "OK PING reply=pong", "PONG"]


async def test_a_client_that_never_reads_costs_one_answer_and_is_cut(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tcp(stall_ms=5000)) as served:
        fill_log(served)
        deaf = await (await served.framed()).hello("attach queen")
        well = await (await served.framed()).hello()
        with trio.move_on_after(1):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(deaf.send, *["cat /log/queen.log"] * 10_000)
                await wait_all_tasks_blocked()
                taken = served.door.counters.lines_in
                assert await well.ask("cachelog") == ["OK CACHELOG", "cachelog entries=0"]
                assert served.door.counters.lines_in == taken + 2
                nursery.cancel_scope.cancel()
        mock_clock.jump(5)
        await spun_until(lambda: served.door.counters.dropped == 1)

        assert served.sessions == 0
        assert "took none of " in caplog.messages[-1]
        assert await well.ask("cachelog") == ["OK CACHELOG", "cachelog entries=0"]


async def test_a_client_that_leaves_in_the_middle_of_an_answer_leaves_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as served:
        fill_log(served)
        client = await (await served.framed()).hello("attach queen")
        await client.send("cat /log/queen.log")
        assert await client.line()
        client.stream.socket.close()
        await until(lambda: served.door.counters.dropped == 1)

        assert (served.sessions, served.door.counters.clients) == (0, 0)
    assert caplog.messages[-1].endswith(("connection reset by peer", "broken pipe"))


async def test_the_answer_before_the_end_always_arrives() -> None:
    """The client has sent more by then than the door takes at a time; for that the kernel must not reset the
    connection."""
    async with serving() as served:
        client = await (await served.framed()).hello()
        await client.send("ping", "quit", *["ping"] * 1000)

        assert await client.rest() == ["OK PING reply=pong", "PONG", "OK QUIT"]
        stranger = await served.framed()
        await stranger.send("AUTH no", *["ping"] * 1000)
        assert await stranger.rest() == ["ERR AUTH reason=invalid-length"]


async def test_frames_may_be_cut_and_joined_anywhere() -> None:
    async with serving() as served:
        client = await served.framed()
        sent = b"".join(map(frame, (f"AUTH {TOKEN}", "attach queen", "ls /worker", "quit")))
        for byte in sent:
            await client.stream.send_all(bytes([byte]))

        assert await client.rest() == [
            "OK AUTH",
            "OK ATTACH role=queen",
            "OK LS path=/worker entries=0",
            "END",
            "OK QUIT",
        ]


@pytest.mark.parametrize(
    ("junk", "answer"),
    [
        (b"\xff\xff\0\0" + b"x" * 65531, ["ERR FRAME reason=invalid-length"]),
        (
            (260).to_bytes(4, "little") + b"x" * 256,
            ["ERR PARSE reason=policy detail=unsupported console command"],
        ),
        ((261).to_bytes(4, "little") + b"x" * 257, ["ERR FRAME reason=invalid-length"]),
        (b"\x06\0\0\0\xff\xff", ["ERR PARSE reason=policy detail=console line is not valid UTF-8"]),
        (b"\x04\0\0\0", ["ERR PARSE reason=policy detail=empty command"]),
    ],
    ids=["64 KiB", "the longest line", "a byte more", "no text", "nothing"],
)
async def test_junk_is_one_answer_and_the_session_goes_on(junk: bytes, answer: list[str]) -> None:
    async with serving() as served:
        client = await (await served.framed()).hello("attach queen")
        await client.stream.send_all(junk)

        assert [await client.line() for _ in answer] == answer
        assert await client.ask("ls /worker") == ["OK LS path=/worker entries=0", "END"]


# -- what the original's client cannot bear


class Particular(Framed):
    """A client like the original's: it gives up on an answer that is not just so."""

    async def expect(self, line: str) -> list[str]:
        """The lines between acknowledgement and END."""
        await self.send(line)
        label = VERBS[line.split(maxsplit=1)[0].lower()].label
        ack = parse_ack(await self._bounded())
        assert ack is not None
        assert ack.verb == label, "it waits for its own verb, in capitals"
        body: list[str] = []
        if ack.ok and VERBS[line.split(maxsplit=1)[0].lower()].body == "stream":
            while (more := await self._bounded()) != END:
                body.append(more)
        return body

    async def _bounded(self) -> str:
        line = await self.line()
        assert line is not None
        assert len(line.encode()) + 4 <= FRAME_MAX
        return line

    async def nothing_more(self) -> None:
        await wait_all_tasks_blocked(0.01)
        with pytest.raises(BlockingIOError):
            self.stream.socket._sock.recv(1)  # type: ignore[attr-defined]  # trio's own has no such call


async def test_the_originals_client_finds_all_it_waits_for() -> None:
    async with serving() as served:
        client = Particular(await served.connect())
        await client.send(f"AUTH {TOKEN}")
        assert await client.line() == "OK AUTH"
        await client.nothing_more()
        await client.expect("ATTACH queen ")
        await client.nothing_more()

        assert await client.expect("ls /log") == ["queen.log"]
        assert await client.expect("cat /proc/boot") == list(BOOT_LINES)
        assert await client.expect("cat /nowhere") == []
        assert await client.expect('ECHO /queen/ctl {"spawn":"heartbeat","ticks":10}') == []
        assert await client.expect("TAIL /log/queen.log") == ["spawned worker-1 ticks=10 ttl=300 ops=10000"]
        assert await client.expect('ECHO /queen/ctl {"kill":"worker-1"}') == []
        served.app.hive.append_log(b"END\nEND\n" + b"z" * 9000 + b"\n", served.app.clock())
        assert (await client.expect("TAIL /log/queen.log"))[3:5] == ["END ", "END "]
        await client.nothing_more()
        await client.send("ping")
        assert [await client.line(), await client.line()] == ["OK PING reply=pong", "PONG"]
        await client.send("quit")
        assert await client.rest() == ["OK QUIT"]
