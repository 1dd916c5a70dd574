"""A blocking channel over connections that come and go: what goes on as if nothing had happened, and what is
said where it cannot.
"""

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninedoor.client import resumption
from ninedoor.client.client import Client
from ninedoor.client.failures import ConnectError, ConnectionLost, PartialWrite, Unanswered
from ninedoor.client.opening import connect, open_channel
from ninedoor.client.resumption import ChannelState
from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring
from ninedoor.limits import MSIZE_MAX
from ninedoor.session.fids import Profile
from ninedoor.session.session import Session
from ninedoor.tree.directory import Directory
from ninedoor.tree.stream import Stream
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import QT_DIR, Fid, Qid
from tests.client.servers import HiveServer, requests_of, scripted
from tests.session.fakes import BOOT, NOW, FakePrincipal, World

LONG_S = 30.0
SHORT_S = 0.3


@pytest.fixture(params=list(Profile), ids=lambda profile: profile.value)
def profile(request: pytest.FixtureRequest, server: HiveServer, world: World) -> Profile:
    chosen: Profile = request.param
    server.make_session = lambda: world.session(chosen)
    return chosen


@pytest.fixture
def states() -> list[ChannelState]:
    return []


@pytest.fixture
def client(server: HiveServer, profile: Profile, states: list[ChannelState]) -> Iterator[Client]:
    with connect(server.url, timeout_s=LONG_S, on_change=states.append) as client:
        yield client


def once(server: HiveServer, kind: type, *, served: bool) -> None:
    """Cut the connection at the next request of a type: after the server served it, or before."""

    def cut(requests: list[Any], data: bytes) -> bytes | None:
        if any(type(request) is kind for request in requests):
            server.before = server.intercept = None
            return None
        return data

    if served:
        server.intercept = cut
    else:
        server.before = cut


def live(session: Session) -> set[int]:
    return set(session._live)


# -- going on


def test_files_that_are_open_are_read_on(server: HiveServer, client: Client, world: World) -> None:
    world.log.append(b"0123456789", NOW)
    with client.open("/log/queen.log") as log, client.open("/proc/boot") as boot:
        assert log.read(3, 3) == b"345"
        server.cut()

        assert log.read(6, 3) == b"678"
        assert boot.read(0, 100) == BOOT
        assert client.read("/proc/boot") == BOOT
    assert server.connections == 2


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("kind", [m.Twalk, m.Tlopen, m.Tread, m.Tgetattr, m.Treaddir, m.Tclunk])
def test_a_request_that_was_on_its_way_is_asked_again(
    server: HiveServer, client: Client, kind: type, served: bool
) -> None:
    once(server, kind, served=served)

    assert client.read("/proc/boot") == BOOT
    assert client.stat("/proc/boot").size == len(BOOT)
    assert client.names("/log") == ["queen.log", "sealed"]
    assert server.connections == 2
    assert live(server.sessions[-1]) <= {client.root}


def test_only_fids_that_are_used_again_are_walked_to_again(server: HiveServer, client: Client) -> None:
    fids = [client.walk("/proc/boot") for _ in range(5)]
    server.cut()
    before = server.count(m.Twalk)

    client.channel.call(m.Tgetattr(Fid(fids[2]), 0))
    for fid in fids:
        client.clunk(fid)

    assert server.count(m.Twalk) == before + 1
    assert live(server.sessions[-1]) == {client.root}


def test_a_fid_is_walked_to_once_however_often_it_is_used(server: HiveServer, client: Client) -> None:
    with client.open("/proc/boot") as boot:
        server.cut()
        before = server.count(m.Twalk)
        for _ in range(5):
            boot.read(0, 100)

    assert server.count(m.Twalk) == before + 1


def test_flags_of_an_open_file_are_kept_but_nothing_is_done_twice(server: HiveServer, client: Client) -> None:
    with client.open("/log/queen.log", os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_EXCL) as log:
        server.cut()
        log.write(b"again\n", 0)

    opens = [request.flags for request in server.served if type(request) is m.Tlopen]
    assert opens == [os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_EXCL, os.O_WRONLY | os.O_APPEND]


