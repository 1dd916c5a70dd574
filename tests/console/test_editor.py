"""The line editor against recorded keystrokes, against a model of twenty lines, and as a terminal sees it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.console.editor import LineEditor
from ninedoor.console.grammar import LINE_TOO_LONG, GrammarError
from ninedoor.limits import CONSOLE_LINE_MAX
from tests.strategies import cuts, keystrokes

KEYSTROKES = Path(__file__).parent.parent / "data" / "console" / "keystrokes.txt"

SEQUENCE = re.compile("\x1b(?:[ -/]*(?:[\\[O][ -?]*[@-~]?|[0-NP-Z\\\\-~])?)?")
REFUSED = re.compile("[\x00-\x07\x09\x0b-\x1f\x80-\x9f]")


def recorded() -> dict[str, tuple[bytes, list[str | None]]]:
    """Name → what was typed, and the lines; None for a line that was refused."""
    streams = {}
    for row in KEYSTROKES.read_text(encoding="ascii").splitlines():
        if row and not row.startswith("#"):
            name, typed, *entries = row.split()
            assert name not in streams
            streams[name] = (
                bytes.fromhex(typed),
                [
                    None if entry == "!" else bytes.fromhex(entry.removeprefix("=")).decode()
                    for entry in entries
                ],
            )
    return streams


RECORDED = recorded()


def lines_of(editor: LineEditor, *pieces: bytes) -> list[str | None]:
    """What comes out while `pieces` are fed; None for a refusal."""
    lines: list[str | None] = []
    for piece in pieces:
        editor.feed(piece)
        for entry in editor:
            if isinstance(entry, GrammarError):
                assert entry.detail == LINE_TOO_LONG
            lines.append(None if isinstance(entry, GrammarError) else entry)
    return lines


def model(typed: bytes) -> list[str | None]:
    """The editor's rules once more, on the whole stream at once."""
    text = re.sub("\r\n?", "\n", typed.decode(errors="replace"))
    lines: list[str | None] = []
    for keys in REFUSED.sub("", SEQUENCE.sub("", text)).split("\n")[:-1]:
        line: str | None = ""
        for key in keys:
            if line is None:
                break
            if key in "\b\x7f":
                line = line[:-1]
            elif len((line + key).encode()) > CONSOLE_LINE_MAX:
                line = None
            else:
                line += key
        lines.append(line)
    return lines


def shown(typed: bytes) -> bytes:
    """What a terminal is sent while `typed` arrives at once."""
    editor = LineEditor(echo=True)
    echo = b""
    editor.feed(typed)
    for _entry in editor:
        echo += editor.take_echo()
    return echo + editor.take_echo()


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_keystrokes_give_their_lines(name: str) -> None:
    typed, lines = RECORDED[name]

    assert lines_of(LineEditor(), typed) == lines


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_keystrokes_one_by_one_give_their_lines(name: str) -> None:
    typed, lines = RECORDED[name]

    assert lines_of(LineEditor(echo=True), *[bytes([byte]) for byte in typed]) == lines


@pytest.mark.parametrize("name", RECORDED)
def test_the_model_agrees_with_the_records(name: str) -> None:
    typed, lines = RECORDED[name]

    assert model(typed) == lines


@given(keystrokes)
def test_the_editor_equals_the_model(typed: bytes) -> None:
    assert lines_of(LineEditor(), typed) == model(typed)


@given(data=st.data(), typed=keystrokes)
def test_how_receives_cut_the_stream_changes_nothing(data: st.DataObject, typed: bytes) -> None:
    pieces = data.draw(cuts(typed))

    assert lines_of(LineEditor(), *pieces) == lines_of(LineEditor(), typed)


@given(keystrokes)
def test_no_line_is_longer_than_a_line_may_be(typed: bytes) -> None:
    for line in lines_of(LineEditor(), typed):
        assert line is None or len(line.encode()) <= CONSOLE_LINE_MAX


@given(data=st.data(), typed=keystrokes)
def test_the_echo_does_not_depend_on_the_cuts(data: st.DataObject, typed: bytes) -> None:
    editor = LineEditor(echo=True)
    echo = b""
    for piece in data.draw(cuts(typed)):
        editor.feed(piece)
        for _entry in editor:
            echo += editor.take_echo()
        echo += editor.take_echo()

    assert echo == shown(typed)


def test_input_waits_for_the_entries_before_it_to_be_taken() -> None:
    editor = LineEditor()
    editor.feed(b"one\ntwo\nthr")
    entries = iter(editor)

    assert next(entries) == "one"

    editor.feed(b"ee\n")

    assert list(editor) == ["two", "three"]


def test_echo_shows_what_is_taken_and_rings_for_the_rest() -> None:
    assert shown(b"hl\x7felp\x03\r\n") == b"hl\b \belp\a\r\n"
    assert shown(b"\x7fa\x1b[Ab\n") == b"\aa\ab\r\n"
    assert shown(b"x" * 258 + b"\x7f\r") == b"x" * 256 + b"\a\a\a\r\n"


def test_echo_erases_as_many_columns_as_the_character_took() -> None:
    assert shown("雨\x7f".encode()) == "雨".encode() + b"\b \b\b \b"
    assert shown("e\u0301\x7f\x7f".encode()) == "e\u0301".encode() + b"\b \b"


def test_without_echo_nothing_is_shown() -> None:
    editor = LineEditor()
    lines_of(editor, b"help\n")

    assert editor.take_echo() == b""


def test_refused_characters_are_counted() -> None:
    editor = LineEditor()
    lines_of(editor, b"a\x00\x1b[A\tb\xc2\x9b\x7f\n")

    assert editor.refused == 4
