"""Named cursors: a reader goes on where it was, whoever it is by then, and is told what it missed."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.client.aio.client import connect as aconnect
from ninedoor.client.client import Client
from ninedoor.client.cursors import ATTEMPTS, Standing, file_of, parse, set_
from ninedoor.client.failures import Unanswered
from ninedoor.client.steps import Operation
from ninedoor.client.tailing import Piece
from ninedoor.config import Config, Telemetry
from ninedoor.errors import P9Error
from tests.client.hives import daemon
from tests.deployment import CONFIG, client, open_app

TELEMETRY = "/worker/worker-1/telemetry"
CURSORS = "/worker/worker-1/cursors"
RING = 64


@pytest.fixture
def hive() -> Iterator[Client]:
    """A worker with a ring of 64 bytes."""
    app = open_app(Config(secrets=CONFIG.secrets, telemetry=Telemetry(ring_bytes_per_worker=RING)))
    with client(app) as queen:
        queen.command("/queen/ctl", '{"spawn":"heartbeat","ticks":0}')
        yield queen


def _news(hive: Client, **more: object) -> list[Piece]:
    return list(hive.tail(TELEMETRY, "start", resume="dash", follow=False, **more))  # type: ignore[arg-type]


def test_a_reader_goes_on_where_it_was(hive: Client) -> None:
    hive.append(TELEMETRY, b"one\n")
    assert _news(hive) == [Piece(0, b"one\n", 0)]
    assert _news(hive) == []

    hive.append(TELEMETRY, b"two\n")

    assert _news(hive) == [Piece(4, b"two\n", 0)]
    assert hive.cursor(TELEMETRY, "dash") == 8


def test_a_reader_that_was_away_too_long_is_told_what_it_missed(hive: Client) -> None:
    hive.append(TELEMETRY, b"one\n")
    _news(hive)

    hive.append(TELEMETRY, b"x" * RING)
    hive.append(TELEMETRY, b"y" * 10)

    assert _news(hive) == [Piece(14, b"x" * 54 + b"y" * 10, 10)]


def test_a_piece_that_was_not_dealt_with_comes_again(hive: Client) -> None:
    hive.append(TELEMETRY, b"one\n")
    for _piece in hive.tail(TELEMETRY, "start", resume="dash"):
        break

    assert hive.cursor(TELEMETRY, "dash") == 0
    assert _news(hive) == [Piece(0, b"one\n", 0)]


def test_a_new_reader_misses_nothing_from_its_beginning_on(hive: Client) -> None:
    hive.append(TELEMETRY, b"old\n")
    assert list(hive.tail(TELEMETRY, "end", resume="late", follow=False)) == []

    hive.append(TELEMETRY, b"new\n")

    assert list(hive.tail(TELEMETRY, "end", resume="late", follow=False)) == [Piece(4, b"new\n", 0)]


def test_a_new_reader_may_begin_at_an_offset(hive: Client) -> None:
    hive.append(TELEMETRY, b"one\ntwo\n")

    assert list(hive.tail(TELEMETRY, 4, resume="dash", follow=False)) == [Piece(4, b"two\n", 0)]


def test_readers_of_several_names_do_not_disturb_each_other(hive: Client) -> None:
    hive.append(TELEMETRY, b"one\n")
    _news(hive)

    assert list(hive.tail(TELEMETRY, "start", resume="other", follow=False)) == [Piece(0, b"one\n", 0)]


def test_a_cursor_can_be_set_and_dropped_by_hand(hive: Client) -> None:
    hive.append(TELEMETRY, b"0123456789")
    assert hive.cursor(TELEMETRY, "dash") is None

    hive.set_cursor(TELEMETRY, "dash", 7)
    assert hive.cursor(TELEMETRY, "dash") == 7
    hive.drop_cursor(TELEMETRY, "dash")

    assert hive.cursor(TELEMETRY, "dash") is None
    with pytest.raises(P9Error) as refusal:
        hive.set_cursor(TELEMETRY, "dash", 99)
    assert refusal.value.ecode == errno.EINVAL


def test_what_has_no_cursors_cannot_be_resumed(hive: Client) -> None:
    with pytest.raises(P9Error) as refusal:
        list(hive.tail("/log/queen.log", "start", resume="dash", follow=False))

    assert refusal.value.ecode == errno.ENOENT


def test_the_file_of_cursors_is_beside_the_ring() -> None:
    assert file_of(TELEMETRY) == CURSORS
    assert file_of("/shard/13/worker/worker-1/telemetry/") == "/shard/13/worker/worker-1/cursors"


def test_what_it_shows_is_read() -> None:
    text = "ring base=2 next=18 capacity=16\ncursor name=a.b-c offset=12 lost=0 unread=6\n"

    assert parse(text) == Standing(2, 18, {"a.b-c": 12})
    with pytest.raises(P9Error, match="no cursors file: 'heartbeat 1'"):
        parse("heartbeat 1")


class _Losing:
    """A channel that loses `losses` writes, which may have been taken."""

    def __init__(self, losses: int) -> None:
        self.losses = losses
        self.lost = 0

    def drive(self, hive: Client, operation: Operation[None]) -> None:
        value, failure = None, None
        while True:
            try:
                step = operation.send(value) if failure is None else operation.throw(failure)
            except StopIteration:
                return
            value = failure = None
            if type(step).__name__ == "Twrite" and self.lost < self.losses:
                self.lost += 1
                failure = Unanswered(errno.EIO, "the connection was lost")
            else:
                value = hive.channel.call(step)


@pytest.mark.parametrize("losses", range(ATTEMPTS))
def test_a_cursor_whose_setting_was_not_answered_is_set_again(hive: Client, losses: int) -> None:
    hive.append(TELEMETRY, b"0123456789")

    _Losing(losses).drive(hive, set_(hive._session, TELEMETRY, "dash", 7))

    assert hive.cursor(TELEMETRY, "dash") == 7


def test_but_not_for_ever(hive: Client) -> None:
    with pytest.raises(Unanswered):
        _Losing(ATTEMPTS).drive(hive, set_(hive._session, TELEMETRY, "dash", 0))


async def test_the_client_for_trio_does_the_same(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        async with aconnect(running.unix) as hive:
            await hive.command("/queen/ctl", '{"spawn":"heartbeat","ticks":0}')
            await hive.append(TELEMETRY, b"one\n")
            for expected in ([Piece(0, b"one\n", 0)], []):
                async with hive.tail(TELEMETRY, "start", resume="dash", follow=False) as pieces:
                    assert [piece async for piece in pieces] == expected
            assert await hive.cursor(TELEMETRY, "dash") == 4
            await hive.set_cursor(TELEMETRY, "dash", 2)
            await hive.drop_cursor(TELEMETRY, "dash")
            assert await hive.cursor(TELEMETRY, "dash") is None