def test_an_open_directory_is_listed_on(server: HiveServer, client: Client) -> None:
    with client.open("/") as root:
        server.cut()
        assert client.channel.call(m.Treaddir(Fid(root.fid), 0, 1000)).data


def test_a_fid_moved_by_a_walk_is_found_where_it_went(server: HiveServer, client: Client) -> None:
    fid = client.walk("/proc")
    client.channel.call(m.Twalk(Fid(fid), Fid(fid), ("boot",)))
    clone = client.channel.call(m.Twalk(Fid(fid), Fid(77), ()))
    assert clone.qids == ()
    server.cut()

    assert client.channel.call(m.Tgetattr(Fid(77), 0)).size == len(BOOT)
    assert client.channel.call(m.Tgetattr(Fid(fid), 0)).size == len(BOOT)


def test_the_same_user_attaches_with_the_same_ticket(server: HiveServer, world: World) -> None:
    label = "worker-gpu:worker-1"
    world.gate.principals[label] = FakePrincipal(label)
    with connect(server.url, uname=label, ticket="a ticket", timeout_s=LONG_S) as client:
        server.cut()
        client.read("/proc/boot")

    assert world.gate.attached == [(label, "a ticket", True)] * 2


def test_a_second_attach_is_made_again_when_it_is_used(server: HiveServer, client: Client) -> None:
    client.channel.call(m.Tattach(Fid(50), Fid(0), "queen", "other", 0))
    client.channel.call(m.Twalk(Fid(50), Fid(51), ("proc", "boot")))
    server.cut()
    client.read("/proc/boot")
    assert server.count(m.Tattach) == 3

    assert client.channel.call(m.Tgetattr(Fid(51), 0)).size == len(BOOT)
    assert server.count(m.Tattach) == 4


def test_many_calls_are_answered_over_a_loss_in_their_order(server: HiveServer, client: Client) -> None:
    with client.open("/proc/boot") as boot:
        once(server, m.Tread, served=True)
        replies = client.channel.call_many([m.Tread(Fid(boot.fid), at % 8, 1) for at in range(100)])

    assert b"".join(reply.data for reply in replies) == bytes(BOOT[at % 8] for at in range(100))


# -- what is not what it was


def test_a_node_that_is_gone_is_stale_until_its_fid_is_clunked(
    server: HiveServer, client: Client, world: World
) -> None:
    telemetry = client.open("/worker/worker-1/telemetry")
    server.cut()
    world.kill()

    for _ in range(2):
        with pytest.raises(P9Error, match="/worker/worker-1/telemetry: it was gone") as stale:
            telemetry.read(0, 10)
        assert stale.value.ecode == errno.ESTALE
    walks = server.count(m.Twalk)
    with pytest.raises(P9Error) as stale:
        client.channel.call(m.Twalk(Fid(telemetry.fid), Fid(90), ()))
    assert stale.value.ecode == errno.ESTALE
    telemetry.close()

    assert server.count(m.Twalk) == walks
    assert live(server.sessions[-1]) == {client.root}


def test_another_node_under_the_same_name_is_not_taken_for_it(
    server: HiveServer, client: Client, world: World
) -> None:
    telemetry = client.open("/worker/worker-1/telemetry")
    server.cut()
    world.kill()
    returned = Directory(("worker", "worker-1"), born=99.0)
    returned.add(Stream(("worker", "worker-1", "telemetry"), Ring(64), None))
    world.workers.add(returned)

    with pytest.raises(P9Error, match="another node had its name") as stale:
        telemetry.read(0, 10)

    assert stale.value.ecode == errno.ESTALE
    assert client.read("/worker/worker-1/telemetry") == b""
    assert live(server.sessions[-1]) == {client.root}


