"""How lines travel, framed and typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.console.framing import FrameError, frame
from ninedoor.console.grammar import GrammarError
from ninedoor.doors.console.codecs import Codec, Framed, Typed, packed
from ninedoor.limits import CONSOLE_LINE_MAX, TURN_BYTES

lines = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60))


def test_framed_lines_are_behind_their_length() -> None:
    codec = Framed()
    codec.feed(frame("AUTH x") + frame("ping") + b"\x09\0")

    assert list(codec) == ["AUTH x", "ping"]
    assert codec.inside_line
    assert codec.pack("PONG") == b"\x08\0\0\0PONG"
    assert (codec.prompt, codec.take_echo()) == (b"", b"")


def test_frames_too_long_are_survived_once_unlocked() -> None:
    locked, unlocked = Framed(), Framed()
    unlocked.unlocked()
    long = (5 + CONSOLE_LINE_MAX).to_bytes(4, "little") + b"x" * (1 + CONSOLE_LINE_MAX)
    for codec in (locked, unlocked):
        codec.feed(long + frame("ping"))

    assert list(unlocked) == [None, "ping"]
    with pytest.raises(FrameError):
        list(locked)


def test_typed_lines_end_with_a_key() -> None:
    codec = Typed(echo=False)
    codec.feed(b"ping\rhelp\n\r\n" + b"x" * 257 + b"\nhal")
    entries = list(codec)

    assert entries[:3] == ["ping", "help", ""]
    assert isinstance(entries[3], GrammarError)
    assert len(entries) == 4
    assert not codec.inside_line
    assert codec.pack("PONG") == b"PONG\r\n"
    assert (codec.prompt, codec.take_echo()) == (b"cohesix> ", b"")


def test_what_is_typed_is_echoed_where_that_is_wanted() -> None:
    codec = Typed(echo=True)
    codec.unlocked()
    codec.feed(b"pong\x7f\x7f\x7fing\r")

    assert list(codec) == ["ping"]
    assert codec.take_echo() == b"pong" + b"\b \b" * 3 + b"ing\r\n"


@given(lines, st.sampled_from([Framed(), Typed(echo=False)]))
def test_lines_are_packed_in_bounded_pieces_and_none_is_lost(lines: list[str], codec: Codec) -> None:
    pieces = list(packed(codec, lines * 20))

    assert b"".join(pieces) == b"".join(codec.pack(line) for line in lines * 20)
    assert all(0 < len(piece) <= TURN_BYTES for piece in pieces)


def test_a_long_answer_takes_several_pieces() -> None:
    assert len(list(packed(Framed(), ["x" * CONSOLE_LINE_MAX] * 1000))) == 8
