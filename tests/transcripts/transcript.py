"""Sessions of line-oriented doors as files: what is sent, and behind it what comes back.

    # a comment; empty lines are allowed anywhere
    > ping
    < OK PING reply=pong
    < PONG

A blank at the end of a line is written as `␠`. A test talks to whatever it tests and compares. With `pytest
--rewrite-transcripts` the answers are written into the file instead, to be reviewed as a diff. Parts of an
answer that differ from run to run (a time, an address) are for the test to replace before it returns them.
"""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

SENT = ">"
RECEIVED = "<"
LAST_BLANK = "␠"

Say = Callable[[str], Sequence[str]]
"""Sends one line and returns the lines that come back."""


class Exchange(NamedTuple):
    """`before` are the comments and empty lines before the line that is sent, which is `line`; it is None
    behind the last exchange."""

    before: tuple[str, ...]
    line: str | None
    answer: tuple[str, ...] = ()


class Different(AssertionError):
    """An answer is not what the transcript says."""


def parse(text: str) -> list[Exchange]:
    """The exchanges of a transcript, in order. Raises ValueError with the number of a line that is none."""
    exchanges: list[Exchange] = []
    before: list[str] = []
    for number, row in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        mark, line = row[:1], _read(row)
        if mark == SENT:
            exchanges.append(Exchange(tuple(before), line))
            before = []
        elif mark == RECEIVED and exchanges and not before:
            last = exchanges.pop()
            exchanges.append(last._replace(answer=(*last.answer, line)))
        elif mark in ("", "#"):
            before.append(row)
        else:
            raise ValueError(
                f"line {number}: neither sent, nor an answer to what was, nor a comment: {row!r}"
            )
    return [*exchanges, Exchange(tuple(before), None)] if before else exchanges


def render(exchanges: Sequence[Exchange]) -> str:
    """The text of a transcript."""
    rows: list[str] = []
    for exchange in exchanges:
        rows += exchange.before
        if exchange.line is not None:
            rows += [_written(SENT, exchange.line), *(_written(RECEIVED, line) for line in exchange.answer)]
    return "".join(f"{row}\n" for row in rows)


def check(path: Path, say: Say, *, rewrite: bool) -> None:
    """Say what the transcript says, and compare what comes back.

    Every line is sent, whatever came back for those before. Raises Different with all differences; with
    `rewrite` the file is written anew instead.
    """
    text = path.read_text(encoding="utf-8")
    happened = render(
        [
            exchange if exchange.line is None else exchange._replace(answer=tuple(say(exchange.line)))
            for exchange in parse(text)
        ]
    )
    if happened == text:
        return
    if rewrite:
        path.write_text(happened, encoding="utf-8")
        return
    rows = difflib.unified_diff(text.splitlines(), happened.splitlines(), path.name, "now", lineterm="")
    raise Different("\n".join([*rows, "", "is it right as it is now? then: pytest --rewrite-transcripts"]))


def _written(mark: str, line: str) -> str:
    shown = line[:-1] + LAST_BLANK if line.endswith(" ") else line
    return f"{mark} {shown}" if shown else mark


def _read(row: str) -> str:
    line = row[2:]
    return line.removesuffix(LAST_BLANK) + " " if line.endswith(LAST_BLANK) else line
