"""A session reads the same on every kind of console, byte for byte: in a dialogue without I/O, over TCP, on a
unix socket and on a terminal."""

import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from ninedoor.doors.console.places import LinePlace
from tests.deployment import SetClock
from tests.doors.console.harness import (
    TOKEN,
    BlockingFramed,
    BlockingTypist,
    Desk,
    pty,
    serving,
    tcp,
    unix,
)
from tests.transcripts.transcript import Say, check

HERE = Path(__file__).parent
DOCUMENTATION = HERE.parents[1] / "docs" / "CONSOLE.md"

ADDRESSES = [
    (re.compile(r"url=\S+"), "url=…"),
    (re.compile(r"tcp:[0-9.:]+|unix:uid=\S+|pty:\S+"), "somebody"),
]
MEASURED = re.compile(r"=\d+")
"""What differs from way to way, and from run to run."""


class Client(NamedTuple):
    say: Say
    close: Callable[[], None]


Connect = Callable[[], Client]
Way = Callable[[Path], AbstractAsyncContextManager[Connect]]


def masked(say: Say) -> Say:
    """`say` with what differs made the same."""

    def said(line: str) -> Sequence[str]:
        answer = list(say(line))
        for pattern, instead in ADDRESSES:
            answer = [pattern.sub(instead, each) for each in answer]
        if line in ("mem", "netstats"):
            answer = [MEASURED.sub("=…", each) for each in answer]
        return answer

    return said


@asynccontextmanager
async def dialogue(_directory: Path) -> AsyncIterator[Connect]:
    person = Desk().person()
    yield lambda: Client(person.says, person.dialogue.close)


@asynccontextmanager
async def over_tcp(_directory: Path) -> AsyncIterator[Connect]:
    async with serving(tcp(), clock=SetClock()) as served:

        def connect() -> Client:
            client = BlockingFramed(served.port())
            assert client.say(f"AUTH {TOKEN}") == ["OK AUTH"]
            return Client(client.say, client.close)

        yield connect


@asynccontextmanager
async def on_a_unix_socket(directory: Path) -> AsyncIterator[Connect]:
    async with serving(unix(directory), clock=SetClock()):

        def connect() -> Client:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(directory / "console"))
            client = BlockingTypist(connection.detach())
            return Client(client.say, client.close)

        yield connect


@asynccontextmanager
async def on_a_terminal(_directory: Path) -> AsyncIterator[Connect]:
    async with serving(pty(), clock=SetClock()) as served:
        (place,) = served.places
        assert isinstance(place, LinePlace)
        path = place.terminal.path

        def connect() -> Client:
            client = BlockingTypist(os.open(path, os.O_RDWR | os.O_NOCTTY))
            return Client(client.say, client.close)

        yield connect


@pytest.mark.parametrize("way", [dialogue, over_tcp, on_a_unix_socket, on_a_terminal])
@pytest.mark.parametrize("name", ["console.txt", "console_refusals.txt", "console_roles.txt"])
async def test_a_session_reads_the_same_whichever_way_it_goes(
    way: Way, name: str, rewrite: bool, tmp_path: Path
) -> None:
    with trio.fail_after(30):
        async with way(tmp_path) as connect:

            def talk() -> None:
                client = connect()
                try:
                    check(HERE / name, masked(client.say), rewrite=rewrite)
                finally:
                    client.close()

            await trio.to_thread.run_sync(talk)


def test_the_documented_session_is_what_happens(tmp_path: Path, rewrite: bool) -> None:
    documentation = DOCUMENTATION.read_text()
    (shown,) = re.findall(r"```transcript\n(.*?)```", documentation, re.DOTALL)
    copy = tmp_path / "session.txt"
    copy.write_text(shown)
    person = Desk().person(token=TOKEN)
    check(copy, person.says, rewrite=rewrite)
    person.dialogue.close()

    if rewrite:
        DOCUMENTATION.write_text(documentation.replace(shown, copy.read_text()))