def test_a_file_that_may_not_be_opened_again_is_stale(
    server: HiveServer, client: Client, world: World
) -> None:
    boot = client.open("/proc/boot")
    server.cut()
    world.gate.principals["queen"].refusals["open"] = P9Error(errno.EPERM, "no more")

    with pytest.raises(P9Error, match="could not be opened again: EPERM") as stale:
        boot.read(0, 10)

    assert stale.value.ecode == errno.ESTALE
    assert live(server.sessions[-1]) == {client.root}


def test_a_walk_that_is_refused_for_now_is_tried_again_later(
    server: HiveServer, client: Client, world: World
) -> None:
    boot = client.open("/proc/boot")
    server.cut()
    refusals = world.gate.principals["queen"].refusals
    refusals["walk"] = P9Error(errno.EMFILE, "full")
    with pytest.raises(P9Error) as refusal:
        boot.read(0, 10)
    assert refusal.value.ecode == errno.EMFILE

    del refusals["walk"]

    assert boot.read(0, 10) == BOOT[:10]


def test_a_reader_from_offset_0_of_a_file_that_dropped_bytes_has_lost_its_place(
    server: HiveServer, client: Client, world: World
) -> None:
    """Its offsets count from the oldest byte there was when it began, which only the old session knew."""
    world.log.append(bytes(world.log.capacity + 10), NOW)
    log = client.open("/log/queen.log")
    sought = client.open("/log/queen.log")
    assert len(log.read(0, 10)) == len(sought.read(20, 10)) == 10
    server.cut()

    with pytest.raises(P9Error, match="where its reader was") as stale:
        log.read(10, 10)

    assert stale.value.ecode == errno.ESTALE
    assert len(sought.read(30, 10)) == 10


def test_a_reader_from_offset_0_of_a_file_that_dropped_nothing_goes_on(
    server: HiveServer, client: Client, world: World
) -> None:
    world.log.append(b"0123456789", NOW)
    log = client.open("/log/queen.log")
    assert log.read(0, 5) == b"01234"
    server.cut()

    assert log.read(5, 5) == b"56789"


def test_who_opens_a_file_again_begins_to_read_it_again(
    server: HiveServer, client: Client, world: World
) -> None:
    world.log.append(bytes(world.log.capacity + 10), NOW)
    log = client.open("/log/queen.log")
    log.read(0, 10)
    client.channel.call(m.Tlopen(Fid(log.fid), os.O_RDONLY))
    server.cut()

    assert len(log.read(20, 10)) == 10


# -- writes


def test_a_write_on_its_way_is_never_sent_again(server: HiveServer, client: Client, world: World) -> None:
    with client.open("/log/queen.log", os.O_WRONLY) as log:
        log.write(b"one\n")
        once(server, m.Twrite, served=True)
        with pytest.raises(P9Error) as unknown:
            log.write(b"two\n")
        log.write(b"three\n")

    assert str(unknown.value) == "EIO: connection lost during a write: it may or may not have been taken"
    assert world.log.retained() == b"one\ntwo\nthree\n"


def test_a_write_into_a_connection_that_is_gone_is_not_known_to_have_arrived(
    server: HiveServer, client: Client, world: World
) -> None:
    with client.open("/log/queen.log", os.O_WRONLY) as log:
        once(server, m.Twrite, served=False)
        with pytest.raises(P9Error, match="may or may not"):
            log.write(b"one\n")
        log.write(b"two\n")

    assert world.log.retained() == b"two\n"


def test_a_write_after_the_loss_was_noticed_is_sent_once(
    server: HiveServer, client: Client, world: World
) -> None:
    with client.open("/log/queen.log", os.O_WRONLY) as log:
        server.cut()
        client.read("/proc/boot")

        log.write(b"one\n")

    assert world.log.retained() == b"one\n"


