"""`tail --cursor NAME`: what came since the reader of that name was here last, on any way to a hive.

The hive keeps the cursor (`ninedoor.client.cursors`). A console has no offsets, so the ring is taken whole,
between two looks at where it stands; only when both agree, and the length with them, is it known which byte
is which. What a console would not bring as it is, is refused there. Whole lines are shown, and the cursor is
set behind them: what is not finished comes the next time.
"""

import errno
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress

from cohsh.shell import Refused, Shell
from ninedoor import limits
from ninedoor.client.cursors import Standing, file_of, parse
from ninedoor.console.ack import END, ok
from ninedoor.console.body import BINARY_PREFIX, body_lines
from ninedoor.console.grammar import Command
from ninedoor.console.refusals import refusal
from ninedoor.console.reply import reply
from ninedoor.errors import P9Error

LOOKS = 20
"""Attempts to see a ring that stands still."""


def tail(
    shell: Shell, path: str, name: str, *, follow: bool, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Show what is new in the telemetry at `path` for the reader `name`. Raises Refused."""
    shell.check_path("TAIL", path)
    told = False
    while True:
        standing, content = _ring(shell, path)
        at = standing.cursors.get(name, standing.base)
        lost = max(0, standing.base - at)
        start = max(at, standing.base)
        complete = content[start - standing.base :].rpartition(b"\n")
        fresh = complete[0] + complete[1]
        if not told:
            shell.answer(reply(ok("TAIL", path=path)))
            told = True
        lines = body_lines(fresh)
        if lost:
            lines = [f"[cohsh] {lost} bytes of {path} were dropped before they could be read", *lines]
        if follow:
            shell.follow(lines)
        else:
            for line in lines:
                shell.line(line)
        if fresh or lost or name not in standing.cursors:
            payload = f"set {name} {start + len(fresh)}"
            shell.demand(Command("echo", path=file_of(path), payload=payload))
        if not follow:
            return
        sleep(shell.policy.tail_ms / 1000)


def _ring(shell: Shell, path: str) -> tuple[Standing, bytes]:
    """What the ring holds, and from where to where. Raises Refused where it moves all the time, or has lines
    that do not come through a console as they are."""
    standing = _standing(shell, path)
    for _ in range(LOOKS):
        candidates = _contents(shell, path)
        before, standing = standing, _standing(shell, path)
        if (before.base, before.next) != (standing.base, standing.next):
            continue
        size = standing.next - standing.base
        for content in candidates:
            if len(content) == size:
                return standing, content
        raise Refused(reply(refusal("TAIL", errno.EOPNOTSUPP, path=path)))
    raise Refused(reply(refusal("TAIL", errno.EBUSY, path=path)))


def _standing(shell: Shell, path: str) -> Standing:
    body = shell.demand(Command("cat", path=file_of(path))).body
    try:
        return parse("".join(f"{line}\n" for line in body))
    except P9Error as none:
        raise Refused(reply(refusal("TAIL", none.ecode, path=path))) from none


def _contents(shell: Shell, path: str) -> tuple[bytes, ...]:
    """What a file may hold: the lines of a console do not say whether there was an end to the last, and two
    of them may be one that was split."""
    try:
        whole = shell.transport.content(path)
    except P9Error as refused:
        raise Refused(reply(refusal("TAIL", refused.ecode, path=path))) from refused
    if whole is not None:
        return (whole,)
    body = shell.demand(Command("cat", path=path)).body
    candidates: list[bytes] = []
    if body and all(line.startswith(BINARY_PREFIX) for line in body):
        with suppress(ValueError):  # then it is a text that begins so
            encoded = (line.removeprefix(BINARY_PREFIX) for line in body)
            candidates.append(b"".join(b64decode(line, validate=True) for line in encoded))
    if not any(_may_be_altered(line) for line in body):
        text = "\n".join(body).encode()
        candidates += (text, text + b"\n")
    return tuple(candidates)


def _may_be_altered(line: str) -> bool:
    """Is it as long as a piece of a line, whose cut is in no character, or one that would end the answer?"""
    return len(line.encode()) > limits.CONSOLE_LINE_MAX - 4 or line.rstrip(" ") == END
