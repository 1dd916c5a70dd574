"""The blocking channel over real sockets: any order of replies, every deadline kept, and servers that lie."""

import errno
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ninedoor.client.address import TcpAddress, UnixAddress
from ninedoor.client.client import Client
from ninedoor.client.failures import ConnectError, ConnectionLost, Unanswered
from ninedoor.client.sockets import SocketChannel, connect_socket
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX, NOTAG
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import Fid
from tests.client.servers import HiveServer, ScriptedServer, requests_of, scripted
from tests.session.fakes import BOOT, World

VERSION = m.Tversion(MSIZE_MAX, "9P2000.L")
LONG_S = 30.0
SHORT_S = 0.05


def channel_to(server: ScriptedServer, timeout_s: float = LONG_S, window: int = 16) -> SocketChannel:
    return SocketChannel(
        connect_socket(server.address), server.url, timeout_s=timeout_s, window=window, at_once=window
    )


def read(offset: int, count: int = 100) -> m.Tread:
    return m.Tread(Fid(1), offset, count)


# -- connecting


def test_nobody_at_a_unix_path(tmp_path: Path) -> None:
    with pytest.raises(ConnectError) as failure:
        connect_socket(UnixAddress(str(tmp_path / "nobody")))

    assert str(failure.value) == (
        f"cannot connect to unix:{tmp_path}/nobody: there is no such socket; is a hive listening there?"
    )


def test_nobody_listens_any_more_at_a_unix_path(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "stale"))

    with pytest.raises(ConnectError, match="nobody listens there"):
        connect_socket(UnixAddress(str(tmp_path / "stale")))