@pytest.mark.parametrize("pipelined", [False, True])
def test_of_a_long_write_what_arrived_is_told(
    server: HiveServer, client: Client, world: World, pipelined: bool
) -> None:
    data = b"".join(b"line %04d %s\n" % (number, b"." * 100) for number in range(4000))

    def cut(requests: list[Any], replies: bytes) -> bytes | None:
        return None if len(arrived()) > len(data) // 3 else replies

    def arrived() -> bytes:
        return b"".join(data for _who, data, _caller in world.written)

    log = client.open("/log/queen.log", os.O_WRONLY)
    server.intercept = cut
    with pytest.raises(PartialWrite) as partial:
        log.write_all(data, pipelined=pipelined)
    server.intercept = None

    assert partial.value.ecode == errno.EIO
    told = b"".join(data[start:end] for start, end in spans(partial.value.missing, len(data)))
    # What is told arrived; what is in doubt may have arrived behind it.
    assert 0 < len(told) == partial.value.taken
    assert arrived().startswith(told)
    assert data.startswith(arrived())


def spans(missing: tuple[tuple[int, int], ...], end: int) -> list[tuple[int, int]]:
    """What is not missing."""
    kept, at = [], 0
    for start, stop in missing:
        kept.append((at, start))
        at = stop
    return [*kept, (at, end)]


def test_a_change_on_its_way_is_not_asked_for_again(server: HiveServer, client: Client) -> None:
    once(server, m.Tmkdir, served=True)

    with pytest.raises(P9Error, match="connection lost during a Tmkdir") as unknown:
        client.channel.call(m.Tmkdir(Fid(client.root), "x", 0, 0))

    assert unknown.value.ecode == errno.EIO


# -- tails


def test_a_tail_goes_on_at_the_exact_byte(server: HiveServer, client: Client, world: World) -> None:
    pieces = client.tail("/log/queen.log", "start", interval_s=0.0)
    got = b""
    for number in range(20):
        world.log.append(b"line %d\n" % number, NOW)
        if number % 5 == 2:
            once(server, m.Tread, served=number % 2 == 0)
        if number % 5 == 4:
            server.cut()
        piece = next(pieces)
        assert piece.offset == len(got)
        got += piece.data

    assert got == b"".join(b"line %d\n" % number for number in range(20))
    assert server.connections > 5


# -- connecting again


