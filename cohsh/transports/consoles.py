"""Through the console itself: on TCP, or on a serial line, be it a device, a pseudo-terminal or a socket.

A connection that is lost is made again, and whoever had attached is attached again. What does no harm when
done twice is asked again; a write whose answer did not come is not: it is answered as cut off.
"""

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from cohsh.retry import Retry
from cohsh.transports.transport import (
    Following,
    Interrupted,
    Notice,
    Reply,
    Transport,
    Unreachable,
    nothing,
    reply,
)
from cohsh.transports.wires import Lost, Wire
from ninedoor import limits
from ninedoor.client.failures import ConnectError
from ninedoor.console.ack import END, PONG, Ack, ok, parse_ack, unparsed
from ninedoor.console.grammar import VERBS, Command, GrammarError, line_of, parse
from ninedoor.console.refusals import refusal

Connect = Callable[[], Wire]
"""Raises ConnectError, Unreachable, Lost."""

_WRITES = frozenset({"echo", "spawn", "kill"})

FOLLOW_BYTES_PER_S = 8192
"""The console has no offsets: following asks for the end of the file again and again. No more often than
makes this rate."""

_PING = Command("ping")


class ConsoleTransport(Transport):
    """A session on the console that `connect` reaches, at `place`. `token` is for a wire that is locked."""

    payload = limits.CONSOLE_ECHO_MAX

    def __init__(
        self,
        name: str,
        place: str,
        connect: Connect,
        token: str,
        retry: Retry,
        notice: Notice,
        *,
        debug: bool = False,
    ) -> None:
        self.name = name
        self._place = place
        self._connect = connect
        self._token = token
        self._retry = retry
        self._notice = notice
        self._wire: Wire | None = None
        self._attached: Command | None = None
        """How to attach again; None while nobody has."""
        self._connects = 0
        self._reconnects = 0
        self._debug = debug

    def ask(self, command: Command) -> Reply:
        """See `Transport.ask`."""
        try:
            line = line_of(parse(line_of(command)))
        except GrammarError as wrong:
            return reply(unparsed(wrong.detail))
        if command.verb == "quit" and self._wire is None:
            return reply(ok("QUIT"))
        answer = self._converse(command, line)
        if command.verb == "attach" and answer.ok:
            self._attached = command
            self._notice(f"remote NineDoor ready as role {role_label(command.role)}")
        if command.verb == "quit":
            self._forget()
        return answer

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        """See `Transport.follow`."""
        command = Command("tail", path=path)
        first = self.ask(command)
        return first, self._news(command, first.body, interval_s) if first.ok else nothing()

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        """See `Transport.batch`. Each line is an echo; where the wire allows it, all are sent before the
        first is answered."""
        rows = []
        for each in lines:
            try:
                rows.append(line_of(parse(line_of(Command("echo", path=path, payload=each)))))
            except GrammarError as wrong:
                return reply(unparsed(wrong.detail))
        if self._wire is None:
            self._wire = self._first()
        wire = self._wire
        try:
            return _echoes(wire, rows, cut)
        except Lost as lost:
            self._lost(lost)
            self._again(_PING, "ping")
            raise Interrupted(str(lost)) from lost
        except BaseException:
            self._drop()
            raise

    def unfinished(self, path: str) -> str:
        """See `Transport.unfinished`."""
        return ""

    def sibling(self) -> Transport:
        """See `Transport.sibling`."""
        return ConsoleTransport(
            self.name,
            self._place,
            self._connect,
            self._token,
            self._retry,
            self._notice,
            debug=self._debug,
        )

    def beat(self) -> None:
        """See `Transport.beat`. A connection that turns out to be lost is made again."""
        if self._wire is not None:
            try:
                self.ask(_PING)
            except Unreachable as gone:
                self._notice(str(gone))

    def detach(self) -> None:
        """See `Transport.detach`. The console knows no detach, so the connection ends."""
        if self._wire is not None:
            with suppress(Lost):  # it has ended then
                self._exchange(self._wire, Command("quit"), "quit")
        self._forget()

    def close(self) -> None:
        """See `Transport.close`."""
        self._forget()

    # -- one command --------------------------------------------------------------------------------------

    def _converse(self, command: Command, line: str) -> Reply:
        if self._wire is None:
            self._wire = self._first()
        try:
            return self._exchange(self._wire, command, line)
        except Lost as lost:
            self._lost(lost)
        if command.verb == "quit":
            return reply(ok("QUIT"))
        if command.verb in _WRITES:
            self._notice(
                f"no answer to {command.verb}: it may or may not have been done; look before you repeat"
            )
            return reply(refusal(VERBS[command.verb].label, errno.EIO, path=command.path))
        return self._again(command, line)

    def _exchange(self, wire: Wire, command: Command, line: str) -> Reply:
        """Send and receive. However that ends early, nothing is left that a later command could mistake for
        its answer."""
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
            self._drop()
            raise

    def _again(self, command: Command, line: str) -> Reply:
        """Raises Unreachable when the retries are used up."""
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
                self._lost(lost)
                why = str(lost)
        raise Unreachable(
            f"{self._place} does not come back ({why}); is the hive running? the next command tries again"
        )

    # -- the connection -----------------------------------------------------------------------------------

    def _first(self) -> Wire:
        """Connect for a command that finds no connection: at the beginning, or after one was given up."""
        try:
            wire = self._open()
            self._attach_again(wire)
        except ConnectError as failed:
            raise Unreachable(str(failed)) from failed
        except Lost as lost:
            self._drop()
            raise Unreachable(f"{self._place}: {lost}") from lost
        return wire

    def _open(self) -> Wire:
        """Raises ConnectError, Lost, Unreachable."""
        wire = self._connect()
        try:
            if wire.locked:
                self._unlock(wire)
        except BaseException:
            wire.close()
            raise
        self._connects += 1
        self._notice(f"connected to {self._place} (connects={self._connects})")
        return wire

    def _unlock(self, wire: Wire) -> None:
        try:
            wire.send(f"AUTH {self._token}")
            ack = _ack(wire.lines(stream=False), "AUTH")
        except Lost as lost:
            raise Lost(
                f"{lost} when it was shown the token; is the token right, and nobody else there?"
            ) from lost
        if not ack.startswith("OK "):
            raise Unreachable(
                f"{self._place} refuses the token ({ack}); give --auth-token or set COHSH_AUTH_TOKEN"
            )

    def _attach_again(self, wire: Wire) -> None:
        if self._attached is None:
            return
        answer = self._exchange(wire, self._attached, line_of(self._attached))
        if not answer.ok:
            self._drop()
            wire.close()
            self._attached = None
            raise Unreachable(f"{self._place} does not let us in again: {answer.acks[0]}; attach anew")
        self._notice(f"remote NineDoor ready as role {role_label(self._attached.role)}")

    def _lost(self, why: Lost) -> None:
        self._notice(f"connection lost: {why}")
        self._drop()

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _forget(self) -> None:
        self._drop()
        self._attached = None

    def _news(self, command: Command, seen: Sequence[str], interval_s: float) -> Following:
        """What is new at the end of the file. While the hive is away, it is waited for."""
        waiting = False
        while True:
            size = sum(len(line.encode()) + 1 for line in seen)
            time.sleep(max(interval_s, size / FOLLOW_BYTES_PER_S))
            try:
                answer = self.ask(command)
            except Unreachable as gone:
                if not waiting:
                    self._notice(f"still waiting: {gone}")
                waiting = True
                continue
            waiting = False
            if not answer.ok:
                yield [f"[console] {ack}" for ack in answer.acks]
                return
            fresh = behind(seen, answer.body)
            if fresh is None:
                self._notice(f"some lines of {command.path} may have been missed")
                fresh = answer.body
            seen = answer.body
            if fresh:
                yield fresh