def free_port() -> Iterator[int]:
    """A port on which nobody listens for as long as the generator lives."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_nobody_at_a_port() -> None:
    for port in free_port():
        with pytest.raises(ConnectError, match=rf"tcp://127.0.0.1:{port}: nobody listens there"):
            connect_socket(TcpAddress("127.0.0.1", port))


def test_no_such_host() -> None:
    with pytest.raises(ConnectError, match=r"no host no-such-host\.invalid is known"):
        connect_socket(TcpAddress("no-such-host.invalid", 5640))


def test_a_name_with_several_addresses_is_tried_with_each() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        connect_socket(TcpAddress("localhost", listening.getsockname()[1])) as connected,
    ):
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        assert not connected.getblocking()


def test_a_unix_listener_that_takes_nobody_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    path = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        with connect_socket(UnixAddress(path)), pytest.raises(ConnectError, match=r"no answer within 0\.1 s"):
            connect_socket(UnixAddress(path), timeout_s=0.1)


def take(listening: socket.socket, count: int) -> None:
    """Accept so many connections, and close them."""
    for _ in range(count):
        listening.accept()[0].close()


def test_a_unix_listener_that_is_crowded_is_tried_again(tmp_path: Path) -> None:
    path = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        first = connect_socket(UnixAddress(path))
        thread = threading.Thread(target=take, args=(listening, 2))
        thread.start()
        with first, connect_socket(UnixAddress(path), timeout_s=LONG_S):
            thread.join()


# -- a hive


def test_a_client_over_a_socket(server: HiveServer, world: World) -> None:
    with Client(channel_to(server)) as client:
        assert client.read("/proc/boot") == BOOT
        assert client.append("/log/queen.log", b"one\n") == 4
        assert client.names("/") == ["log", "proc", "queen", "worker"]
        with pytest.raises(P9Error) as refusal:
            client.read("/proc/nobody")
        assert refusal.value.ecode == errno.ENOENT
    assert world.log.retained() == b"one\n"


def test_many_calls_are_sent_ahead_and_answered_in_their_order(server: HiveServer) -> None:
    with channel_to(server) as channel:
        replies = channel.call_many(
            [VERSION, *[m.Tattach(Fid(n), Fid(0), "queen", "", 0) for n in range(100)]]
        )

    assert [type(reply) for reply in replies] == [m.Rversion, *[m.Rattach] * 100]


def test_more_bytes_than_the_socket_holds_go_both_ways(server: HiveServer, world: World) -> None:
    """Both ends fill their buffers; neither may wait for the other."""
    data = bytes(range(250)) * 32
    with Client(channel_to(server)) as client, client.open("/log/queen.log", 1) as log:
        replies = client.channel.call_many([m.Twrite(Fid(log.fid), 0, data)] * 500)
        assert {reply.count for reply in replies} == {len(data)}
    with Client(channel_to(server, window=1000)) as client, client.open("/log/queen.log", 0) as log:
        reads = [m.Tread(Fid(log.fid), world.log.base + at, 8000) for at in range(0, 48_000, 8000)] * 100
        assert all(len(reply.data) == 8000 for reply in client.channel.call_many(reads))


def hoarding(count: int) -> Callable[[socket.socket], None]:
    """Answers only when it has been asked `count` times."""

    def handle(connected: socket.socket) -> None:
        tags: list[int] = []
        for tag, _request in requests_of(connected):
            tags.append(tag)
            if len(tags) == count:
                connected.sendall(b"".join(encode(tag, m.Rwrite(8000)) for tag in tags))

    return handle


def test_what_the_socket_does_not_take_at_once_is_sent_though_nothing_comes_back(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", hoarding(300)) as server, channel_to(server, window=300) as channel:
        replies = channel.call_many([m.Twrite(Fid(1), 0, bytes(8000))] * 300)

    assert replies == [m.Rwrite(8000)] * 300


# -- orders of replies


def send_shuffled(connected: socket.socket, held: list[bytes], chance: random.Random) -> None:
    chance.shuffle(held)
    stream = b"".join(held)
    held.clear()
    at = 0
    while at < len(stream):
        end = at + chance.randint(1, 40)
        connected.sendall(stream[at:end])
        at = end


@pytest.mark.parametrize("seed", range(5))
def test_replies_in_any_order_reach_their_requests(tmp_path: Path, seed: int) -> None:
    def handle(connected: socket.socket) -> None:
        chance = random.Random(seed)
        held: list[bytes] = []
        for tag, request in requests_of(connected):
            held.append(encode(tag, m.Rread(b"%d" % request.offset)))
            if len(held) == 8:
                send_shuffled(connected, held, chance)

    with scripted(tmp_path / "s", handle) as server, channel_to(server, window=8) as channel:
        replies = channel.call_many([read(offset) for offset in range(400)])

    assert [reply.data for reply in replies] == [b"%d" % offset for offset in range(400)]


# -- deadlines


class Withholding:
    """Answers everything but reads at offset 13 until it is told to; tells of flushes."""

    def __init__(self) -> None:
        self.flushed = threading.Event()
        self.release = threading.Event()
        self.late_reply = False

    def __call__(self, connected: socket.socket) -> None:
        held = 0
        for tag, request in requests_of(connected):
            if isinstance(request, m.Tflush):
                if self.late_reply:
                    connected.sendall(encode(held, m.Rread(b"late")))
                connected.sendall(encode(tag, m.Rflush()))
                self.flushed.set()
            elif request.offset == 13:
                held = tag
            else:
                connected.sendall(encode(tag, m.Rread(b"%d" % request.offset)))


@pytest.mark.parametrize("late_reply", [False, True])
def test_a_call_ends_at_its_deadline_and_the_channel_goes_on(tmp_path: Path, late_reply: bool) -> None:
    handle = Withholding()
    handle.late_reply = late_reply
    with scripted(tmp_path / "s", handle) as server, channel_to(server) as channel:
        with pytest.raises(Unanswered) as late:
            channel.call(read(13), SHORT_S)
        assert handle.flushed.wait(LONG_S)
        replies = channel.call_many([read(offset) for offset in range(14, 50)])

    assert (late.value.ecode, late.value.left, late.value.silent_s) == (errno.ETIMEDOUT, True, SHORT_S)
    assert late.value.reason == f"no reply from {server.url} within 0.05 s"
    assert [reply.data for reply in replies] == [b"%d" % offset for offset in range(14, 50)]


@pytest.mark.parametrize("timeout_s", [1e12, float("inf")])
def test_a_deadline_may_be_as_far_away_as_one_likes(server: HiveServer, timeout_s: float) -> None:
    with Client(channel_to(server, timeout_s)) as client:
        assert client.read("/proc/boot") == BOOT


def test_of_many_calls_only_the_unanswered_one_is_late(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", Withholding()) as server, channel_to(server) as channel:
        replies = channel.call_many([read(12), read(13), read(14)], SHORT_S)

    assert [reply.data for reply in replies[::2]] == [b"12", b"14"]
    assert isinstance(replies[1], Unanswered)
    assert replies[1].ecode == errno.ETIMEDOUT


def test_a_server_that_drips_bytes_does_not_put_the_deadline_off(tmp_path: Path) -> None:
    stop = threading.Event()

    def handle(connected: socket.socket) -> None:
        frame = encode(0, m.Rread(bytes(8000)))
        at = 0
        while not stop.wait(SHORT_S / 20):
            connected.sendall(frame[at : at + 1])
            at += 1

    with scripted(tmp_path / "s", handle) as server, channel_to(server) as channel:
        before = time.monotonic()
        with pytest.raises(Unanswered) as late:
            channel.call(read(0, 8000), SHORT_S)
        took = time.monotonic() - before
        stop.set()

    assert late.value.ecode == errno.ETIMEDOUT
    assert SHORT_S <= took < LONG_S


def test_a_server_that_sends_something_is_not_silent(tmp_path: Path) -> None:
    sent = threading.Event()

    def handle(connected: socket.socket) -> None:
        connected.sendall(encode(0, m.Rread(bytes(8000)))[:100])
        sent.set()
        connected.recv(1 << 16)

    with scripted(tmp_path / "s", handle) as server, channel_to(server) as channel:
        assert sent.wait(LONG_S)
        with pytest.raises(Unanswered) as late:
            channel.call(read(0, 8000), SHORT_S)

    assert late.value.silent_s == 0


def test_a_request_that_waits_for_room_has_not_left_when_its_time_is_up(tmp_path: Path) -> None:
    with scripted(tmp_path / "s", Withholding()) as server, channel_to(server, window=1) as channel:
        first, second = channel.call_many([read(13), read(14)], SHORT_S)

    assert (first.left, second.left) == (True, False)


def test_a_reply_that_never_comes_leaves_no_place_for_ever(tmp_path: Path) -> None:
    """Each late request keeps its place in the window until its flush is answered."""
    with scripted(tmp_path / "s", Withholding()) as server, channel_to(server, window=1) as channel:
        for _ in range(5):
            with pytest.raises(Unanswered):
                channel.call(read(13), SHORT_S)
        assert channel.call(read(7)).data == b"7"


def test_an_interrupted_call_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Withholding()
    handle.late_reply = True
    with scripted(tmp_path / "s", handle) as server, channel_to(server) as channel:
        with monkeypatch.context() as patch:
            patch.setattr(channel, "_poll_for", interrupted)
            with pytest.raises(KeyboardInterrupt):
                channel.call(read(13))

        assert channel.call(read(7)).data == b"7"
        assert handle.flushed.is_set()


def interrupted(_seconds: float) -> bool:
    raise KeyboardInterrupt


# -- ends


def answering(*pieces: bytes) -> Callable[[socket.socket], None]:
    """Sends `pieces` when something was asked, and hangs up."""

    def handle(connected: socket.socket) -> None:
        connected.recv(1 << 16)
        connected.sendall(b"".join(pieces))
        connected.shutdown(socket.SHUT_WR)
        # Closed with requests unread, the kernel would send a reset, which may overtake the end.
        while connected.recv(1 << 16):
            pass

    return handle


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "the server closed it"),
        (encode(0, m.Rread(b"x"))[:9], "the server closed it inside a frame"),
        (encode(5, m.Rread(b"x")), "Rread on tag 5, on which nothing was asked"),
        (encode(0, m.Rclunk()), "Rclunk in answer to Tread"),
        (encode(0, m.Rread(bytes(101))), "with more than was asked for"),
        (encode(NOTAG, m.Rlerror(errno.EINVAL)), "the server could not read what it was sent"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "frame of 1347703880 bytes"),
        (bytes(100), "frame of 0 bytes"),
    ],
)
def test_a_server_that_breaks_off_or_lies_ends_the_connection(
    tmp_path: Path, answer: bytes, why: str
) -> None:
    with scripted(tmp_path / "s", answering(answer)) as server, channel_to(server) as channel:
        with pytest.raises(ConnectionLost, match=why) as lost:
            channel.call(read(0))
        with pytest.raises(ConnectionLost, match=why) as after:
            channel.call(read(1))

    assert (lost.value.ecode, lost.value.left) == (errno.ESTALE, True)
    assert not after.value.left
    assert str(server.address) in lost.value.reason


def test_replies_that_came_before_the_end_count(tmp_path: Path) -> None:
    handle = answering(encode(1, m.Rread(b"one")), encode(0, m.Rlerror(errno.EIO)), encode(9, m.Rclunk()))
    with scripted(tmp_path / "s", handle) as server, channel_to(server) as channel:
        refused, one, lost = channel.call_many([read(0), read(1), read(2)])

    assert refused.ecode == errno.EIO
    assert one == m.Rread(b"one")
    assert isinstance(lost, ConnectionLost)


def test_a_server_that_resets_is_a_lost_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        channel = SocketChannel(connect_socket(TcpAddress(*listening.getsockname())), "tcp")
        connected, _peer = listening.accept()
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connected.close()
        with channel, pytest.raises(ConnectionLost, match=r"connection reset by peer|the server closed it"):
            channel.call(read(0))


def test_a_request_that_did_not_leave_whole_says_so(tmp_path: Path) -> None:
    """A server that never reads, and then goes: what did not fit into the socket was never sent."""
    go = threading.Event()

    def handle(_connected: socket.socket) -> None:
        go.wait(LONG_S)

    with scripted(tmp_path / "s", handle) as server, channel_to(server, window=1000) as channel:
        late = channel.call_many([m.Twrite(Fid(1), 0, bytes(8000))] * 1000, SHORT_S)
        go.set()
        lost = channel.call_many([read(0)])

    assert isinstance(lost[0], ConnectionLost)
    left = [reply.left for reply in late]
    assert left[0]
    assert not left[-1]
    assert left == sorted(left, reverse=True)


def test_a_closed_channel_is_lost(server: HiveServer) -> None:
    channel = channel_to(server)
    channel.close()
    channel.close()

    with pytest.raises(ConnectionLost, match="the client closed it"):
        channel.call(VERSION)
