"""Log lines: one record is one line, whatever the text came from."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.hive.lines import FIELD_MAX, TEXT_MAX, clean, ended, field, line

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
"""Surrogates and control characters included."""


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("spawned worker-1 ticks=100 ttl=300 ops=∞", "spawned worker-1 ticks=100 ttl=300 ops=∞"),
        ("one\ntwo", "one\\ntwo"),
        ("\x1b[31mred\r\x00", "\\x1b[31mred\\r\\x00"),
        ("line\u2028separator", "line\\u2028separator"),
        ("half \ud800 of it", "half \\ud800 of it"),
        ("right\u202eleft", "right\\u202eleft"),
        ("", ""),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(ANY_TEXT)
def test_a_cleaned_text_is_one_printable_line(text: str) -> None:
    encoded = line(clean(text))

    assert clean(text).isprintable()
    assert encoded.count(b"\n") == 1
    assert encoded.endswith(b"\n")
    assert len(encoded.decode().splitlines()) == 1


@given(ANY_TEXT)
def test_a_field_is_one_printable_word(text: str) -> None:
    value = field(text)

    assert value.isprintable()
    assert len(f"path={value} error=EPERM".split()) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/queen/ctl", "/queen/ctl"),
        ("/a error=0 reason=none", "/a\\x20error=0\\x20reason=none"),
        ("/a\nforged line", "/a\\nforged\\x20line"),
        ("no\u00a0break", "no\\xa0break"),
        ("", ""),
    ],
)
def test_blanks_cannot_end_a_field(text: str, value: str) -> None:
    assert field(text) == value


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_a_text_of_the_longest_length_is_kept() -> None:
    assert clean("x" * TEXT_MAX) == "x" * TEXT_MAX


def test_a_value_of_the_longest_length_is_kept() -> None:
    assert field("x" * FIELD_MAX) == "x" * FIELD_MAX


@pytest.mark.parametrize("more", [1, 16, 8168, 100_000])
@pytest.mark.parametrize(("escape", "most"), [(clean, TEXT_MAX), (field, FIELD_MAX)])
def test_what_is_longer_is_cut_and_says_how_much_is_missing(
    escape: Callable[[str], str], most: int, more: int
) -> None:
    cut = escape("x" * (most + more))

    kept, _, missing = cut.partition("…(+")
    assert len(cut) <= most
    assert len(kept) + int(missing.rstrip(")")) == most + more


def test_escapes_count_towards_the_length() -> None:
    assert len(clean("\x00" * TEXT_MAX)) <= TEXT_MAX
    assert len(field(" " * FIELD_MAX)) <= FIELD_MAX


def test_a_line_of_undecodable_text_can_be_written() -> None:
    assert line("half \ud800") == b"half \\ud800\n"


@pytest.mark.parametrize(
    ("data", "whole"), [(b"a", b"a\n"), (b"a\n", b"a\n"), (b"a\nb", b"a\nb\n"), (b"", b"\n")]
)
def test_a_last_line_without_its_line_feed_gets_one(data: bytes, whole: bytes) -> None:
    assert ended(data) == whole