def test_a_server_that_comes_back_in_time_is_waited_for(
    server: HiveServer, client: Client, states: list[ChannelState], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds > 0:
            slept.append(seconds)
        if len(slept) == 4:
            server.start()
            slept.append(0.0)

    client.read("/proc/boot")
    server.stop()
    states.clear()
    monkeypatch.setattr(time, "sleep", sleep)

    assert client.read("/proc/boot") == BOOT

    pauses = [round(seconds, 1) for seconds in slept if seconds]
    assert pauses == sorted(pauses)
    assert [state.connected for state in states] == [False] * (len(states) - 1) + [True]
    assert [state.attempts for state in states] == [*range(len(states) - 1), 0]
    assert states[0].why == "the server closed it"
    assert states[1].why.startswith("there is no such socket")
    assert states[-1].losses == 1


def test_a_server_that_stays_away_is_waited_for_until_the_deadline(server: HiveServer) -> None:
    with connect(server.url, timeout_s=SHORT_S) as client:
        server.stop()
        with pytest.raises(Unanswered) as late:
            client.read("/proc/boot")
        server.start()

        assert client.read("/proc/boot") == BOOT

    assert late.value.ecode == errno.ETIMEDOUT
    assert late.value.reason.startswith(
        f"no connection to {server.url} within 0.3 s: there is no such socket"
    )


def test_a_server_that_refuses_the_attach_is_told_at_once_and_asked_again(
    server: HiveServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "REFUSED_PAUSES_S", (0.01, 0.01, 0.01))
    with connect(server.url, timeout_s=LONG_S) as client:
        world.gate.refusal = P9Error(errno.EPERM, "ticket revoked")
        server.cut()
        for _ in range(2):
            with pytest.raises(P9Error) as refusal:
                client.read("/proc/boot")
            assert refusal.value.ecode == errno.EPERM
        world.gate.refusal = None

        assert client.read("/proc/boot") == BOOT


def test_a_server_that_goes_on_refusing_is_not_asked_for_ever(
    server: HiveServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "REFUSED_PAUSES_S", (0.01, 0.02))
    states: list[ChannelState] = []
    with connect(server.url, timeout_s=LONG_S, on_change=states.append) as client:
        world.gate.refusal = P9Error(errno.EPERM, "ticket revoked")
        server.cut()
        for _ in range(5):
            with pytest.raises(P9Error) as refusal:
                client.read("/proc/boot")
            assert refusal.value.ecode == errno.EPERM

    assert [state.over for state in states] == [False, False, False, False, True, False]
    assert server.connections == 4


def test_a_server_that_is_away_between_refusals_is_another_one(
    server: HiveServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "REFUSED_PAUSES_S", (0.01,))
    with connect(server.url, timeout_s=SHORT_S) as client:
        world.gate.refusal = P9Error(errno.EPERM, "ticket revoked")
        server.cut()
        with pytest.raises(P9Error, match="EPERM"):
            client.read("/proc/boot")
        server.stop()
        with pytest.raises(Unanswered):
            client.read("/proc/boot")
        server.start()
        with pytest.raises(P9Error, match="EPERM"):
            client.read("/proc/boot")
        world.gate.refusal = None

        assert client.read("/proc/boot") == BOOT


def test_a_server_that_is_full_is_asked_until_the_deadline(server: HiveServer, world: World) -> None:
    with connect(server.url, timeout_s=SHORT_S) as client:
        world.gate.refusal = P9Error(errno.EMFILE, "full")
        server.cut()
        with pytest.raises(Unanswered) as late:
            client.read("/proc/boot")
        assert late.value.ecode == errno.ETIMEDOUT
        world.gate.refusal = None

        assert client.read("/proc/boot") == BOOT
    assert len(world.gate.attached) > 3


def test_a_server_that_lets_in_and_hangs_up_is_not_asked_in_a_rush(tmp_path: Path) -> None:
    welcomes = 0

    def handle(connected: socket.socket) -> None:
        nonlocal welcomes
        for tag, request in requests_of(connected):
            if isinstance(request, m.Tversion):
                connected.sendall(encode(tag, m.Rversion(MSIZE_MAX, request.version)))
            elif isinstance(request, m.Tattach):
                welcomes += 1
                connected.sendall(encode(tag, m.Rattach(Qid(QT_DIR, 1, 1))))
            else:
                return

    with (
        scripted(tmp_path / "s", handle) as server,
        connect(server.url, timeout_s=SHORT_S) as client,
        pytest.raises(Unanswered),
    ):
        client.read("/proc/boot")

    assert welcomes < 6


def test_a_server_that_says_nothing_any_more_is_left(tmp_path: Path) -> None:
    """As when its machine is gone: the next call tries a new connection."""
    silent = True

    def handle(connected: socket.socket) -> None:
        for tag, request in requests_of(connected):
            if isinstance(request, m.Tversion):
                connected.sendall(encode(tag, m.Rversion(MSIZE_MAX, request.version)))
            elif isinstance(request, m.Tattach):
                connected.sendall(encode(tag, m.Rattach(Qid(QT_DIR, 1, 1))))
            elif not silent:
                connected.sendall(encode(tag, m.Rstatfs(*[1] * 9)))

    with scripted(tmp_path / "s", handle) as server, connect(server.url, timeout_s=SHORT_S) as client:
        with pytest.raises(Unanswered) as late:
            client.channel.call(m.Tstatfs(Fid(client.root)))
        silent = False

        assert client.channel.call(m.Tstatfs(Fid(client.root))) == m.Rstatfs(*[1] * 9)
        assert server.connections == 2

    assert late.value.silent_s > SHORT_S / 2


def test_nobody_there_in_the_first_place_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="there is no such socket"):
        connect(f"unix:{tmp_path}/nobody", timeout_s=LONG_S)


