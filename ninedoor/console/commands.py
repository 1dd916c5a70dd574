"""The commands that need a session: carried out on files, and told in the console's words.

Written once for every way to a hive: the console's own door works on a session, its clients on 9P or on a
mounted directory. How the files are reached is for `Files` to know. SPAWN and KILL are acknowledged before
they are carried out, as clients of the console expect; a refusal follows behind that.
"""

import errno
import json
from collections.abc import Callable, Mapping
from typing import Protocol

from ninedoor import limits
from ninedoor.console.ack import Ack, ok
from ninedoor.console.body import body_lines, split_line, summary
from ninedoor.console.grammar import VERBS, Command
from ninedoor.console.paths import is_binary
from ninedoor.console.refusals import Cause, refusal
from ninedoor.console.reply import Reply, reply
from ninedoor.errors import P9Error, RoleRefusal, TicketRefusal

LOG = "/log/queen.log"
CTL = "/queen/ctl"

SUMMARY_LINES = 1000
"""Lines at the end of a long file that `data=` is looked for in, besides its first. It has room for 128
bytes."""


class Files(Protocol):
    """The namespace as one session sees it. Everything raises P9Error where it is refused."""

    def whole(self, path: str, most: int) -> bytes:
        """All that the file holds. Raises EMSGSIZE for more than `most` bytes."""

    def latest(self, path: str, most: int) -> tuple[bytes, int]:
        """Its last `most` bytes, without the rest of a line that began before them, and the offset behind
        them."""

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted bytewise."""

    def append(self, path: str, data: bytes) -> None:
        """One write at the end of the file."""


Run = Callable[[Files, Command], Reply]


def _cat(files: Files, command: Command) -> Reply:
    path = command.path
    lines = body_lines(files.whole(path, limits.CONSOLE_BODY_MAX), binary=is_binary(path))
    looked_at = lines if len(lines) <= SUMMARY_LINES else [lines[0], *lines[-SUMMARY_LINES:]]
    return reply(ok("CAT", path=path, data=summary(path, looked_at)), lines)


def _tail(files: Files, command: Command) -> Reply:
    content, _end = files.latest(command.path, limits.CONSOLE_TAIL_BYTES)
    return reply(ok("TAIL", path=command.path), body_lines(content, binary=is_binary(command.path)))


def _log(files: Files, _command: Command) -> Reply:
    content, _end = files.latest(LOG, limits.CONSOLE_TAIL_BYTES)
    return reply(ok("LOG"), body_lines(content))


def _ls(files: Files, command: Command) -> Reply:
    names = files.names(command.path)
    lines = [piece for name in names for piece in split_line(_shown(name))]
    return reply(ok("LS", path=command.path, entries=len(names)), lines)


def _echo(files: Files, command: Command) -> Reply:
    payload = command.payload.encode()
    files.append(command.path, payload + b"\n")
    return reply(ok("ECHO", path=command.path, bytes=len(payload)))


def _spawn(files: Files, command: Command) -> Reply:
    return _control(files, "spawn", ok("SPAWN", payload=command.payload), command.payload)


def _kill(files: Files, command: Command) -> Reply:
    line = json.dumps({"kill": command.worker}, separators=(",", ":"))
    return _control(files, "kill", ok("KILL", id=command.worker), line)


COMMANDS: Mapping[str, Run] = {
    "log": _log,
    "tail": _tail,
    "cat": _cat,
    "ls": _ls,
    "echo": _echo,
    "spawn": _spawn,
    "kill": _kill,
}
"""Name of a verb → what carries it out. Raises P9Error; `refused` has the words for it. The path of those
that name one has no `paths.fault`."""


def refused(verb: str, failure: P9Error, path: str = "") -> Ack:
    """What says of the verb called `verb` that `failure` befell it."""
    return refusal(VERBS[verb].label, failure.ecode, path=path, cause=_cause(failure))


def _cause(failure: P9Error) -> Cause:
    if isinstance(failure, RoleRefusal):
        return Cause.ROLE
    return Cause.TICKET if isinstance(failure, TicketRefusal) else Cause.NODE


def _control(files: Files, verb: str, acknowledged: Ack, line: str) -> Reply:
    try:
        if verb == "spawn":
            _refuse_others(line)
        files.append(CTL, line.encode() + b"\n")
    except P9Error as failure:
        return Reply((str(acknowledged), str(refused(verb, failure))))
    return reply(acknowledged)


def _refuse_others(payload: str) -> None:
    """Raises EINVAL for another command than a spawn. What is none at all is left to the file, which keeps a
    record of it."""
    try:
        command = json.loads(payload)
    except (ValueError, RecursionError):
        return
    if isinstance(command, dict) and "spawn" not in command:
        raise P9Error(errno.EINVAL, f"not a spawn: {payload}")


def _shown(name: str) -> str:
    """A bind may have given a directory any name; one that would act on a terminal does not."""
    if name.isprintable():
        return name
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in name)
