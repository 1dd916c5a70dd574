"""Where connections arrive: each gets a session and a link, or is sent away with one line in the log."""

import errno
from collections.abc import Callable
from contextlib import suppress
from socket import socket

from ninedoor.doors.stream.bound import Bound, words
from ninedoor.doors.stream.link import Link, Shared
from ninedoor.doors.stream.peers import greeted
from ninedoor.errors import P9Error
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.counters import Refusal
from ninedoor.session.fids import Profile

ACCEPTS = 8
"""Connections accepted in one turn: a flood of them must not hold up who is connected."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What accept(2) says when there is no room for one more descriptor. The connection stays in the queue."""


class Reception:
    """One listener's; satisfies `rounds.Member`. `timed` is handed on to its links."""

    def __init__(self, app: App, bound: Bound, shared: Shared, timed: Callable[[Link], None]) -> None:
        self._app = app
        self._bound = bound
        self._shared = shared
        self._timed = timed
        self._session_limits = app.session_limits(bound.listener.fids)
        self._profile = Profile(bound.listener.profile)
        self.links: dict[Link, None] = {}
        """Oldest first."""
        self.paused = True
        self.resume()

    def turn(self) -> bool:
        """Accept some of those who wait. See `rounds.Member`."""
        for _ in range(ACCEPTS):
            try:
                connection, _address = self._bound.socket.accept()
            except BlockingIOError:
                break
            except OSError as failure:
                if failure.errno in _EXHAUSTED:
                    self._pause(failure)
                    break
                # Linux passes on what befell a connection while it waited: accept(2).
                self._refuse("reset", str(self._bound.address), words(failure))
            else:
                self._admit(connection)
        return False

    def broke(self) -> None:
        """See `rounds.Member`. A bug in admitting one must not end the listener: the next is accepted."""

    def resume(self) -> None:
        """Accept again after a pause, unless there is still no room to wait for it."""
        if self.paused:
            with suppress(OSError):
                self._shared.rounds.join(self._bound.socket.fileno(), self)
                self.paused = False

    def close(self, reason: str) -> None:
        """End every link and listen no more. Idempotent."""
        for link in tuple(self.links):
            link.end(reason)
        if not self.paused:
            self.paused = True
            self._shared.rounds.leave(self._bound.socket.fileno())
        self._bound.close()

    def _pause(self, failure: OSError) -> None:
        """Leave the queue alone for a while; else it would be reported as ready for ever."""
        self.paused = True
        self._shared.rounds.leave(self._bound.socket.fileno())
        self._refuse("descriptors", str(self._bound.address), f"connections wait: {words(failure)}")

    def _admit(self, connection: socket) -> None:
        try:
            peer = greeted(connection)
        except OSError as gone:
            connection.close()
            self._refuse("reset", str(self._bound.address), words(gone))
            return
        limits = self._bound.listener
        if len(self.links) >= limits.sessions and not self._make_room():
            connection.close()
            self._refuse("sessions", peer.label, f"{self._bound.address} serves {limits.sessions} already")
            return
        try:
            session = self._app.session(
                trusted=peer.trusted, profile=self._profile, fids=limits.fids, peer=peer.label
            )
        except P9Error as full:
            connection.close()
            self._refuse("sessions", peer.label, full.reason)
            return
        served = Connection(session, self._session_limits, self._shared.counters)
        try:
            link = Link(connection, peer.label, served, limits, self._shared, self._timed, self.links.pop)
        except OSError as failure:  # epoll_ctl(2) has limits of its own
            session.close("not served")
            connection.close()
            self._refuse("descriptors", peer.label, words(failure))
        else:
            self.links[link] = None

    def _make_room(self) -> bool:
        """Cut the peer that has not attached for longest, so that no crowd of strangers keeps out who has a
        ticket; false when all have attached."""
        stranger = next((link for link in self.links if not link.attached), None)
        if stranger is not None:
            stranger.crowd_out()
        return stranger is not None

    def _refuse(self, kind: Refusal, who: str, why: str) -> None:
        self._shared.counters.refused[kind] += 1
        self._shared.drops.drop(who, why, self._shared.monotonic())
