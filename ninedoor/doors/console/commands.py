"""The verbs that need a session: each asks the hive as any client does, and says what came of it.

A function returns the lines of its answer and raises P9Error where it is refused; `refused` has the words.
SPAWN and KILL acknowledge before they are carried out, as clients of the console expect, and tell of a
refusal behind that.
"""

import errno
import json
from collections.abc import Callable, Mapping

from ninedoor.client.operations import append, entries
from ninedoor.console.ack import END, ok
from ninedoor.console.body import body_lines, split_line, summary
from ninedoor.console.grammar import VERBS, Command
from ninedoor.console.refusals import Cause, refusal
from ninedoor.doors.console.attachment import Attachment
from ninedoor.doors.console.files import check_path, is_binary, latest, whole
from ninedoor.errors import P9Error, RoleRefusal, TicketRefusal
from ninedoor.hive.commands import SpawnGpu, SpawnHeartbeat, parse
from ninedoor.hive.lines import clean

LOG = "/log/queen.log"
CTL = "/queen/ctl"

SUMMARY_LINES = 1000
"""Lines at the end of a long file that `data=` is looked for in, besides its first. It has room for 128
bytes."""

Lines = list[str]
Run = Callable[[Attachment, Command, float], Lines]


def cat(attachment: Attachment, command: Command, now: float) -> Lines:
    path = command.path
    content = attachment.run(whole(attachment.session, path), now)
    lines = body_lines(content, binary=is_binary(path))
    looked_at = lines if len(lines) <= SUMMARY_LINES else [lines[0], *lines[-SUMMARY_LINES:]]
    return [str(ok("CAT", path=path, data=summary(path, looked_at))), *lines, END]


def tail(attachment: Attachment, command: Command, now: float) -> Lines:
    content = attachment.run(latest(attachment.session, command.path), now)
    return [str(ok("TAIL", path=command.path)), *body_lines(content, binary=is_binary(command.path)), END]


def log(attachment: Attachment, _command: Command, now: float) -> Lines:
    content = attachment.run(latest(attachment.session, LOG), now)
    return [str(ok("LOG")), *body_lines(content), END]


def ls(attachment: Attachment, command: Command, now: float) -> Lines:
    found = attachment.run(entries(attachment.session, command.path), now)
    # A bind may have given a directory any name.
    names = [piece for entry in found for piece in split_line(clean(entry.name))]
    return [str(ok("LS", path=command.path, entries=len(found))), *names, END]


def echo(attachment: Attachment, command: Command, now: float) -> Lines:
    payload = command.payload.encode()
    attachment.run(append(attachment.session, command.path, payload + b"\n"), now)
    return [str(ok("ECHO", path=command.path, bytes=len(payload)))]


def spawn(attachment: Attachment, command: Command, now: float) -> Lines:
    acknowledged = str(ok("SPAWN", payload=command.payload))
    try:
        _refuse_others(command.payload)
        _control(attachment, command.payload, now)
    except P9Error as failure:
        return [acknowledged, refused("spawn", failure)]
    return [acknowledged]


def kill(attachment: Attachment, command: Command, now: float) -> Lines:
    acknowledged = str(ok("KILL", id=command.worker))
    try:
        _control(attachment, json.dumps({"kill": command.worker}, separators=(",", ":")), now)
    except P9Error as failure:
        return [acknowledged, refused("kill", failure)]
    return [acknowledged]


COMMANDS: Mapping[str, Run] = {
    "log": log,
    "tail": tail,
    "cat": cat,
    "ls": ls,
    "echo": echo,
    "spawn": spawn,
    "kill": kill,
}
"""Name of a verb → what carries it out. The path of those that name one has passed `check_path`."""


def refused(verb: str, failure: P9Error, path: str = "") -> str:
    """The line that says of the verb called `verb` what `failure` is."""
    return str(refusal(VERBS[verb].label, failure.ecode, path=path, cause=_cause(failure)))


def misnamed(verb: str, path: str) -> tuple[str, P9Error] | None:
    """The line for a `path` that is none, and why it is none; None where it is one. On the console it reads
    like a path that nothing is at."""
    try:
        check_path(path)
    except P9Error as wrong:
        return str(refusal(VERBS[verb].label, errno.ENOENT, path=path)), wrong
    return None


def _cause(failure: P9Error) -> Cause:
    if isinstance(failure, RoleRefusal):
        return Cause.ROLE
    return Cause.TICKET if isinstance(failure, TicketRefusal) else Cause.NODE


def _refuse_others(payload: str) -> None:
    """Raises EINVAL for another command than a spawn. What is none at all is left to the file, which keeps a
    record of it."""
    try:
        command = parse(payload)
    except P9Error:
        return
    if not isinstance(command, SpawnHeartbeat | SpawnGpu):
        raise P9Error(errno.EINVAL, f"not a spawn: {payload}")


def _control(attachment: Attachment, line: str, now: float) -> None:
    attachment.run(append(attachment.session, CTL, line.encode() + b"\n"), now)
