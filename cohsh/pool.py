"""Sessions kept open for writers: a few for commands, a few more for telemetry.

A batch whose answer did not come is not simply sent again. The file is read, and only what is not in it
follows, so that no line is there twice.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from cohsh.retry import Retry
from cohsh.shell import Refused
from cohsh.transports.transport import Interrupted, Transport
from ninedoor.console.grammar import Command
from ninedoor.errors import NineDoorError

Kind = Literal["control", "telemetry"]


class PoolError(NineDoorError):
    """No session to be had."""


class Pool:
    """`sizes` says how many sessions of each kind there may be; `attached` makes one."""

    def __init__(self, attached: Callable[[], Transport], sizes: dict[Kind, int]) -> None:
        self._attached = attached
        self._left = dict(sizes)
        self._idle: dict[Kind, deque[Transport]] = {kind: deque() for kind in sizes}
        self._made: list[Transport] = []
        self._closed = False

    def take(self, kind: Kind) -> Transport:
        """A session, which nobody else has until it is given back: the one that was idle the longest. Raises
        PoolError."""
        if self._closed:
            raise PoolError("session pool is closed")
        if self._left[kind] > 0:
            session = self._attached()
            self._left[kind] -= 1
            self._made.append(session)
            return session
        if not self._idle[kind]:
            raise PoolError(f"session pool exhausted for {kind.capitalize()}")
        return self._idle[kind].popleft()

    def give_back(self, kind: Kind, session: Transport) -> None:
        """`session` is idle again."""
        self._idle[kind].append(session)

    def close(self) -> None:
        """End every session. Idempotent."""
        self._closed = True
        for session in self._made:
            session.close()


class Writer:
    """Appends batches of lines that are all different to the file at `path`. `retries` counts the batches
    that were gone on with after a fault."""

    def __init__(self, path: str, retry: Retry, sleep: Callable[[float], None] = time.sleep) -> None:
        self._path = path
        self._retry = retry
        self._sleep = sleep
        self.retries = 0

    def write(self, session: Transport, lines: Sequence[str], cut: int | None = None) -> None:
        """Append `lines`, with a fault after `cut` bytes. Raises Refused, Interrupted when every retry was
        used up, and Unreachable."""
        try:
            self._send(session, lines, cut)
            return
        except Interrupted as first:
            failure = first
        for delay_ms in self._retry.delays_ms():
            self._sleep(delay_ms / 1000)
            self.retries += 1
            content = session.ask(Command("cat", path=self._path))
            if not content.ok:
                raise Refused(content)
            left = missing(content.body, session.unfinished(self._path), lines)
            if not left:
                return
            try:
                self._send(session, left, None)
                return
            except Interrupted as again:
                failure = again
        raise failure

    def _send(self, session: Transport, lines: Sequence[str], cut: int | None) -> None:
        answer = session.batch(self._path, lines, cut)
        if not answer.ok:
            raise Refused(answer)


def missing(content: Sequence[str], torn: str, lines: Sequence[str]) -> list[str]:
    """What has to be appended to `content` for each of `lines` to be there, once.

    `torn` is the last line of the content where no line feed ends it. Of the line that it is the beginning
    of, the rest comes first; where it is none, or was torn inside a character, it is ended.
    """
    there = set(content[:-1] if torn else content)
    left = [line for line in lines if line not in there]
    if not (left and torn):
        return left
    if left[0].startswith(torn):
        return [left[0].removeprefix(torn), *left[1:]]
    return ["", *left]


def batches(lines: Sequence[str], most_lines: int, most_bytes: int) -> list[list[str]]:
    """`lines` in groups of at most `most_lines`, and, with a line feed behind each, of `most_bytes`."""
    groups: list[list[str]] = []
    size = most_bytes + 1
    for line in lines:
        grown = size + len(line.encode()) + 1
        if not groups or grown > most_bytes or len(groups[-1]) == most_lines:
            groups.append([])
            grown = len(line.encode()) + 1
        groups[-1].append(line)
        size = grown
    return groups
