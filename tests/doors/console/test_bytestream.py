"""Bytes to and from a descriptor: all of them, or the reason why not."""

import os
import socket
from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock, assert_checkpoints, wait_all_tasks_blocked

from ninedoor.doors.console.bytestream import RECEIVE_BYTES, ByteStream, Cut, Gone

FOREVER = float("inf")
PATIENCE_S = 5.0


class Pair:
    """A stream, and the other end of it."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.far.setblocking(False)
        self.stream = ByteStream(self.near.fileno())

    def fill(self) -> int:
        """Leave no room for another byte; returns how many there was room for."""
        total = 0
        try:
            while True:
                total += self.near.send(b"x" * 65536)
        except BlockingIOError:
            return total

    def drain(self, most: int) -> int:
        """Take up to `most` bytes at the far end."""
        taken = 0
        try:
            while taken < most:
                taken += len(self.far.recv(min(65536, most - taken)))
        except BlockingIOError:
            pass
        return taken


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.near.close()
    made.far.close()


async def test_what_comes_is_received_a_bounded_piece_at_a_time(pair: Pair) -> None:
    pair.far.send(b"x" * (RECEIVE_BYTES + 10))

    with assert_checkpoints():
        assert await pair.stream.receive(FOREVER) == b"x" * RECEIVE_BYTES
    assert await pair.stream.receive(FOREVER) == b"x" * 10


async def test_nothing_comes_until_the_deadline(pair: Pair, autojump_clock: MockClock) -> None:
    assert await pair.stream.receive(trio.current_time() + 5) is None
    assert trio.current_time() == 5


async def test_a_peer_that_hangs_up_is_gone_in_good_order(pair: Pair) -> None:
    pair.far.send(b"last")
    pair.far.close()

    assert await pair.stream.receive(FOREVER) == b"last"
    with pytest.raises(Gone) as gone:
        await pair.stream.receive(FOREVER)
    assert gone.value.why == ""


async def test_a_connection_that_breaks_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = socket.create_connection(listening.getsockname())
        near, _ = listening.accept()
    near.setblocking(False)
    stream = ByteStream(near.fileno())
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()

    with pytest.raises(Gone, match="connection reset by peer"):
        await stream.receive(FOREVER)
    with pytest.raises(Gone, match="broken pipe"):
        await stream.send(b"x", PATIENCE_S)
    near.close()


async def test_everything_is_sent_to_who_takes_it_slowly(pair: Pair) -> None:
    size = 1 << 20

    async def take() -> None:
        taken = 0
        while taken < size:
            taken += pair.drain(1000)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        with assert_checkpoints():
            await pair.stream.send(b"x" * size, PATIENCE_S)


async def test_a_peer_that_takes_nothing_is_cut(pair: Pair, autojump_clock: MockClock) -> None:
    pair.fill()

    with pytest.raises(Cut, match="took none of 3 bytes for 5 s"):
        await pair.stream.send(b"abc", PATIENCE_S)
    assert trio.current_time() == PATIENCE_S


async def test_each_byte_taken_begins_the_time_anew(pair: Pair, mock_clock: MockClock) -> None:
    room = pair.fill()
    cut: list[str] = []

    async def send() -> None:
        try:
            await pair.stream.send(b"y" * (4 * room), PATIENCE_S)
        except Cut as failed:
            cut.append(failed.why)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        for _ in range(3):
            await wait_all_tasks_blocked()
            mock_clock.jump(PATIENCE_S - 1)
            await wait_all_tasks_blocked()
            assert not cut
            assert pair.drain(room) > 0
        await wait_all_tasks_blocked()
        mock_clock.jump(PATIENCE_S)

    assert len(cut) == 1


async def test_sending_nothing_is_a_checkpoint(pair: Pair) -> None:
    with assert_checkpoints():
        await pair.stream.send(b"", PATIENCE_S)


async def test_a_terminal_nobody_holds_open_is_gone() -> None:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    os.close(slave)

    with pytest.raises(Gone, match="input/output error"):
        await ByteStream(master).receive(FOREVER)
    os.close(master)
