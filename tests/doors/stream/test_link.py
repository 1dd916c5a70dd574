"""One peer and its link, turn by turn, over a real socket pair and under a clock that the test sets."""

import errno
import logging
import os
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ninedoor.config import Listener
from ninedoor.doors.stream.drops import Drops
from ninedoor.doors.stream.link import RETRIES, Link, Shared, State
from ninedoor.doors.stream.rounds import Rounds
from ninedoor.limits import MSIZE_MAX, NOTAG, TURN_BYTES
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply
from ninedoor.wire.types import Fid
from tests.deployment import open_app
from tests.doors.stream.harness import OPEN_LOG, VERSION, attach, frames, walk

LIMITS = Listener("tcp://127.0.0.1:0", handshake_ms=1000, idle_ms=60_000, stall_ms=5000)
HELLO = (VERSION, attach(aname=""))
"""Without a ticket, whose quotas would end a long reading."""

BIG_READ = m.Tread(Fid(1), 0, MSIZE_MAX)
LINE = b"x" * 8000


class Bench:
    """A link, the other end of its socket, and the time."""

    def __init__(self, *, retries: int = 0, limits: Listener = LIMITS) -> None:
        self.now = 0.0
        self.app: App = open_app()
        self.counters = self.app.counters
        self.rounds = Rounds()
        self.timed: list[Link] = []
        self.ended: list[Link] = []
        ours, self.peer = socket.socketpair()
        for one in (ours, self.peer):
            one.setblocking(False)
        shared = Shared(self.rounds, Drops(), self.counters, retries, self.app.clock, lambda: self.now)
        connection = Connection(self.app.session(trusted=True), self.app.session_limits(), self.counters)
        self.link = Link(ours, "peer 1", connection, limits, shared, self.timed.append, self.ended.append)

    def close(self) -> None:
        self.link.end("test is over")
        self.peer.close()
        self.rounds.close()
        assert not self.counters.sessions

    def turn(self, *requests: Any) -> bool:
        if requests:
            self.peer.sendall(frames(requests))
        return self.link.turn()

    def received(self) -> bytes:
        """What has come to the peer."""
        parts: list[bytes] = []
        while True:
            try:
                part = self.peer.recv(1 << 20)
            except BlockingIOError:
                part = b""
            if not part:
                return b"".join(parts)
            parts.append(part)

    def attach(self) -> "Bench":
        """Attached, the log open on fid 1 with more in it than a reply can carry."""
        self.turn(*HELLO, *OPEN_LOG)
        self.turn(m.Twrite(Fid(1), 0, LINE))
        self.turn(m.Twrite(Fid(1), 0, LINE))
        self.received()
        return self

    def block(self) -> "Bench":
        """Attached, and blocked by replies that the peer does not take."""
        self.attach()
        self.link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for _ in range(100):
            if self.link.state is State.BLOCKED:
                return self
            self.turn(BIG_READ)
        raise AssertionError("the socket takes everything")

    @property
    def refused(self) -> dict[str, int]:
        return {kind: number for kind, number in self.counters.refused.items() if number}


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def decoded(data: bytes) -> list[tuple[int, Any]]:
    replies: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        end = at + int.from_bytes(data[at : at + 4], "little")
        replies.append(decode_reply(data, at, end))
        at = end
    return replies


