"""A line is read alike from a terminal and from TCP."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ninedoor.console.ack import unparsed
from ninedoor.console.editor import LineEditor
from ninedoor.console.framing import FrameReader, frame
from ninedoor.console.grammar import GrammarError, line_of, parse
from tests.transcripts.transcript import Say, check

TRANSCRIPT = Path(__file__).parent / "grammar.txt"


def answer(line: str | GrammarError) -> str:
    try:
        if isinstance(line, GrammarError):
            raise line
        return line_of(parse(line))
    except GrammarError as refused:
        return str(unparsed(refused.detail))


def serial() -> Say:
    editor = LineEditor()

    def say(line: str) -> Sequence[str]:
        editor.feed(line.encode() + b"\r")
        return [answer(entry) for entry in editor]

    return say


def tcp() -> Say:
    reader = FrameReader()

    def say(line: str) -> Sequence[str]:
        reader.feed(frame(line))
        return [answer(entry) for entry in reader if entry is not None]

    return say


@pytest.mark.parametrize("way", [serial, tcp])
def test_lines_are_read_alike_whichever_way_they_come(way: Callable[[], Say], rewrite: bool) -> None:
    check(TRANSCRIPT, way(), rewrite=rewrite)
