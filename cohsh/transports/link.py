"""The connection to a console: made when it is needed, made again and attached again when it is lost."""

import time
from collections.abc import Callable
from math import ceil

from cohsh.retry import Retry
from cohsh.roles import role_label
from cohsh.transports.conversing import ack_of, converse
from cohsh.transports.transport import Notice, Unreachable
from cohsh.transports.wires import Lost, Wire
from ninedoor.client.failures import ConnectError
from ninedoor.console.ack import parse_ack
from ninedoor.console.grammar import Command, line_of
from ninedoor.console.reply import Reply
from ninedoor.console.throttle import COOLDOWN_MS

Connect = Callable[[], Wire]
"""Raises ConnectError, Unreachable, Lost."""

WAIT_MS_MAX = 5000
"""The longest pause after wrong tokens that is sat out unasked."""


class Unheard(Exception):
    """The console looks at no token for `delay_ms`. `ack` says so."""

    def __init__(self, ack: str, delay_ms: int) -> None:
        super().__init__(ack)
        self.ack = ack
        self.delay_ms = delay_ms


class Link:
    """The connection that `connect` makes, to a console at `place`. `token` is for a wire that is locked. Is
    it the `only` one, as a terminal has, all sessions are on it. One that is `silent` tells of losses and
    returns only. With `debug`, notices tell what is sent and received, but neither tokens nor tickets."""

    def __init__(
        self,
        place: str,
        connect: Connect,
        token: str,
        retry: Retry,
        notice: Notice,
        *,
        only: bool = False,
        silent: bool = False,
        debug: bool = False,
    ) -> None:
        self.only = only
        self._place = place
        self._connect = connect
        self._token = token
        self._retry = retry
        self._notice = notice
        self._silent = silent
        self._debug = debug
        self._wire: Wire | None = None
        self._attached: Command | None = None
        """How to attach again; None while nobody has."""
        self._connects = 0
        self._reconnects = 0

    def sibling(self) -> "Link":
        """Another connection to the same console, or this one where it is the only one."""
        if self.only:
            return self
        return Link(
            self._place, self._connect, self._token, self._retry, self._notice, silent=True, debug=self._debug
        )

    @property
    def is_up(self) -> bool:
        """Is there a connection, as far as anybody knows?"""
        return self._wire is not None

    @property
    def stays_attached(self) -> bool:
        """Would somebody who sits down at the console next be who we are? Nobody sees a terminal being
        left."""
        return self.only and self._attached is not None and self._wire is not None

    def wire(self) -> Wire:
        """The connection, which is made if there is none. Raises Unreachable."""
        if self._wire is None:
            self._wire = self._first()
        return self._wire

    def exchange(self, command: Command, line: str) -> Reply:
        """Send `line`, which is `command`, and receive its answer. However that ends early, nothing is left
        that a later command could mistake for its answer. Raises Lost, after which `lost` is to be called,
        and Unreachable."""
        return self._exchange(self.wire(), command, line)

    def attached(self, command: Command) -> None:
        """`command` has attached: it is said again on every connection to come."""
        self._attached = command
        if not self._silent:
            self._notice(f"remote NineDoor ready as role {role_label(command.role)}")

    def again(self, command: Command, line: str) -> Reply:
        """As `exchange`, on a new connection. Raises Unreachable when the retries are used up."""
        why = ""
        for attempt, delay_ms in enumerate(self._retry.delays_ms(), start=1):
            self._reconnects += 1
            self._notice(
                f"reconnect attempt #{attempt} (delay={delay_ms}ms, total_reconnects={self._reconnects})"
            )
            time.sleep(delay_ms / 1000)
            try:
                self._wire = self._open()
                self._attach_again(self._wire)
                return self._exchange(self._wire, command, line)
            except ConnectError as failed:
                why = failed.reason
            except Lost as lost:
                self.lost(lost)
                why = str(lost)
        raise Unreachable(f"{self._place} does not come back: {why}; the next command tries again")

    def lost(self, why: Lost) -> None:
        """The connection is of no more use."""
        self._notice(f"connection lost: {why}")
        self.drop()

    def drop(self) -> None:
        """Hang up; the next command connects and attaches again."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def forget(self) -> None:
        """Hang up, and attach as nobody on the next connection."""
        self.drop()
        self._attached = None

    def _exchange(self, wire: Wire, command: Command, line: str) -> Reply:
        if self._debug:
            self._notice(f"> {command.verb} {command.role}" if command.verb == "attach" else f"> {line}")
        try:
            answer = converse(wire, command, line)
            if self._debug:
                for each in (*answer.acks, *answer.body):
                    self._notice(f"< {each}")
            return answer
        except Lost:
            raise
        except BaseException:
            self.drop()
            raise

    def _first(self) -> Wire:
        """Connect for a command that finds no connection: at the beginning, or after one was given up."""
        try:
            wire = self._open()
            self._attach_again(wire)
        except ConnectError as failed:
            raise Unreachable(str(failed)) from failed
        except Lost as lost:
            self.drop()
            raise Unreachable(f"{self._place}: {lost}") from lost
        return wire

    def _open(self) -> Wire:
        """Raises ConnectError, Lost, Unreachable."""
        try:
            wire = self._admitted()
        except Unheard as early:
            if early.delay_ms > WAIT_MS_MAX:
                raise self._unheard(early) from None
            self._notice(f"the token is looked at again in {early.delay_ms} ms: waiting")
            time.sleep(early.delay_ms / 1000)
            try:
                wire = self._admitted()
            except Unheard as again:
                raise self._unheard(again) from None
        self._connects += 1
        if self._connects > 1 or not self._silent:
            self._notice(f"connected to {self._place} (connects={self._connects})")
        return wire

    def _admitted(self) -> Wire:
        """A connection that was shown the token. Raises ConnectError, Lost, Unreachable, Unheard."""
        wire = self._connect()
        try:
            if wire.locked:
                self._unlock(wire)
        except BaseException:
            wire.close()
            raise
        return wire

    def _unheard(self, early: Unheard) -> Unreachable:
        return Unreachable(
            f"{self._place} has not looked at the token, after too many wrong ones from here ({early.ack}): "
            f"try again in {ceil(early.delay_ms / 1000)} s"
        )

    def _unlock(self, wire: Wire) -> None:
        try:
            wire.send(f"AUTH {self._token}")
            ack = ack_of(wire.lines(stream=False), "AUTH")
        except Lost as lost:
            raise Lost(
                f"{lost} when it was shown the token; is the token right, and nobody else there?"
            ) from lost
        told = parse_ack(ack)
        delay_ms = told.get("delay_ms") if told is not None else None
        if delay_ms is not None and delay_ms.isdecimal():
            if int(delay_ms) >= COOLDOWN_MS:  # the whole pause lies ahead: this token began it
                raise Unreachable(
                    f"{self._place} refuses the token, and looks at no other from here for "
                    f"{COOLDOWN_MS // 1000} s ({ack}); then give --auth-token or set COHSH_AUTH_TOKEN"
                )
            raise Unheard(ack, int(delay_ms))
        if not ack.startswith("OK "):
            raise Unreachable(
                f"{self._place} refuses the token ({ack}); give --auth-token or set COHSH_AUTH_TOKEN"
            )

    def _attach_again(self, wire: Wire) -> None:
        if self._attached is None:
            return
        answer = self._exchange(wire, self._attached, line_of(self._attached))
        if not answer.ok:
            self.drop()
            wire.close()
            self._attached = None
            raise Unreachable(f"{self._place} does not let us in again: {answer.acks[0]}; attach anew")
        self._notice(f"remote NineDoor ready as role {role_label(self._attached.role)}")
