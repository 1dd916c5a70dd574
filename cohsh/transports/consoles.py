"""Through the console itself: on TCP, or on a serial line, be it a device, a pseudo-terminal or a socket.

A connection that is lost is made again, and whoever had attached is attached again. What does no harm when
done twice is asked again; a write whose answer did not come is not: it is answered as cut off.
"""

import errno
from collections.abc import Sequence
from contextlib import suppress

from cohsh.transports.conversing import echoes
from cohsh.transports.following import following
from cohsh.transports.link import Link
from cohsh.transports.transport import (
    Following,
    Interrupted,
    Notice,
    Transport,
    Unreachable,
    nothing,
)
from cohsh.transports.wires import Lost
from ninedoor import limits
from ninedoor.console.ack import ok, unparsed
from ninedoor.console.grammar import VERBS, Command, GrammarError, line_of, parse
from ninedoor.console.refusals import refusal
from ninedoor.console.reply import Reply, reply

_WRITES = frozenset({"echo", "spawn", "kill"})

_PING = Command("ping")


class ConsoleTransport(Transport):
    """A session on the console that `link` leads to."""

    payload = limits.CONSOLE_ECHO_MAX

    def __init__(self, name: str, link: Link, notice: Notice, *, owner: bool = True) -> None:
        """The `link` of others, who are not its `owner`, is left as it is when they close."""
        self.name = name
        self._link = link
        self._notice = notice
        self._owner = owner

    def ask(self, command: Command) -> Reply:
        """See `Transport.ask`."""
        try:
            line = line_of(parse(line_of(command)))
        except GrammarError as wrong:
            return reply(unparsed(wrong.detail))
        if command.verb == "quit" and not self._link.is_up:
            return reply(ok("QUIT"))
        answer = self._converse(command, line)
        if command.verb == "attach" and answer.ok:
            self._link.attached(command)
        if command.verb == "quit":
            self._link.forget()
        return answer

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        """See `Transport.follow`."""
        first = self.ask(Command("tail", path=path))
        if not first.ok:
            return first, nothing()
        return first, following(self.ask, path, first.body, interval_s, self._notice)

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        """See `Transport.batch`. Each line is an echo; where the wire allows it, all are sent before the
        first is answered."""
        rows = []
        for each in lines:
            try:
                rows.append(line_of(parse(line_of(Command("echo", path=path, payload=each)))))
            except GrammarError as wrong:
                return reply(unparsed(wrong.detail))
        wire = self._link.wire()
        try:
            return echoes(wire, rows, cut)
        except Lost as lost:
            self._link.lost(lost)
            self._link.again(_PING, "ping")
            raise Interrupted(str(lost)) from lost
        except BaseException:
            self._link.drop()
            raise

    def unfinished(self, path: str) -> str:
        """See `Transport.unfinished`."""
        return ""

    def sibling(self) -> Transport:
        """See `Transport.sibling`. On a terminal, which has one session, it is another way to talk in it."""
        link = self._link.sibling()
        return ConsoleTransport(self.name, link, self._notice, owner=link is not self._link)

    def beat(self) -> None:
        """See `Transport.beat`. A connection that turns out to be lost is made again."""
        if self._link.is_up:
            try:
                self.ask(_PING)
            except Unreachable as gone:
                self._notice(str(gone))

    def detach(self) -> None:
        """See `Transport.detach`. The console knows no detach, so the connection ends."""
        if self._link.is_up:
            with suppress(Lost, Unreachable):  # it has ended then
                self._link.exchange(Command("quit"), "quit")
        self._link.forget()

    def close(self) -> None:
        """See `Transport.close`. Where nobody would notice it otherwise, quit is said first."""
        if not self._owner:
            return
        if self._link.stays_attached:
            self.detach()
        self._link.forget()

    def _converse(self, command: Command, line: str) -> Reply:
        self._link.wire()
        try:
            return self._link.exchange(command, line)
        except Lost as lost:
            self._link.lost(lost)
        if command.verb == "quit":
            return reply(ok("QUIT"))
        if command.verb in _WRITES:
            self._notice(
                f"no answer to {command.verb}: it may or may not have been done; look before you repeat"
            )
            return reply(refusal(VERBS[command.verb].label, errno.EIO, path=command.path))
        return self._link.again(command, line)
