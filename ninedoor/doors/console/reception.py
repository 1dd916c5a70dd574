"""Where clients of a console arrive: each gets a dialogue, or is sent away with one line.

A TCP client that has not shown the token is not counted against the place's clients: strangers, however many,
take only each other's places.
"""

import errno
import logging
import socket
from contextlib import suppress

import trio

from ninedoor import limits
from ninedoor.console.ack import err
from ninedoor.doors.console.bytestream import RECEIVE_BYTES, ByteStream, Cut, Gone
from ninedoor.doors.console.codecs import Codec, Framed, Typed
from ninedoor.doors.console.conversation import Conversation
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.dialogue import QUIT, Dialogue, House
from ninedoor.doors.console.places import SocketPlace
from ninedoor.doors.console.visitor import Visitor
from ninedoor.doors.stream.bound import words
from ninedoor.doors.stream.drops import Drops
from ninedoor.doors.stream.peers import greeted

_log = logging.getLogger(__name__)

PAUSE_S = 0.25
"""How long connections wait when there is no descriptor for one more."""

DRAINS = 4
"""Reads of what a client that is hung up on had still sent."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Reception:
    """One place's. `nursery` is for the conversations."""

    def __init__(
        self, place: SocketPlace, house: House, counters: Counters, drops: Drops, nursery: trio.Nursery
    ) -> None:
        self._place = place
        self._house = house
        self._counters = counters
        self._drops = drops
        self._nursery = nursery
        self._waiting: dict[socket.socket, trio.CancelScope] = {}
        """Clients that have not shown the token, the one that waits longest first."""
        self._clients: set[socket.socket] = set()

    async def run(self) -> None:
        """Accept until cancelled."""
        listening = self._place.bound.socket
        while True:
            await trio.lowlevel.wait_readable(listening)
            try:
                connection, _address = listening.accept()
            except BlockingIOError:
                continue
            except OSError as failure:
                # Linux passes on what befell a connection while it waited: accept(2).
                self._drop(self._place.url, words(failure))
                if failure.errno in _EXHAUSTED:
                    await trio.sleep(PAUSE_S)
            else:
                self._counters.accepted += 1
                self._admit(connection)

    def _admit(self, connection: socket.socket) -> None:
        try:
            peer = greeted(connection)
        except OSError as gone:
            connection.close()
            self._drop(self._place.url, words(gone))
            return
        # Of a TCP peer its address counts, of a unix peer its user: neither port nor process tells who it is.
        origin = peer.label.rpartition("," if connection.family == socket.AF_UNIX else ":")[0]
        scope = trio.CancelScope()
        if self._place.wants_token:
            if len(self._waiting) >= limits.CONSOLE_WAITING_MAX:
                self._waiting.pop(next(iter(self._waiting))).cancel()
            self._waiting[connection] = scope
            visitor = Visitor(peer.label, origin, trusted=True)  # once it has shown the token
        elif self._has_room():
            self._enter(connection)
            visitor = Visitor(peer.label, origin, peer.trusted)
        else:
            self._turn_away(connection, peer.label)
            return
        self._nursery.start_soon(self._serve, connection, visitor, scope)

    def _has_room(self) -> bool:
        return len(self._clients) < self._place.console.clients

    def _enter(self, connection: socket.socket) -> None:
        self._waiting.pop(connection, None)
        self._clients.add(connection)
        self._counters.clients += 1

    def _leave(self, connection: socket.socket) -> None:
        self._waiting.pop(connection, None)
        if connection in self._clients:
            self._clients.remove(connection)
            self._counters.clients -= 1

    async def _serve(self, connection: socket.socket, visitor: Visitor, scope: trio.CancelScope) -> None:
        place, house = self._place, self._house
        token = place.console.token if place.wants_token else None
        codec: Codec = Framed() if place.wants_token else Typed(echo=False)
        dialogue = Dialogue(house, visitor, token, self._has_room)
        conversation = Conversation(
            ByteStream(connection.fileno()),
            codec,
            dialogue,
            place.console,
            self._counters,
            house.app.clock,
            unlocked=lambda: self._enter(connection),
        )
        why = "others waited to be let in"
        try:
            with scope:
                why = await conversation.run()
                _hang_up(connection)
        except Gone as gone:
            why = gone.why or ("hung up inside a frame" if codec.inside_line else QUIT)
        except Cut as cut:
            why = cut.why
        except Exception:
            _log.exception("bug in a console's conversation")
            why = "a bug, see above"
        finally:
            dialogue.close()
            self._leave(connection)
            connection.close()
        if why != QUIT:
            self._drop(visitor.label, why)

    def _turn_away(self, connection: socket.socket, label: str) -> None:
        with suppress(OSError):
            connection.send(Typed(echo=False).pack(str(err("ATTACH", "busy", detail="clients"))))
        _hang_up(connection)
        connection.close()
        self._drop(label, f"{self._place.url} serves {self._place.console.clients} already")

    def _drop(self, who: str, why: str) -> None:
        self._counters.dropped += 1
        self._drops.drop(f"console {who}", why, trio.current_time())


def _hang_up(connection: socket.socket) -> None:
    """Everything is sent; let it arrive. Closed with bytes unread, the kernel would send a reset, which may
    overtake the last line."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        for _ in range(DRAINS):
            if not connection.recv(RECEIVE_BYTES):
                break
