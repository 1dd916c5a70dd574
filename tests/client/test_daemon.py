"""Both clients with a real daemon: tickets, commands, telemetry, and restarts that clients live through."""

import errno
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from ninedoor.client.address import Address
from ninedoor.client.aio.client import connect as aconnect
from ninedoor.client.client import Client
from ninedoor.client.opening import connect
from ninedoor.client.resuming import ResumingChannel
from ninedoor.client.tailing import Piece
from ninedoor.errors import P9Error
from tests.client.hives import daemon, port_of
from tests.deployment import BOOT_LINES, ticket

SPAWN = '{"spawn":"heartbeat","ticks":%d}'
BOOT = "".join(f"{line}\n" for line in BOOT_LINES).encode()
LONG_S = 30.0


def beats(pieces: list[Piece]) -> list[int]:
    """The numbers of the heartbeats that came whole, in consecutive pieces."""
    text = b""
    for piece in pieces:
        if piece.lost:
            whole = text.rfind(b"\n") + 1
            text = text[:whole] + piece.data[piece.data.find(b"\n") + 1 :]
        else:
            text += piece.data
    return [int(line.removeprefix(b"heartbeat ")) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def followed(pieces: Iterator[Piece], count: int) -> list[Piece]:
    """Pieces until there are `count` heartbeats in them."""
    got: list[Piece] = []
    while len(beats(got)) < count:
        got.append(next(pieces))
    return got


def queen(address: Address) -> Client:
    # A ticket is valid from its issue on, and this daemon's clock is the real one.
    return connect(address, ticket=ticket("queen", now=time.time()), timeout_s=LONG_S)


def test_a_queen_of_the_same_user_needs_no_ticket_on_a_unix_socket(tmp_path: Path) -> None:
    with daemon(tmp_path) as running, connect(running.unix) as client:
        assert client.read("/proc/boot") == BOOT


def test_over_tcp_everybody_needs_one(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        with pytest.raises(P9Error) as refusal:
            connect(running.tcp)
        assert refusal.value.ecode == errno.EPERM
        with queen(running.tcp) as client:
            assert client.read("/proc/boot") == BOOT


def test_a_refused_command_tells_why(tmp_path: Path) -> None:
    with daemon(tmp_path) as running, connect(running.unix) as client:
        client.command("/queen/ctl", SPAWN % 1000)
        with pytest.raises(P9Error) as missing:
            client.command("/queen/ctl", '{"kill":"worker-9"}')
        with pytest.raises(P9Error) as malformed:
            client.command("/queen/ctl", "\tnot json\x01")

    assert str(missing.value) == "ENOENT: worker worker-9 not found"
    # A line that the file shows in another form than it was written: errno's own words.
    assert str(malformed.value) == "EINVAL: invalid argument"


def test_telemetry_is_followed_over_restarts_of_the_daemon(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with daemon(tmp_path, state=state) as running:
        port = port_of(running.tcp)
        client = queen(running.tcp)
        client.command("/queen/ctl", SPAWN % 100_000)
        pieces = client.tail("/worker/worker-1/telemetry", "start", interval_s=0.005)
        got = followed(pieces, 5)
    for _ in range(2):
        with daemon(tmp_path, state=state, port=port):
            got += followed(pieces, 10)
    assert isinstance(client.channel, ResumingChannel)
    assert client.channel.state.losses == 2
    client.close()

    # Every beat once, in order, unless the ring dropped it, which is told.
    numbers = beats(got)
    assert numbers == sorted(set(numbers))
    for before, after in pairwise(got):
        assert after.offset == before.end + after.lost
    if not any(piece.lost for piece in got):
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_new_hive_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        port = port_of(running.tcp)
        client = queen(running.tcp)
        log = client.open("/log/queen.log")
    with daemon(tmp_path, port=port), client:
        with pytest.raises(P9Error, match="another node had its name") as stale:
            log.read(0, 100)
        assert stale.value.ecode == errno.ESTALE
        assert client.read("/proc/boot") == BOOT


async def test_trio_lives_through_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state"
    stack = AsyncExitStack()
    with daemon(tmp_path, state=state) as running:
        port, url = port_of(running.tcp), running.tcp
        token = ticket("queen", now=time.time())
        client = await stack.enter_async_context(aconnect(url, ticket=token, timeout_s=LONG_S))
        await client.command("/queen/ctl", SPAWN % 100_000)
        log = await client.open("/log/queen.log")
        assert b"spawned worker-1" in await log.read_all()
    with daemon(tmp_path, state=state, port=port):
        async with client.tail("/worker/worker-1/telemetry", "start", interval_s=0.005) as pieces:
            assert (await anext(pieces)).data
        assert b"spawned worker-1" in await log.read_all()
        await stack.aclose()