def converse(wire: Wire, command: Command, line: str) -> Reply:
    """Send `line`, which is `command`, and take the answer. Raises Lost."""
    verb = VERBS[command.verb]
    stream = verb.body == "stream"
    # A second acknowledgement may follow, or not: on a wire without prompts only a ping shows.
    asks_twice = command.verb in ("spawn", "kill") and wire.locked
    wire.send(line, *(["ping"] if asks_twice else []))
    lines = wire.lines(stream=stream)
    acks = [_ack(lines, verb.label)]
    body: list[str] = []
    if asks_twice:
        while (ack := _next_ack(lines)).verb != "PING":
            acks.append(str(ack))
        _until(lines, PONG, [])
    elif command.verb in ("spawn", "kill"):
        acks += [each for each in lines if parse_ack(each) is not None]
    elif acks[0].startswith("OK "):
        if stream:
            _until(lines, END, body)
        elif verb.body == "line":
            _until(lines, PONG, body)
            body.append(PONG)
    if not wire.locked and command.verb not in ("quit", "spawn", "kill"):
        for _ in lines:
            pass  # up to the prompt
    return Reply(tuple(acks), tuple(body))


def _echoes(wire: Wire, rows: Sequence[str], cut: int | None) -> Reply:
    """The answer to the last of `rows`, each an echo, or the first refusal. Raises Lost."""
    if cut is not None:
        wire.cut(cut, *rows)
        raise Lost(f"cut on purpose after {cut} bytes")
    refused: str | None = None
    ack = ""
    for first in range(0, len(rows), wire.ahead):
        some = rows[first : first + wire.ahead]
        wire.send(*some)
        lines = wire.lines(stream=False)
        for _ in some:
            ack = _ack(lines, "ECHO")
            if refused is None and not ack.startswith("OK "):
                refused = ack
        if not wire.locked:
            for _ in lines:
                pass  # up to the prompt
        if refused is not None:
            break
    return Reply((refused or ack,))


def behind(seen: Sequence[str], now: Sequence[str]) -> Sequence[str] | None:
    """The lines of `now` behind those of `seen`, whose beginning may be gone from `now`. The last of `seen`
    may have been unfinished, and comes again. None when they have nothing in common."""
    if not seen:
        return now
    for known in (list(seen), list(seen[:-1])):
        for start in range(len(known)):
            common = len(known) - start
            if list(now[:common]) == known[start:]:
                return now[common:]
    return now if len(seen) == 1 and now and now[0].startswith(seen[0]) else None


def role_label(role: str) -> str:
    """A role as messages write it: `WorkerHeartbeat`."""
    return "".join(word.capitalize() for word in role.split("-"))


def _ack(lines: Iterator[str], label: str) -> str:
    """The acknowledgement of `label`, or that of a line that was not understood; other lines do not count."""
    for line in lines:
        ack = parse_ack(line)
        if ack is not None and ack.verb in (label, "PARSE", "FRAME"):
            return line
    raise Lost("a prompt in place of an answer")


def _next_ack(lines: Iterator[str]) -> Ack:
    for line in lines:
        ack = parse_ack(line)
        if ack is not None:
            return ack
    raise Lost("a prompt in place of an answer")


def _until(lines: Iterator[str], last: str, into: list[str]) -> None:
    """Lines up to `last`, which is taken too."""
    for line in lines:
        if line == last:
            return
        into.append(line)
    raise Lost("a prompt in the middle of an answer")
