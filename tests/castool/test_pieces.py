"""Whatever is written arrives as it is, by the hive's reading and by the original's."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ninedoor.cas.transfer import prepare
from ninedoor.castool.pieces import LEAST, Piece, line, lines, raw, room, whole
from ninedoor.errors import P9Error

TRICKY = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"\n", b"\r\n", b"b64:", b"QUJD", b"x"]), max_size=40).map(b"".join),
)


@given(TRICKY, st.integers(LEAST, 200))
@example(b"b64:QUJD\n", 8)
@example(b"\n\n\n", 100)
def test_pieces_are_read_as_the_data_by_whichever_rule(data: bytes, most: int) -> None:
    made = list(raw(data, most))

    assert all(len(piece.written) <= most for piece in made)
    for appended in (False, True):
        assert [len(prepare(piece.written, appended=appended)) for piece in made] == [
            piece.size for piece in made
        ]
        assert b"".join(prepare(piece.written, appended=appended) for piece in made) == data


@given(st.binary(max_size=500))
def test_lines_are_what_a_console_takes(data: bytes) -> None:
    made = list(lines(data, 128))

    assert all(len(piece.written) <= 128 and piece.written.isascii() for piece in made)
    assert b"".join(prepare(piece.written + b"\n", appended=True) for piece in made) == data


def test_a_line_holds_93_bytes_as_the_originals_does() -> None:
    assert [piece.size for piece in lines(bytes(128), 128)] == [93, 35]


def test_what_cannot_be_misread_is_one_piece_as_it_is() -> None:
    assert list(raw(b"x" * 128, 128)) == [Piece(b"x" * 128, 128)]


def test_a_write_has_room_for_what_its_node_holds_and_no_more() -> None:
    assert [room(bytes(size), 8168) for size in (3, 128, 9000)] == [LEAST, 128, 8168]


@pytest.mark.parametrize("data", [b"plain", b"ends\n", b"b64:QUJD", b"\n", bytes(range(256))])
def test_what_is_written_at_once_is_one_piece_by_whichever_rule(data: bytes) -> None:
    for piece in (whole(data, 400), line(data, 400)):
        assert prepare(piece.written, appended=True) == data
        assert piece.size == len(data)


def test_what_does_not_fit_one_write_is_refused() -> None:
    assert line(b"0f" * 64, 128).written == b"0f" * 64
    for cut in (whole, line):
        with pytest.raises(P9Error, match="EMSGSIZE: 129 bytes do not fit one write of 128"):
            cut(b"x" * 129, 128)
