"""Following a growing file: no byte twice, none unnoticed, whatever the file drops meanwhile."""

import errno
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client, run
from ninedoor.client.steps import Pause
from ninedoor.client.tailing import Cursor, Piece, Tail
from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring
from ninedoor.session.fids import Profile
from ninedoor.tree.stream import Stream
from ninedoor.wire import messages as m
from tests.session.fakes import BOOT, NOW, World

CAPACITY = 32
RING = "/ring"


class Meddling:
    """A channel on which `happens` is called right before each request of type `kind`."""

    def __init__(self, channel: LocalChannel) -> None:
        self._channel = channel
        self.asked: list[type] = []
        self.kind: type | None = None
        self.happens: Callable[[], None]

    def call(self, request: Any) -> Any:
        self.asked.append(type(request))
        if type(request) is self.kind:
            self.happens()
        return self._channel.call(request)

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        return [self.call(request) for request in requests]

    def close(self) -> None:
        self._channel.close()


class Followed:
    """A small ring as a file, and a client that follows it."""

    def __init__(self, msize: int = 8192) -> None:
        world = World()
        self.ring = Ring(CAPACITY)
        self.session = world.session(Profile.STRICT)
        world.tree.add(Stream((RING[1:],), self.ring, None))
        self.channel = Meddling(LocalChannel(self.session, lambda: NOW))
        self.client = Client(self.channel, msize=msize)

    def append(self, data: bytes) -> None:
        self.ring.append(data, NOW)

    def pieces(self, cursor: Cursor) -> list[Piece]:
        """What there is now from `cursor` on."""
        return list(self.client.tail(RING, cursor, follow=False))

    def tail(self, cursor: Cursor, *, follow: bool = False) -> Tail:
        return Tail(self.client._session, RING, cursor, follow=follow, interval_s=0.25)

    def next(self, tail: Tail) -> Piece | None:
        return run(self.channel, tail.next_piece())


@pytest.fixture
def followed() -> Followed:
    return Followed()


@pytest.mark.parametrize("cursor", ["start", "end", 0])
def test_a_directory_cannot_be_followed(followed: Followed, cursor: Cursor) -> None:
    with pytest.raises(P9Error, match="EISDIR"):
        next(followed.client.tail("/log", cursor))


def test_from_the_start(followed: Followed) -> None:
    followed.append(b"one\ntwo\n")

    assert followed.pieces("start") == [Piece(0, b"one\ntwo\n", 0)]


def test_from_the_end(followed: Followed) -> None:
    followed.append(b"one\n")
    tail = followed.tail("end")
    assert followed.next(tail) is None

    followed.append(b"two\n")

    assert followed.next(tail) == Piece(4, b"two\n", 0)
    assert followed.next(tail) is None


def test_from_an_offset(followed: Followed) -> None:
    followed.append(b"one\ntwo\n")

    (piece,) = followed.pieces(4)

    assert piece == Piece(4, b"two\n", 0)
    assert piece.end == 8
    assert followed.pieces(piece.end) == []


def test_the_start_of_a_file_that_dropped_bytes_is_its_oldest_byte(followed: Followed) -> None:
    """Nothing was missed: there was nobody to miss it."""
    followed.append(b"x" * CAPACITY)
    followed.append(b"\n" * 5)

    assert followed.pieces("start") == [Piece(5, b"x" * 27 + b"\n" * 5, 0)]


def test_bytes_that_were_dropped_before_they_were_read_are_counted(followed: Followed) -> None:
    followed.append(b"abcdefgh")
    tail = followed.tail("start")
    assert followed.next(tail) == Piece(0, b"abcdefgh", 0)

    followed.append(b"\n" * 40)

    assert followed.next(tail) == Piece(16, b"\n" * 32, 8)
    followed.append(b"more")
    assert followed.next(tail) == Piece(48, b"more", 0)


def test_a_cursor_from_long_ago_is_told_what_it_missed(followed: Followed) -> None:
    followed.append(bytes(100))

    assert followed.pieces(10) == [Piece(68, bytes(32), 58)]


@pytest.mark.parametrize("cursor", [0, 3])
def test_bytes_that_are_dropped_during_the_read_are_not_made_up(followed: Followed, cursor: int) -> None:
    """The server fills with line feeds what it no longer has."""
    followed.append(b"abcdef")
    tail = followed.tail(cursor)
    followed.channel.kind = m.Tread
    grows = iter([b"g" * 30])
    followed.channel.happens = lambda: followed.append(next(grows, b""))

    assert followed.next(tail) == Piece(4, b"ef" + b"g" * 30, 4 - cursor)


