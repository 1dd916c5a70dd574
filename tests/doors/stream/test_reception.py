"""Connections as they arrive: who is let in, as whom, and who is sent away."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninedoor.config import Listener
from ninedoor.doors.stream import reception as module
from ninedoor.doors.stream.bound import Bound
from ninedoor.doors.stream.drops import Drops
from ninedoor.doors.stream.link import Link, Shared
from ninedoor.doors.stream.listening import bind
from ninedoor.doors.stream.reception import ACCEPTS, Reception
from ninedoor.doors.stream.rounds import Rounds
from ninedoor.runtime.app import App
from ninedoor.session.fids import Profile
from tests.deployment import open_app
from tests.doors.stream.harness import HELLO, frames, tcp, unix


class Desk:
    """A reception, and the peers that come to it."""

    def __init__(self, listener: Listener) -> None:
        self.app: App = open_app()
        self.rounds = Rounds()
        self.timed: list[Link] = []
        self.bound = bind(listener)
        self.peers: list[socket.socket] = []
        counters = self.app.counters
        shared = Shared(self.rounds, Drops(), counters, 0, self.app.clock, lambda: 0.0)
        self.reception = Reception(self.app, self.bound, shared, self.timed.append)

    def come(self, number: int = 1) -> None:
        for _ in range(number):
            peer = socket.socket(self.bound.socket.family)
            peer.connect(self.bound.socket.getsockname())
            self.peers.append(peer)

    def attach(self) -> None:
        """Everybody who came."""
        for peer in self.peers:
            peer.sendall(frames(HELLO))
        for link in self.reception.links:
            link.turn()

    def close(self) -> None:
        self.reception.close("test is over")
        self.reception.close("again")
        self.rounds.close()
        for peer in self.peers:
            peer.close()
        assert not self.app.counters.sessions
        assert self.bound.socket.fileno() == -1

    @property
    def labels(self) -> list[str]:
        return self.app.counters.sessions.labels()

    @property
    def refused(self) -> dict[str, int]:
        return {kind: number for kind, number in self.app.counters.refused.items() if number}

    def waiting(self) -> bool:
        """Would the rounds give a turn?"""
        return bool(self.rounds._epoll.poll(0))


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(tcp(sessions=10, fids=77, profile="linux"))
    yield made
    made.close()


def test_who_connects_has_a_session_of_its_own(desk: Desk) -> None:
    desk.come(2)

    assert desk.waiting()
    assert desk.reception.turn() is False
    assert [label.rpartition(":")[0] for label in desk.labels] == ["tcp:127.0.0.1"] * 2
    assert len(desk.reception.links) == len(desk.timed) == 2
    assert not desk.waiting()


def test_the_session_has_the_listeners_limits_and_nobody_is_trusted_over_tcp(desk: Desk) -> None:
    desk.come()
    desk.reception.turn()
    session = next(iter(desk.reception.links))._connection._session

    assert (session._profile, session._limits.fids, session._trusted) == (Profile.LINUX, 77, False)


def test_the_daemons_own_user_is_trusted_on_a_unix_socket(tmp_path: Path) -> None:
    desk = Desk(unix(tmp_path))
    desk.come()
    desk.reception.turn()
    session = next(iter(desk.reception.links))._connection._session

    assert desk.labels == [f"unix:uid={os.getuid()},pid={os.getpid()}"]
    assert (session._profile, session._trusted) == (Profile.STRICT, True)
    desk.close()


def test_only_so_many_are_accepted_in_a_turn(desk: Desk) -> None:
    desk.come(ACCEPTS + 1)

    desk.reception.turn()
    assert len(desk.labels) == ACCEPTS
    assert desk.waiting()
    desk.reception.turn()
    assert len(desk.labels) == ACCEPTS + 1


def test_more_than_the_sessions_of_a_listener_are_sent_away(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.come(10)
    desk.reception.turn()
    desk.reception.turn()
    desk.attach()
    desk.come()
    desk.reception.turn()

    assert len(desk.labels) == 10
    assert desk.refused == {"sessions": 1}
    assert desk.peers[10].recv(1) == b""
    port = desk.peers[10].getsockname()[1]
    assert caplog.messages == [f"tcp:127.0.0.1:{port}: {desk.bound.address} serves 10 already"]


def test_strangers_make_room_for_another_the_longest_waiting_first(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.come(3)
    desk.reception.turn()
    desk.attach()
    desk.come(7)
    desk.reception.turn()
    names = [f"tcp:127.0.0.1:{peer.getsockname()[1]}" for peer in desk.peers]

    desk.come(2)
    desk.reception.turn()

    assert caplog.messages == [f"{name}: made room for another before it attached" for name in names[3:5]]
    assert desk.refused == {"sessions": 2}
    assert len(desk.reception.links) == 10
    assert [peer.recv(1) for peer in desk.peers[3:5]] == [b"", b""]


def test_who_leaves_makes_room_for_another(desk: Desk) -> None:
    desk.come(10)
    desk.reception.turn()
    desk.reception.turn()
    next(iter(desk.reception.links)).end("leaves")

    desk.come()
    desk.reception.turn()

    assert len(desk.labels) == 10
    assert desk.refused == {}


def test_more_than_the_sessions_of_a_daemon_are_sent_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ninedoor.limits.SESSIONS_MAX", 1)
    desk.come(2)
    desk.reception.turn()

    assert len(desk.labels) == 1
    assert desk.refused == {"sessions": 1}
    assert desk.peers[1].recv(1) == b""
    assert caplog.messages[0].endswith(": 1 sessions are open already")


class Failing:
    """A listening socket whose next accept fails with `code`."""

    def __init__(self, real: socket.socket, code: int) -> None:
        self._real = real
        self._code = code

    def accept(self) -> Any:
        if self._code:
            code, self._code = self._code, 0
            raise OSError(code, os.strerror(code))
        return self._real.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def fail(desk: Desk, code: int) -> None:
    bound = desk.reception._bound
    failing: Any = Failing(bound.socket, code)
    desk.reception._bound = Bound(bound.listener, bound.address, failing)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_descriptors_the_queue_waits_until_the_clock_is_looked_at(
    desk: Desk, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    fail(desk, code)
    desk.come()
    desk.reception.turn()

    assert not desk.waiting()
    assert desk.refused == {"descriptors": 1}
    assert caplog.messages == [f"{desk.bound.address}: connections wait: {os.strerror(code).lower()}"]
    desk.reception.resume()
    assert desk.waiting()
    desk.reception.turn()
    assert len(desk.labels) == 1


def test_a_pause_lasts_as_long_as_there_is_no_room_to_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(desk, errno.EMFILE)
    desk.come()
    desk.reception.turn()
    with monkeypatch.context() as crowded:
        crowded.setattr(desk.rounds, "join", full)
        desk.reception.resume()
    assert not desk.waiting()

    desk.reception.resume()
    desk.reception.turn()
    assert len(desk.labels) == 1


def full(_descriptor: int, _member: object) -> None:
    """epoll_ctl(2) at the limit on watches."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_listener_that_pauses_can_be_closed(desk: Desk) -> None:
    fail(desk, errno.EMFILE)
    desk.reception.turn()

    desk.reception.close("over")


def test_a_connection_that_broke_while_it_waited_does_not_stop_the_next(desk: Desk) -> None:
    fail(desk, errno.ECONNABORTED)
    desk.come()
    desk.reception.turn()

    assert desk.refused == {"reset": 1}
    assert len(desk.labels) == 1


def test_a_peer_that_is_gone_before_it_is_greeted_is_told_of(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(_connection: socket.socket) -> None:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(module, "greeted", gone)
    desk.come()
    desk.reception.turn()

    assert desk.refused == {"reset": 1}
    assert desk.labels == []
    assert caplog.messages == [f"{desk.bound.address}: transport endpoint is not connected"]


def test_a_bug_while_admitting_leaves_the_listener_open(desk: Desk) -> None:
    desk.reception.broke()
    desk.come()

    assert desk.waiting()


def test_a_peer_that_cannot_be_waited_for_is_sent_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk.rounds, "join", full)
    desk.come()
    desk.reception.turn()

    assert desk.refused == {"descriptors": 1}
    assert desk.labels == []
    assert desk.peers[0].recv(1) == b""
    assert caplog.messages[0].endswith(": no space left on device")
