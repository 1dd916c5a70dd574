"""Following a file over the console, which has no offsets: its end is asked for again and again, and what was
seen is recognised."""

import time
from collections.abc import Callable, Sequence

from cohsh.transports.transport import Following, Notice, Unreachable
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply

FOLLOW_BYTES_PER_S = 8192
"""The end of the file is asked for no more often than makes this rate."""


def following(
    ask: Callable[[Command], Reply], path: str, seen: Sequence[str], interval_s: float, notice: Notice
) -> Following:
    """What comes behind `seen`, the lines that a first `tail` of `path` told. While the hive is away, it is
    waited for."""
    command = Command("tail", path=path)
    waiting = False
    while True:
        size = sum(len(line.encode()) + 1 for line in seen)
        time.sleep(max(interval_s, size / FOLLOW_BYTES_PER_S))
        try:
            answer = ask(command)
        except Unreachable as gone:
            if not waiting:
                notice(f"still waiting: {gone}")
            waiting = True
            continue
        waiting = False
        if not answer.ok:
            yield [f"[console] {ack}" for ack in answer.acks]
            return
        fresh = behind(seen, answer.body)
        if fresh is None:
            notice(f"some lines of {path} may have been missed")
            fresh = answer.body
        seen = answer.body
        if fresh:
            yield fresh


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
