"""Frames of the TCP console, in every way a receive may cut them, before and after the token was shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.console.framing import FrameError, FrameReader, frame
from ninedoor.limits import CONSOLE_LINE_MAX
from tests.strategies import cuts

AUTH = frame("AUTH changeme")
TOO_LONG = (4 + 257).to_bytes(4, "little") + b"x" * 257


def sized(total: int) -> bytes:
    return total.to_bytes(4, "little")


def reader_after_auth() -> FrameReader:
    reader = FrameReader()
    reader.authenticated = True
    return reader


def lines_of(reader: FrameReader, *pieces: bytes) -> list[str | None]:
    lines: list[str | None] = []
    for piece in pieces:
        reader.feed(piece)
        lines += reader
    return lines


def test_a_frame_is_its_total_length_and_the_line() -> None:
    assert AUTH.hex() == "1100000041555448206368616e67656d65"
    assert frame("") == sized(4)
    assert lines_of(FrameReader(), AUTH) == ["AUTH changeme"]


def test_lines_up_to_256_bytes_are_framed() -> None:
    assert lines_of(FrameReader(), frame("x" * 256)) == ["x" * 256]
    with pytest.raises(ValueError, match="257 bytes, over 256"):
        frame("x" * 255 + "é")


def test_nothing_in_nothing_out() -> None:
    reader = FrameReader()

    assert list(reader) == []
    assert lines_of(reader, b"", AUTH[:3], b"", AUTH[3:], b"", frame("")) == ["AUTH changeme", ""]


def test_an_unfinished_frame_waits_for_its_end() -> None:
    reader = FrameReader()

    assert lines_of(reader, AUTH[:-1]) == []
    assert reader.buffered == len(AUTH) - 1
    assert lines_of(reader, AUTH[-1:]) == ["AUTH changeme"]
    assert reader.buffered == 0


@given(data=st.data(), lines=st.lists(st.text(max_size=64), max_size=8))
def test_how_receives_cut_the_stream_changes_nothing(data: st.DataObject, lines: list[str]) -> None:
    stream = b"".join(map(frame, lines))

    assert lines_of(FrameReader(), *data.draw(cuts(stream))) == lines


@pytest.mark.parametrize("authenticated", [False, True])
@pytest.mark.parametrize("total", [0, 1, 2, 3])
def test_a_length_under_its_own_ends_the_stream(total: int, authenticated: bool) -> None:
    reader = FrameReader()
    reader.authenticated = authenticated
    reader.feed(sized(total) + AUTH)

    with pytest.raises(FrameError, match=f"frame of {total} bytes, not 4 to 260"):
        list(reader)


@pytest.mark.parametrize("total", [261, 8192, 8193, 2**32 - 1])
def test_before_auth_a_frame_too_long_ends_the_stream(total: int) -> None:
    reader = FrameReader()

    assert lines_of(reader, sized(total)[:3]) == []
    with pytest.raises(FrameError, match=f"frame of {total} bytes"):
        lines_of(reader, sized(total)[3:])


def test_a_stream_that_ended_stays_ended() -> None:
    reader = FrameReader()
    reader.feed(frame("one") + sized(0) + frame("two"))
    entries = iter(reader)

    assert next(entries) == "one"
    for _attempt in range(2):
        with pytest.raises(FrameError):
            list(reader)
        reader.authenticated = True
        reader.feed(frame("three"))
        assert reader.buffered == 0


@pytest.mark.parametrize("total", [261, 8192, 8193, 70_000])
def test_after_auth_a_frame_too_long_is_skipped(total: int) -> None:
    stream = frame("ping") + sized(total) + b"\xff" * (total - 4) + frame("quit")

    assert lines_of(reader_after_auth(), stream) == ["ping", None, "quit"]
    assert lines_of(reader_after_auth(), *[stream[at : at + 7] for at in range(0, len(stream), 7)]) == [
        "ping",
        None,
        "quit",
    ]


def test_a_skipped_frame_is_told_at_once_and_not_held() -> None:
    reader = reader_after_auth()

    assert lines_of(reader, sized(2**32 - 1)) == [None]
    assert lines_of(reader, bytes(100_000)) == []
    assert reader.buffered == 0


@given(data=st.data())
def test_resynchronising_survives_any_cut(data: st.DataObject) -> None:
    stream = TOO_LONG + frame("a") + TOO_LONG + TOO_LONG + frame("b")

    assert lines_of(reader_after_auth(), *data.draw(cuts(stream))) == [None, "a", None, None, "b"]


def test_authentication_counts_from_the_next_frame_on() -> None:
    reader = FrameReader()
    reader.feed(AUTH + TOO_LONG + frame("ping"))
    lines = []
    for line in reader:
        lines.append(line)
        reader.authenticated = True

    assert lines == ["AUTH changeme", None, "ping"]


def test_damaged_utf8_is_replaced_for_the_parser_to_refuse() -> None:
    assert lines_of(FrameReader(), sized(8) + b"ls\xff\xc3") == ["ls\ufffd\ufffd"]


@given(data=st.data(), stream=st.binary(max_size=600), authenticated=st.booleans())
def test_any_bytes_give_lines_or_end_the_stream(
    data: st.DataObject, stream: bytes, authenticated: bool
) -> None:
    reader = FrameReader()
    reader.authenticated = authenticated
    for piece in data.draw(cuts(stream)):
        reader.feed(piece)
        try:
            for line in reader:
                assert line is None or len(line.encode()) <= CONSOLE_LINE_MAX * 3
        except FrameError:
            return
        assert reader.buffered < 4 + CONSOLE_LINE_MAX
