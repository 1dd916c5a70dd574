"""The console's commands where there is no console: carried out on files, in the console's words.

What a command does and says is what docs/INTERFACES.md says of the console; how the files are reached is for
`Files` to know. An errno alone does not tell whether the role, the ticket or the file refused: only where the
hive is in this process (`inprocess.py`) do refusals carry that.
"""

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, get_args

from cohsh.paths import is_binary
from cohsh.transports.transport import (
    Following,
    Interrupted,
    Reply,
    Transport,
    Unreachable,
    nothing,
    reply,
)
from ninedoor import limits
from ninedoor.config import Role
from ninedoor.console.ack import PONG, Ack, err, ok, unauthenticated
from ninedoor.console.body import body_lines, split_line, summary
from ninedoor.console.grammar import VERBS, Command
from ninedoor.console.refusals import Cause, refusal
from ninedoor.errors import P9Error, RoleRefusal, TicketExpired, TicketRefusal

LOG = "/log/queen.log"
CTL = "/queen/ctl"

SUMMARY_LINES = 1000
"""Lines at the end of a file that `data=` is looked for in. It has room for 128 bytes."""

ROLES: tuple[str, ...] = get_args(Role)


class Latest(NamedTuple):
    """The last bytes of a file; `end` is the offset behind them."""

    content: bytes
    end: int


class News(NamedTuple):
    """New bytes of a file; `lost` bytes before them were dropped unread."""

    data: bytes
    lost: int = 0