def test_a_handle_that_counts_otherwise_since_it_fell_behind_is_opened_anew(followed: Followed) -> None:
    """What was read instead, a marker of 24 bytes and 32 others, is as long as what was dropped: the next
    offset is just where the handle stands by its own count."""
    followed.append(b"a" * CAPACITY)
    tail = followed.tail(4)
    assert followed.next(tail) == Piece(4, b"a" * 28, 0)
    followed.append(b"b" * CAPACITY)
    parts = iter([b"c" * CAPACITY, b"d" * 24])

    def happens() -> None:
        for part in parts:
            followed.append(part)

    followed.channel.kind = m.Tread
    followed.channel.happens = happens

    assert followed.next(tail) == Piece(88, b"c" * 8 + b"d" * 24, 56)


def test_a_reader_from_offset_0_keeps_true_offsets_when_it_falls_behind(followed: Followed) -> None:
    tail = followed.tail(0)
    assert followed.next(tail) is None
    followed.append(b"a" * 20)
    assert followed.next(tail) == Piece(0, b"a" * 20, 0)

    followed.append(b"b" * 20)
    followed.append(b"c" * 20)

    assert followed.next(tail) == Piece(28, b"b" * 12 + b"c" * 20, 8)


def test_a_cursor_past_the_end_is_of_another_file(followed: Followed) -> None:
    followed.append(b"abc")

    with pytest.raises(P9Error, match=r"cursor 4 is past the end of /ring, 3") as refusal:
        followed.pieces(4)

    assert refusal.value.ecode == errno.EINVAL


def test_an_idle_file_is_waited_for_without_being_read(followed: Followed) -> None:
    """Reads count against the quotas of a ticket, looks at the attributes do not."""
    followed.append(b"abc")
    tail = followed.tail("end", follow=True)
    operation = tail.next_piece()
    steps: list[Any] = []
    reply: Any = None
    for _ in range(9):
        steps.append(operation.send(reply))
        reply = None if isinstance(steps[-1], Pause) else followed.channel.call(steps[-1])

    kinds = [type(step) for step in steps]
    assert kinds == [m.Twalk, m.Tlopen, m.Tgetattr, Pause, m.Tgetattr, Pause, m.Tgetattr, Pause, m.Tgetattr]
    assert steps[3] == Pause(0.25)


def test_a_file_that_does_not_grow_is_read_once(followed: Followed) -> None:
    assert list(followed.client.tail("/proc/boot", "start", follow=False)) == [Piece(0, BOOT, 0)]


def test_the_file_is_closed_when_nobody_follows_it_any_more(followed: Followed) -> None:
    followed.append(b"abc")
    before = set(followed.session._live)
    pieces = followed.client.tail(RING, "start")
    next(pieces)

    pieces.close()  # type: ignore[attr-defined]

    assert set(followed.session._live) == before


def test_a_file_that_vanishes_ends_its_tail(world: World) -> None:
    client = Client(LocalChannel(world.session(), lambda: NOW))
    pieces = client.tail("/worker/worker-1/telemetry", "start")
    world.log.append(b"beat\n", NOW)
    assert next(pieces).data == b"beat\n"
    world.kill()

    with pytest.raises(P9Error) as refusal:
        next(pieces)

    assert refusal.value.ecode == errno.ESTALE


appends = st.lists(st.binary(min_size=1, max_size=CAPACITY), max_size=12)


@given(data=st.data(), written=appends, msize=st.sampled_from([256, 8192]))
def test_pieces_and_losses_add_up_to_the_file(data: st.DataObject, written: list[bytes], msize: int) -> None:
    """Appends happen between any two requests."""
    followed = Followed(msize)
    whole = b"".join(written)
    pending = list(written)

    def happens() -> None:
        for _ in range(data.draw(st.integers(0, 2))):
            if pending:
                followed.append(pending.pop(0))

    followed.channel.happens = happens
    followed.channel.kind = data.draw(st.sampled_from([m.Tread, m.Tgetattr, m.Tlopen]))
    tail = followed.tail(0)
    at = 0
    while pending or at < len(whole):
        piece = followed.next(tail)
        if piece is None:
            happens()
            continue
        assert piece.offset == at + piece.lost
        assert piece.data == whole[piece.offset : piece.end]
        at = piece.end

    assert at == len(whole)
