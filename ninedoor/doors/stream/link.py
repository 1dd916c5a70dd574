"""One peer's socket between the rounds of a door and the `Connection` that answers it.

    READING ──replies not all taken──► BLOCKED ──all taken──► READING
    either  ──end of stream, a size that is a lie, time is up──► ENDED

A blocked peer is not read from, so what is held for it never grows: at most what one turn made. How long
things take is looked at from outside, in `expire`.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ninedoor.config import Listener
from ninedoor.doors.stream.bound import words
from ninedoor.doors.stream.drops import Drops
from ninedoor.doors.stream.rounds import Rounds
from ninedoor.limits import RECEIVE_BYTES
from ninedoor.session.connection import Connection
from ninedoor.session.counters import Counters, Refusal

RETRIES = {"reject": 0, "retry": 3}
"""How many more waits a peer that takes nothing is granted, by `secure9p.short_write.policy`. Each is twice
as long as the one before."""

DRAINS = 4
"""Reads of what a peer that is hung up on had still sent."""


class State(Enum):
    READING = "reading"
    BLOCKED = "blocked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Shared:
    """What the links of one door have in common. `clock` is the time that requests are served at, unix s;
    `monotonic` measures how long peers take, s."""

    rounds: Rounds
    drops: Drops
    counters: Counters
    retries: int
    clock: Callable[[], float]
    monotonic: Callable[[], float]


class Link:
    """A connection that is served, from its first byte on; satisfies `rounds.Member`.

    `limits` are those of the listener it came to. `timed` is called when a time begins to run that `expire`
    has to look at, `ended` once, at the end. Raises OSError when no more descriptors can be waited for.
    """

    __slots__ = (
        "_attached", "_blocked_at", "_clock", "_connection", "_ended", "_heard", "_heard_at", "_limits",
        "_opened_at", "_patience_s", "_receive", "_recv", "_retries_left", "_send", "_shared", "_socket",
        "_timed", "_unsent", "label", "state",
    )  # fmt: skip

    def __init__(
        self,
        peer: socket.socket,
        label: str,
        connection: Connection,
        limits: Listener,
        shared: Shared,
        timed: Callable[["Link"], None],
        ended: Callable[["Link"], None],
    ) -> None:
        self.label = label
        self.state = State.READING
        self._socket = peer
        self._connection = connection
        self._limits = limits
        self._shared = shared
        self._timed = timed
        self._ended = ended
        self._clock = shared.clock
        self._recv, self._receive, self._send = peer.recv, connection.receive, peer.send
        self._attached = False
        self._heard = False
        self._opened_at = self._heard_at = self._blocked_at = shared.monotonic()
        self._patience_s = 0.0
        self._retries_left = 0
        self._unsent = b""
        shared.rounds.join(peer.fileno(), self)
        timed(self)

    def turn(self) -> bool:
        """Take what has arrived and answer one turn of it with one send. See `rounds.Member`."""
        if self._unsent:
            return self._go_on()
        connection = self._connection
        replies, taken = b"", 0
        try:
            data = b"" if connection.more else self._recv(RECEIVE_BYTES)
            if not data and not connection.more:
                return self._hung_up()
            replies = self._receive(data, self._clock())
            if replies:
                self._heard = True
                taken = self._send(replies)
        except BlockingIOError:
            pass  # nothing has come, or nothing is taken
        except OSError as broken:
            return self._lost(broken)
        if taken < len(replies):
            return self._block(replies[taken:])
        return connection.more if connection.closed is None else self._hang_up()

    def broke(self) -> None:
        """See `rounds.Member`."""
        self._drop("a bug, see above")

    def expire(self, now: float) -> bool:
        """End the link, or grant it another wait, if it took too long; `now` is monotonic time. False when no
        time is running any more: then `timed` will say when one does again."""
        if self.state is State.ENDED:
            return False
        if self._heard:
            self._heard, self._heard_at = False, now
        limits = self._limits
        self._attached = self._attached or self._connection.attached
        if not self._attached and now - self._opened_at >= limits.handshake_ms / 1000:
            self._refuse("handshake", f"not attached within {limits.handshake_ms} ms")
        elif self._unsent:
            # Nothing is read from it meanwhile, so it is not idle.
            if now - self._blocked_at >= self._patience_s:
                self._lose_patience(now)
        elif limits.idle_ms and now - self._heard_at >= limits.idle_ms / 1000:
            self._refuse("idle", f"no request for {limits.idle_ms} ms")
        return self._is_timed()

    @property
    def attached(self) -> bool:
        """Has the peer ever said who it is, and been let in?"""
        return self._connection.attached

    def crowd_out(self) -> None:
        """Another wants the place of a peer that has not attached."""
        self._refuse("sessions", "made room for another before it attached")

    def end(self, reason: str) -> None:
        """Close the session and the socket. Idempotent."""
        if self.state is State.ENDED:
            return
        self.state = State.ENDED
        self._unsent = b""
        self._shared.rounds.leave(self._socket.fileno())
        self._connection.end(reason)
        self._socket.close()
        self._ended(self)

    def _is_timed(self) -> bool:
        if self.state is State.READING:
            return not self._attached or self._limits.idle_ms > 0
        return self.state is State.BLOCKED

    def _go_on(self) -> bool:
        """Send more of what the peer has not taken."""
        try:
            taken = self._send(self._unsent)
        except BlockingIOError:
            return False
        except OSError as broken:
            return self._lost(broken)
        if taken < len(self._unsent):
            self._unsent = self._unsent[taken:]
            self._shared.counters.short_writes += 1
            self._be_patient()
            return False
        self._unsent = b""
        self._heard = True  # now only can its next request be read
        self.state = State.READING
        self._shared.rounds.await_bytes(self._socket.fileno())
        return self._connection.more if self._connection.closed is None else self._hang_up()

    def _block(self, unsent: bytes) -> Literal[False]:
        self._unsent = unsent
        self._shared.counters.short_writes += 1
        self.state = State.BLOCKED
        self._shared.rounds.await_room(self._socket.fileno())
        self._be_patient()
        self._timed(self)
        return False

    def _be_patient(self) -> None:
        """The peer has taken something, or is about to: its time begins anew."""
        self._blocked_at = self._shared.monotonic()
        self._patience_s = self._limits.stall_ms / 1000
        self._retries_left = self._shared.retries

    def _lose_patience(self, now: float) -> None:
        if self._retries_left:
            self._retries_left -= 1
            self._shared.counters.retries += 1
            self._blocked_at = now
            self._patience_s *= 2
            return
        self._refuse("stall", f"took none of {len(self._unsent)} bytes of replies for {self._patience_s:g} s")

    def _hung_up(self) -> Literal[False]:
        if self._connection.inside_frame:
            self._refuse("cut_frame", "hung up inside a frame")
        else:
            self.end("peer hung up")
        return False

    def _lost(self, broken: OSError) -> Literal[False]:
        self._refuse("reset", words(broken))
        return False

    def _hang_up(self) -> Literal[False]:
        """The last reply is sent, and the connection has said why it takes no more bytes."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            # Closed with bytes unread, the kernel would send a reset, which may overtake the last reply.
            for _ in range(DRAINS):
                if not self._recv(RECEIVE_BYTES):
                    break
        self._drop(self._connection.closed or "closed")
        return False

    def _refuse(self, kind: Refusal, reason: str) -> None:
        self._shared.counters.refused[kind] += 1
        self._drop(reason)

    def _drop(self, reason: str) -> None:
        if self.state is not State.ENDED:
            self._shared.drops.drop(self.label, reason, self._shared.monotonic())
            self.end(reason)