def reset(connection: socket.socket) -> None:
    """Close so that the other end hears of it as an error."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# -- reading and answering


def test_all_that_came_is_answered_with_one_send(bench: Bench) -> None:
    sent: list[bytes] = []
    send = bench.link._send

    def seen(data: Any, flags: int = 0) -> int:
        sent.append(data)
        return send(data, flags)

    bench.link._send = seen

    assert bench.turn(*HELLO, *OPEN_LOG) is False
    assert [tag for tag, _reply in decoded(b"".join(sent))] == [1, 2, 3, 4]
    assert len(sent) == 1


def test_nothing_that_came_costs_nothing(bench: Bench) -> None:
    assert bench.turn() is False
    assert bench.link.state is State.READING


def test_a_turn_is_bounded_and_tells_of_the_rest(bench: Bench) -> None:
    bench.attach()
    getattrs = [m.Tgetattr(Fid(0), 0)] * 120

    assert bench.turn(*getattrs) is True
    first = decoded(bench.received())
    assert bench.turn() is False

    assert [tag for tag, _reply in first + decoded(bench.received())] == list(range(1, 121))
    assert 60 < len(first) < 100


def test_small_requests_for_large_replies_do_not_pile_up(bench: Bench) -> None:
    bench.attach()
    made: list[int] = []
    receive = bench.link._receive

    def seen(data: bytes, now: float) -> bytes:
        replies = receive(data, now)
        made.append(len(replies))
        return replies

    bench.link._receive = seen
    more = bench.turn(*[BIG_READ] * 1000)
    while more or bench.link.state is State.BLOCKED:
        bench.received()
        more = bench.turn()

    assert sum(made) == 1000 * MSIZE_MAX
    assert max(made) < TURN_BYTES + MSIZE_MAX


# -- a peer that does not read


def test_a_peer_that_does_not_read_is_not_read_from(bench: Bench) -> None:
    bench.block()
    bench.peer.sendall(frames([BIG_READ]))

    held = len(bench.link._unsent)
    assert bench.turn() is False

    assert 0 < held < TURN_BYTES + MSIZE_MAX
    assert len(bench.link._unsent) == held
    assert bench.rounds._epoll.poll(0) == []


def test_once_the_rest_is_taken_the_conversation_goes_on(bench: Bench) -> None:
    bench.block()
    data = bench.received()
    while bench.link.state is State.BLOCKED:
        bench.turn()
        data += bench.received()

    assert [type(reply) for _tag, reply in decoded(data)] == [m.Rread] * (len(data) // MSIZE_MAX)
    assert bench.turn(m.Tclunk(Fid(1))) is False
    assert decoded(bench.received()) == [(1, m.Rclunk())]


def test_each_send_that_is_not_taken_whole_is_a_short_write(bench: Bench) -> None:
    bench.block()
    assert bench.counters.short_writes == 1

    while bench.link.state is State.BLOCKED:
        before, left = bench.counters.short_writes, len(bench.link._unsent)
        bench.received()
        bench.turn()
        taken_in_part = 0 < len(bench.link._unsent) < left
        assert bench.counters.short_writes == before + taken_in_part


def test_reject_cuts_a_peer_that_takes_nothing_for_stall_ms(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.block()

    bench.now += 4.999
    assert bench.link.expire(bench.now) is True
    bench.now += 0.001
    assert bench.link.expire(bench.now) is False

    assert bench.link.state is State.ENDED
    assert bench.refused == {"stall": 1}
    assert bench.counters.retries == 0
    assert "peer 1: took none of " in caplog.text


def test_retry_waits_three_times_more_each_twice_as_long() -> None:
    limits = Listener("tcp://127.0.0.1:0", stall_ms=5000)
    bench = Bench(retries=RETRIES["retry"], limits=limits).block()
    waits = []
    for _ in range(4):
        before = bench.now
        retries = bench.counters.retries
        while bench.counters.retries == retries and bench.link.state is State.BLOCKED:
            bench.now += 1.0
            bench.link.expire(bench.now)
        waits.append(bench.now - before)

    assert waits == [5, 10, 20, 40]
    assert bench.counters.retries == 3
    assert bench.refused == {"stall": 1}
    bench.close()


def test_who_takes_a_little_has_all_the_time_again(bench: Bench) -> None:
    bench.block()
    bench.now += 4.9
    while not bench.peer.recv(1) or not _room(bench):
        pass
    bench.turn()

    bench.now += 4.9
    assert bench.link.expire(bench.now) is True
    assert bench.link.state is not State.ENDED


def _room(bench: Bench) -> bool:
    return bool(bench.rounds._epoll.poll(0))


# -- time


def test_who_has_not_attached_in_time_is_cut(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.turn(HELLO[0])

    bench.now = 0.999
    assert bench.link.expire(bench.now) is True
    bench.now = 1.0
    assert bench.link.expire(bench.now) is False

    assert bench.refused == {"handshake": 1}
    assert caplog.messages == ["peer 1: not attached within 1000 ms"]


def test_a_new_version_does_not_begin_the_handshake_anew(bench: Bench) -> None:
    bench.attach()
    bench.link.expire(0.5)
    bench.turn(HELLO[0])

    assert bench.link.expire(50.0) is True
    assert bench.refused == {}


def test_who_asks_nothing_for_idle_ms_is_cut(bench: Bench) -> None:
    bench.attach()
    bench.link.expire(0.5)
    bench.link.expire(30.0)
    bench.turn(m.Tgetattr(Fid(0), 0))
    bench.link.expire(40.0)

    assert bench.link.expire(99.9) is True
    assert bench.link.expire(100.0) is False
    assert bench.refused == {"idle": 1}


def test_who_is_still_taking_replies_is_not_idle() -> None:
    bench = Bench(limits=replace(LIMITS, idle_ms=3000)).block()
    bench.link.expire(0.5)

    assert bench.link.expire(4.0) is True
    while bench.link.state is State.BLOCKED:
        bench.received()
        bench.turn()
    assert bench.link.expire(4.5) is True
    assert bench.link.expire(7.4) is True
    assert bench.link.expire(7.5) is False
    assert bench.refused == {"idle": 1}
    bench.close()


def test_a_frame_that_never_ends_is_no_request(bench: Bench) -> None:
    bench.attach()
    bench.link.expire(0.5)
    for at, byte in enumerate(frames([BIG_READ])[:-1]):
        bench.peer.sendall(bytes([byte]))
        bench.turn()
        bench.link.expire(1.0 + at)

    assert bench.link.expire(60.5) is False
    assert bench.refused == {"idle": 1}


def test_without_idle_ms_nothing_is_timed_after_the_attach() -> None:
    bench = Bench(limits=Listener("tcp://127.0.0.1:0", idle_ms=0))
    assert bench.timed == [bench.link]
    bench.attach()

    assert bench.link.expire(1e9) is False
    assert bench.link.state is State.READING
    bench.block()
    assert bench.timed == [bench.link] * 2
    bench.close()


# -- the end


def test_a_peer_that_hangs_up_between_frames_ends_without_a_word(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.attach()
    bench.peer.close()

    assert bench.turn() is False
    assert bench.ended == [bench.link]
    assert bench.refused == {}
    assert caplog.messages == []


def test_a_peer_that_hangs_up_inside_a_frame_is_told_of(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.peer.sendall(frames(HELLO)[:-1])
    bench.turn()
    bench.received()
    bench.peer.close()
    bench.turn()

    assert bench.refused == {"cut_frame": 1}
    assert caplog.messages == ["peer 1: hung up inside a frame"]


def test_a_connection_that_breaks_is_told_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.attach()
    bench.link._recv = _failing

    assert bench.turn() is False
    assert bench.refused == {"reset": 1}
    assert caplog.messages == ["peer 1: connection reset by peer"]


def _failing(_size: int, _flags: int = 0) -> bytes:
    raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


@pytest.mark.parametrize("state", [State.READING, State.BLOCKED])
def test_a_peer_that_is_gone_when_it_is_answered_is_told_of(bench: Bench, state: State) -> None:
    bench.attach() if state is State.READING else bench.block()
    bench.peer.sendall(frames([BIG_READ]))
    bench.peer.close()

    assert bench.turn() is False
    assert bench.refused == {"reset": 1}
    assert bench.ended == [bench.link]


def test_a_size_that_is_a_lie_is_answered_and_the_connection_ends(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.attach()
    bench.peer.sendall(b"\xff" * 5000)

    assert bench.turn() is False
    assert decoded(bench.received()) == [(NOTAG, m.Rlerror(errno.EINVAL))]
    assert bench.link.state is State.ENDED
    assert bench.refused == {"frame_size": 1}
    assert caplog.messages == ["peer 1: frame of 4294967295 bytes, not 7 to 8192"]


def test_the_last_reply_of_a_blocked_peer_is_sent_before_it_is_hung_up_on(bench: Bench) -> None:
    bench.block()
    bench.peer.sendall(b"\xff" * 4)
    data = b""
    while bench.link.state is not State.ENDED:
        data += bench.received()
        bench.turn()
    data += bench.received()

    assert decoded(data)[-1] == (NOTAG, m.Rlerror(errno.EINVAL))


def test_a_bug_ends_its_link_only(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.link.broke()

    assert bench.link.state is State.ENDED
    assert caplog.messages == ["peer 1: a bug, see above"]


def test_the_end_comes_once(bench: Bench) -> None:
    bench.attach()
    bench.link.end("first")
    bench.link.end("second")

    assert bench.ended == [bench.link]
    assert bench.link.expire(1e9) is False
    assert select.select([bench.peer], [], [], 0)[0] == [bench.peer]
    assert bench.peer.recv(1) == b""


def test_fids_end_with_their_link(bench: Bench) -> None:
    bench.attach()
    bench.turn(walk(2, "proc"))
    session = bench.link._connection._session
    assert len(session._live) == 3

    bench.link.end("over")
    assert not session._live
    assert logging.getLogger("ninedoor").level == logging.NOTSET