def test_a_client_that_is_not_let_in_leaves_nothing_open(server: HiveServer) -> None:
    with pytest.raises(P9Error) as refusal:
        connect(server.url, uname="nobody")

    assert refusal.value.ecode == errno.EPERM


def test_a_closed_channel_does_not_come_back(server: HiveServer) -> None:
    channel = open_channel(server.url)
    channel.close()
    channel.close()

    assert (channel.state.connected, channel.state.losses) == (False, 0)
    with pytest.raises(ConnectionLost, match="the client closed it"):
        channel.call(m.Tversion(MSIZE_MAX, "9P2000.L"))


def test_a_client_that_is_not_to_resume_does_not(server: HiveServer) -> None:
    with connect(server.url, resume=False, timeout_s=LONG_S) as client:
        server.cut()
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                client.read("/proc/boot")

    assert server.connections == 1


@pytest.mark.parametrize("resume", [True, False])
def test_what_does_not_speak_9p_is_told_as_such_at_once(tmp_path: Path, resume: bool) -> None:
    def handle(connected: socket.socket) -> None:
        connected.sendall(b"SSH-2.0-x\r\n")
        connected.recv(8192)

    with scripted(tmp_path / "s", handle) as server:
        with pytest.raises(ConnectError, match=r"cannot connect to unix:.*; does it speak 9P\?"):
            connect(server.url, timeout_s=LONG_S, resume=resume)
        assert server.connections == 1


def test_a_channel_needs_no_client(server: HiveServer) -> None:
    with open_channel(server.url) as channel:
        assert type(channel.call(m.Tversion(MSIZE_MAX, "9P2000.L"))) is m.Rversion
        server.cut()
        assert type(channel.call(m.Tattach(Fid(0), Fid(0), "queen", "", 0))) is m.Rattach


def test_a_restoration_that_hangs_ends_with_the_call_and_the_connection(server: HiveServer) -> None:
    """How far it came is not known, so another session is begun."""
    gate = threading.Event()

    def hang(requests: list[Any], data: bytes) -> bytes | None:
        if any(type(request) is m.Twalk for request in requests):
            gate.wait(LONG_S)
        return data

    with connect(server.url, timeout_s=SHORT_S) as client:
        boot = client.open("/proc/boot")
        server.cut()
        server.before = hang
        with pytest.raises(Unanswered) as late:
            boot.read(0, 10)
        server.before = None
        gate.set()

        assert late.value.ecode == errno.ETIMEDOUT
        assert boot.read(0, 10) == BOOT[:10]
        assert server.connections == 3


def test_a_server_that_speaks_another_dialect_now_is_not_gone_on_with(tmp_path: Path) -> None:
    versions = iter(["9P2000.L", "9P2000"])

    def handle(connected: socket.socket) -> None:
        for tag, request in requests_of(connected):
            if isinstance(request, m.Tversion):
                connected.sendall(encode(tag, m.Rversion(MSIZE_MAX, next(versions))))
            elif isinstance(request, m.Tattach):
                connected.sendall(encode(tag, m.Rattach(Qid(QT_DIR, 1, 1))))
            else:
                return

    with scripted(tmp_path / "s", handle) as server, connect(server.url, timeout_s=LONG_S) as client:
        with pytest.raises(P9Error, match="the server speaks '9P2000' now") as refusal:
            client.read("/proc/boot")
        assert refusal.value.ecode == errno.EOPNOTSUPP


def test_a_clunk_of_what_the_server_no_longer_has_makes_no_connection(server: HiveServer) -> None:
    with connect(server.url, timeout_s=LONG_S) as client:
        files = [client.open("/proc/boot") for _ in range(3)]
        once(server, m.Tclunk, served=False)
        server.stop()
        for file in files:
            file.close()

    assert server.connections == 1