class Files(Protocol):
    """The namespace as one session sees it. Everything raises P9Error where it is refused."""

    def whole(self, path: str, most: int) -> bytes:
        """All that the file holds. Raises EMSGSIZE for more than `most` bytes."""

    def latest(self, path: str, most: int) -> Latest:
        """Its last `most` bytes, without the rest of a line that began before them."""

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted bytewise."""

    def append(self, path: str, data: bytes) -> None:
        """One write at the end of the file."""

    def news(self, path: str, cursor: int, interval_s: float) -> Iterator[News]:
        """What is appended from offset `cursor` on, for ever. An idle file is looked at every
        `interval_s`."""

    def close(self) -> None:
        """End the session."""


Attach = Callable[[Role, str], Files]
"""A session as a role, with a ticket or "". Raises what the hive refuses it with, and Unreachable."""


class NamespaceTransport(Transport):
    """A session on `Files`. `attach` begins it."""

    payload = limits.MSIZE_MAX - limits.IO_OVERHEAD

    def __init__(self, name: str, attach: Attach) -> None:
        self.name = name
        self._attach = attach
        self._files: Files | None = None
        self._role = ""
        self._admitted: Command | None = None
        """How to attach again after a fault."""

    def ask(self, command: Command) -> Reply:
        """See `Transport.ask`."""
        verb = VERBS[command.verb]
        if command.verb == "attach":
            return self._admit(command)
        if command.verb == "ping":
            return reply(ok("PING", reply="pong"), [PONG])
        if command.verb == "quit":
            self.detach()
            return reply(ok("QUIT"))
        if self._files is None or (verb.needs == "queen" and self._role != "queen"):
            return reply(unauthenticated(verb.label))
        try:
            return _COMMANDS[command.verb](self._files, command)
        except P9Error as refused:
            return reply(_refusal(verb.label, refused, command.path))

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        """See `Transport.follow`."""
        if self._files is None:
            return reply(unauthenticated("TAIL")), nothing()
        try:
            latest = self._files.latest(path, limits.CONSOLE_TAIL_BYTES)
        except P9Error as refused:
            return reply(_refusal("TAIL", refused, path)), nothing()
        complete, _, unfinished = latest.content.rpartition(b"\n")
        body = body_lines(complete, binary=is_binary(path)) if complete or not unfinished else []
        news = self._files.news(path, latest.end, interval_s)
        return reply(ok("TAIL", path=path), body), _lines(path, unfinished, news)

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        """See `Transport.batch`. All lines are one write."""
        if self._files is None:
            return reply(unauthenticated("ECHO"))
        data = "".join(f"{line}\n" for line in lines).encode()
        try:
            self._files.append(path, data[:cut])
        except P9Error as refused:
            if refused.ecode in _UNKNOWN:
                self._renew()
                raise Interrupted(refused.reason) from refused
            return reply(_refusal("ECHO", refused, path))
        if cut is not None and cut < len(data):
            self._renew()
            raise Interrupted(f"cut on purpose after {cut} bytes")
        return reply(ok("ECHO", path=path, bytes=len(lines[-1].encode())))

    def unfinished(self, path: str) -> str:
        """See `Transport.unfinished`."""
        if self._files is None:
            return ""
        try:
            content = self._files.latest(path, limits.CONSOLE_TAIL_BYTES).content
        except P9Error:
            return ""
        return content.rpartition(b"\n")[2].decode(errors="replace")

    def sibling(self) -> Transport:
        """See `Transport.sibling`."""
        return NamespaceTransport(self.name, self._attach)

    def _renew(self) -> None:
        """A session as this one was, in its place. Raises Unreachable when it is not let in."""
        admitted = self._admitted
        assert admitted is not None  # there was a session
        self.detach()
        answer = self._admit(admitted)
        if not answer.ok:
            raise Unreachable(f"the hive does not let us in again: {answer.acks[0]}; attach anew")

    def beat(self) -> None:
        """See `Transport.beat`. Nobody ends an idle session of this kind."""

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
        role = next((each for each in get_args(Role) if each == command.role), None)
        if role is None:
            return reply(err("ATTACH", "policy", detail="invalid-role"))
        try:
            files = self._attach(role, command.ticket)
        except TicketExpired:
            return reply(err("ATTACH", "quota", detail="expired"))
        except P9Error as refused:
            if refused.ecode in _WRONG:
                return reply(err("ATTACH", "policy", detail="denied"))
            return reply(refusal("ATTACH", refused.ecode))
        self.detach()
        self._files, self._role, self._admitted = files, role, command
        return reply(ok("ATTACH", role=role))


def _cat(files: Files, command: Command) -> Reply:
    path = command.path
    lines = body_lines(files.whole(path, limits.CONSOLE_BODY_MAX), binary=is_binary(path))
    told = lines[:1] if is_binary(path) else lines[-SUMMARY_LINES:]
    return reply(ok("CAT", path=path, data=summary(path, told)), lines)


def _tail(files: Files, command: Command) -> Reply:
    content = files.latest(command.path, limits.CONSOLE_TAIL_BYTES).content
    return reply(ok("TAIL", path=command.path), body_lines(content, binary=is_binary(command.path)))


def _log(files: Files, _command: Command) -> Reply:
    return reply(ok("LOG"), body_lines(files.latest(LOG, limits.CONSOLE_TAIL_BYTES).content))


def _ls(files: Files, command: Command) -> Reply:
    names = files.names(command.path)
    lines = [piece for name in names for piece in split_line(_shown(name))]
    return reply(ok("LS", path=command.path, entries=len(names)), lines)


def _echo(files: Files, command: Command) -> Reply:
    payload = command.payload.encode()
    files.append(command.path, payload + b"\n")
    return reply(ok("ECHO", path=command.path, bytes=len(payload)))


def _spawn(files: Files, command: Command) -> Reply:
    return _control(files, "SPAWN", str(ok("SPAWN", payload=command.payload)), command.payload)


def _kill(files: Files, command: Command) -> Reply:
    line = json.dumps({"kill": command.worker}, separators=(",", ":"))
    return _control(files, "KILL", str(ok("KILL", id=command.worker)), line)


_COMMANDS: dict[str, Callable[[Files, Command], Reply]] = {
    "cat": _cat,
    "tail": _tail,
    "log": _log,
    "ls": _ls,
    "echo": _echo,
    "spawn": _spawn,
    "kill": _kill,
}
"""Name of a verb → what carries it out, once somebody has attached."""

_WRONG = frozenset({errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOENT})
"""Refusals of an attach that are the fault of whoever attaches."""


_UNKNOWN = frozenset({errno.EIO, errno.ETIMEDOUT, errno.ESTALE})
"""Of a write: it may have been taken."""


def _control(files: Files, label: str, acknowledged: str, line: str) -> Reply:
    """The console acknowledges these before it carries them out."""
    try:
        files.append(CTL, line.encode() + b"\n")
    except P9Error as refused:
        return Reply((acknowledged, str(_refusal(label, refused))))
    return Reply((acknowledged,))


def _refusal(label: str, refused: P9Error, path: str = "") -> Ack:
    cause = Cause.NODE
    if isinstance(refused, RoleRefusal):
        cause = Cause.ROLE
    elif isinstance(refused, TicketRefusal):
        cause = Cause.TICKET
    return refusal(label, refused.ecode, path=path, cause=cause)


def _shown(name: str) -> str:
    """A bind may have given a directory any name; one that would act on a terminal does not."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in name)


def _lines(path: str, unfinished: bytes, news: Iterator[News]) -> Following:
    """`news` in whole lines."""
    for data, lost in news:
        if lost:
            unfinished = b""
            yield [f"[cohsh] {lost} bytes of {path} were dropped before they could be read"]
        complete, end, unfinished = (unfinished + data).rpartition(b"\n")
        if end:
            yield body_lines(complete + end, binary=is_binary(path))
