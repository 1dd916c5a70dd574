"""Clients as they arrive: how many, whom, and what becomes of those for whom there is no room."""

import errno
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor import limits
from ninedoor.config import Console
from ninedoor.doors.console import reception as module
from ninedoor.doors.console.dialogue import Dialogue
from ninedoor.doors.console.places import Place, SocketPlace, open_place
from ninedoor.doors.stream.peers import Peer
from tests.deployment import SetClock, log_lines, ticket
from tests.doors.console import harness
from tests.doors.console.harness import TOKEN, serving, tcp, unix, until

BUSY = "reason=busy detail=clients"


async def test_several_are_served_at_once() -> None:
    async with serving() as served:
        clients = [await (await served.framed()).hello("attach queen") for _ in range(10)]

        assert (served.door.counters.clients, served.sessions) == (10, 10)
        for client in clients:
            assert await client.ask("ls /worker") == ["OK LS path=/worker entries=0", "END"]


async def test_one_too_many_hears_so_once_it_has_shown_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(tcp(clients=2)) as served:
        first, _second = [await (await served.framed()).hello() for _ in range(2)]
        third = await served.framed()
        await third.send(f"AUTH {TOKEN}", "ping")

        assert await third.rest() == [f"ERR AUTH {BUSY}"]
        assert await first.ask("bi") == ["OK BOOTINFO", *served.app.config.boot_lines]
        await until(lambda: served.door.counters.dropped == 1)
        assert caplog.messages[-1].endswith(": too many clients")
        caplog.clear()

        await first.send("quit")
        assert await first.rest() == ["OK QUIT"]
        await until(lambda: served.door.counters.clients == 1)
        await (await served.framed()).hello()


async def test_one_too_many_on_a_unix_socket_hears_so_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(unix(tmp_path, clients=1)) as served:
        typist = await served.typist()
        second = await served.connect()

        assert await second.receive_some() == f"ERR ATTACH {BUSY}\r\n".encode()
        assert await second.receive_some() == b""
        assert await typist.ask("ping") == ["OK PING reply=pong", "PONG"]
        assert caplog.messages[-1].endswith("/console serves 1 already")


async def test_strangers_take_no_places_but_their_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "CONSOLE_WAITING_MAX", 3)
    async with serving(tcp(clients=1)) as served:
        strangers = [await served.framed() for _ in range(3)]
        await until(lambda: served.door.counters.accepted == 3)
        client = await (await served.framed()).hello()

        assert await strangers[0].ended()
        more = [await served.framed() for _ in range(3)]
        for gone in strangers[1:]:
            assert await gone.ended()
        assert await client.ask("cachelog") == ["OK CACHELOG", "cachelog entries=0"]
        await more[0].send(f"AUTH {TOKEN}")
        assert await more[0].line() == f"ERR AUTH {BUSY}"
        assert [line.split(": ")[-1] for line in caplog.messages].count("others waited to be let in") == 3


async def test_the_daemons_own_user_may_be_the_queen_on_a_unix_socket(tmp_path: Path) -> None:
    async with serving(unix(tmp_path)) as served:
        typist = await served.typist()

        assert await typist.ask("attach queen") == ["OK ATTACH role=queen"]
        assert await typist.ask("AUTH x") == ["ERR PARSE reason=policy detail=unsupported console command"]


async def test_another_user_needs_a_ticket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def as_somebody_else(connection: socket.socket) -> Peer:
        connection.setblocking(False)
        return Peer("unix:uid=7,pid=8", False)

    monkeypatch.setattr(module, "greeted", as_somebody_else)
    async with serving(unix(tmp_path), clock=SetClock()) as served:
        typist = await served.typist()

        assert await typist.ask("attach queen") == ["ERR ATTACH reason=policy detail=denied"]
        other = await served.typist()
        assert await other.ask(f"attach queen {ticket('queen')}") == [
            "ERR ATTACH reason=quota detail=throttled delay_ms=250"
        ]
        assert "who=unix:uid=7,pid=8" in log_lines(served.app)[-1]


async def test_a_unix_peer_is_its_user_and_a_tcp_peer_its_address(tmp_path: Path) -> None:
    async with serving(tcp(), unix(tmp_path), clock=SetClock()) as served:
        one = await (await served.framed()).hello()
        assert await one.ask("attach wizard") == ["ERR ATTACH reason=policy detail=invalid-role"]
        two = await (await served.framed()).hello()
        assert (await two.ask("attach wizard"))[0].startswith("ERR ATTACH reason=quota detail=throttled")
        three = await (await served.framed(source="127.0.0.3")).hello()
        assert await three.ask("attach queen") == ["OK ATTACH role=queen"]
        typist = await served.typist(1)
        assert await typist.ask("attach queen") == ["OK ATTACH role=queen"]


async def test_hanging_up_without_a_word_is_nothing_to_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        client = await (await served.framed()).hello("attach queen")
        await client.stream.aclose()
        await until(lambda: served.door.counters.clients == 0)

        assert served.sessions == 0
        assert served.door.counters.dropped == 0
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


async def test_hanging_up_inside_a_frame_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        client = await (await served.framed()).hello()
        await client.stream.send_all(b"\x10\0\0\0pi")
        await client.stream.aclose()
        await until(lambda: served.door.counters.dropped == 1)

        assert caplog.messages[-1].startswith("console tcp:127.0.0.1:")
        assert caplog.messages[-1].endswith(": hung up inside a frame")


async def test_every_drop_is_one_line_that_says_who_and_why(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tcp(auth_ms=1000)) as served:
        late, wrong, junk = [await served.framed() for _ in range(3)]
        await wrong.send("AUTH no")
        await junk.stream.send_all(b"\0\0\0\0")
        assert await wrong.rest() == ["ERR AUTH reason=invalid-length"]
        assert await junk.rest() == []
        await wait_all_tasks_blocked()
        mock_clock.jump(1)
        assert await late.rest() == []

        assert served.door.counters.dropped == 3
    drops = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert sorted(line.split(": ", 1)[1] for line in drops) == [
        "console frame of 0 bytes, not 4 to 260",
        "no token within 1000 ms",
        "not authenticated",
    ]
    assert TOKEN not in caplog.text


async def test_a_bug_ends_one_conversation_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as served:
        well = await (await served.framed()).hello()
        ill = await (await served.framed()).hello("attach queen")
        monkeypatch.setattr(Dialogue, "take", lambda *_: 1 / 0)
        await ill.send("ping")
        assert await ill.rest() == []
        monkeypatch.undo()

        assert await well.ask("cachelog") == ["OK CACHELOG", "cachelog entries=0"]
        assert served.sessions == 0
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()


class Scarce:
    """A listening socket whose accept fails as often as told."""

    def __init__(self, listening: socket.socket, *failures: int) -> None:
        self._listening = listening
        self._failures = list(failures)

    def accept(self) -> Any:
        if self._failures:
            code = self._failures.pop(0)
            raise OSError(code, os.strerror(code))
        return self._listening.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listening, name)


async def test_connections_wait_while_there_are_no_descriptors(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def scarce(console: Console) -> Place:
        place = open_place(console)
        assert isinstance(place, SocketPlace)
        listening: Any = Scarce(place.bound.socket, errno.EMFILE, errno.ECONNABORTED)
        return replace(place, bound=replace(place.bound, socket=listening))

    monkeypatch.setattr(harness, "open_place", scarce)
    async with serving() as served:
        await (await served.framed()).hello()

        assert trio.current_time() == module.PAUSE_S
        assert [line.split(": ")[-1] for line in caplog.messages[-2:]] == [
            "too many open files",
            "software caused connection abort",
        ]
