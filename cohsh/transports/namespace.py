"""The console's commands where there is no console: carried out on files, in the console's words.

How the files are reached is for `SessionFiles` to know. An errno alone does not tell whether the role, the
ticket or the file refused: only where the hive is in this process (`inprocess.py`) do refusals carry that.
"""

import errno
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from cohsh.roles import ROLES
from cohsh.transports.transport import Following, Interrupted, Transport, Unreachable, nothing
from ninedoor import limits
from ninedoor.config import Role
from ninedoor.console.ack import PONG, err, ok, unauthenticated
from ninedoor.console.body import body_lines
from ninedoor.console.commands import COMMANDS, Files, refused
from ninedoor.console.grammar import VERBS, Command
from ninedoor.console.paths import is_binary
from ninedoor.console.refusals import refusal
from ninedoor.console.reply import Reply, reply
from ninedoor.errors import P9Error, TicketExpired


class News(NamedTuple):
    """New bytes of a file; `lost` bytes before them were dropped unread."""

    data: bytes
    lost: int = 0


class SessionFiles(Files, Protocol):
    """The namespace as a session that attached here sees it."""

    def news(self, path: str, cursor: int, interval_s: float) -> Iterator[News]:
        """What is appended from offset `cursor` on, for ever. An idle file is looked at every
        `interval_s`."""

    def ping(self) -> None:
        """Ask for something, to see whether anybody answers. Raises P9Error."""

    def close(self) -> None:
        """End the session."""


class OtherRole(P9Error):
    """A role that is not that of the mount, which is a queen's or a worker's (`mounted`)."""

    def __init__(self, mounted: str) -> None:
        super().__init__(errno.EPERM, f"the mount is attached already, as {mounted}")
        self.mounted = mounted


Attach = Callable[[Role, str], SessionFiles]
"""A session as a role, with a ticket or "". Raises what the hive refuses it with, and Unreachable."""


class NamespaceTransport(Transport):
    """A session on `SessionFiles`. `attach` begins it; one that `beats` may be ended for being idle."""

    payload = limits.MSIZE_MAX - limits.IO_OVERHEAD

    def __init__(self, name: str, attach: Attach, *, beats: bool = False) -> None:
        self.name = name
        self._attach = attach
        self._beats = beats
        self._files: SessionFiles | None = None
        self._role = ""
        self._admitted: Command | None = None
        """How to attach again after a fault."""

    def ask(self, command: Command) -> Reply:
        """See `Transport.ask`."""
        verb = VERBS[command.verb]
        if command.verb == "attach":
            return self._admit(command)
        if command.verb == "ping":
            return self._ping()
        if command.verb == "quit":
            self.detach()
            return reply(ok("QUIT"))
        if self._files is None or (verb.needs == "queen" and self._role != "queen"):
            return reply(unauthenticated(verb.label))
        try:
            return COMMANDS[command.verb](self._files, command)
        except P9Error as failure:
            return reply(refused(command.verb, failure, command.path))

    def _ping(self) -> Reply:
        """Nobody is there to be asked before an attach."""
        try:
            if self._files is not None:
                self._files.ping()
        except P9Error as failure:
            return reply(refused("ping", failure))
        return reply(ok("PING", reply="pong"), [PONG])

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        """See `Transport.follow`."""
        if self._files is None:
            return reply(unauthenticated("TAIL")), nothing()
        try:
            content, end = self._files.latest(path, limits.CONSOLE_TAIL_BYTES)
        except P9Error as failure:
            return reply(refused("tail", failure, path)), nothing()
        complete, _, unfinished = content.rpartition(b"\n")
        body = body_lines(complete, binary=is_binary(path)) if complete or not unfinished else []
        news = self._files.news(path, end, interval_s)
        return reply(ok("TAIL", path=path), body), _lines(path, unfinished, news)

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        """See `Transport.batch`. All lines are one write."""
        if self._files is None:
            return reply(unauthenticated("ECHO"))
        data = "".join(f"{line}\n" for line in lines).encode()
        try:
            self._files.append(path, data[:cut])
        except P9Error as failure:
            if failure.ecode in _UNKNOWN:
                self._renew()
                raise Interrupted(failure.reason) from failure
            return reply(refused("echo", failure, path))
        if cut is not None and cut < len(data):
            self._renew()
            raise Interrupted(f"cut on purpose after {cut} bytes")
        return reply(ok("ECHO", path=path, bytes=len(lines[-1].encode())))

    def content(self, path: str) -> bytes | None:
        """See `Transport.content`."""
        return None if self._files is None else self._files.whole(path, limits.CONSOLE_BODY_MAX)

    def unfinished(self, path: str) -> str:
        """See `Transport.unfinished`."""
        if self._files is None:
            return ""
        try:
            content, _end = self._files.latest(path, limits.CONSOLE_TAIL_BYTES)
        except P9Error:
            return ""
        return content.rpartition(b"\n")[2].decode(errors="replace")

    def sibling(self) -> Transport:
        """See `Transport.sibling`."""
        return NamespaceTransport(self.name, self._attach, beats=self._beats)

    def _renew(self) -> None:
        """A session as this one was, in its place. Raises Unreachable when it is not let in."""
        admitted = self._admitted
        assert admitted is not None  # there was a session
        self.detach()
        answer = self._admit(admitted)
        if not answer.ok:
            raise Unreachable(f"the hive does not let us in again: {answer.acks[0]}; attach anew")

    def beat(self) -> None:
        """See `Transport.beat`."""
        if self._beats:
            self._ping()

    def detach(self) -> None:
        """See `Transport.detach`."""
        files, self._files = self._files, None
        self._role = ""
        if files is not None:
            files.close()

    def close(self) -> None:
        """See `Transport.close`."""
        self.detach()

    def _admit(self, command: Command) -> Reply:
        """A second attach takes the place of the first; one that is refused leaves it as it was."""
        role = next((each for each in ROLES if each == command.role), None)
        if role is None:
            return reply(err("ATTACH", "policy", detail="invalid-role"))
        try:
            files = self._attach(role, command.ticket)
        except TicketExpired:
            return reply(err("ATTACH", "quota", detail="expired"))
        except OtherRole as other:
            return reply(err("ATTACH", "policy", detail="denied", mounted=other.mounted))
        except P9Error as failure:
            if failure.ecode in _WRONG:
                return reply(err("ATTACH", "policy", detail="denied"))
            return reply(refusal("ATTACH", failure.ecode))
        self.detach()
        self._files, self._role, self._admitted = files, role, command
        return reply(ok("ATTACH", role=role))


_WRONG = frozenset({errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOENT})
"""Refusals of an attach that are the fault of whoever attaches."""


_UNKNOWN = frozenset({errno.EIO, errno.ETIMEDOUT, errno.ESTALE})
"""Of a write: it may have been taken."""


def _lines(path: str, unfinished: bytes, news: Iterator[News]) -> Following:
    """`news` in whole lines."""
    for data, lost in news:
        if lost:
            unfinished = b""
            yield [f"[cohsh] {lost} bytes of {path} were dropped before they could be read"]
        complete, end, unfinished = (unfinished + data).rpartition(b"\n")
        if end:
            yield body_lines(complete + end, binary=is_binary(path))
