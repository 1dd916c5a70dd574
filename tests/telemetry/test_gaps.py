"""The marker of a gap: a line of its own, and found again."""

from hypothesis import given
from hypothesis import strategies as st

from ninedoor.telemetry import cbor
from ninedoor.telemetry.gaps import LONGEST, PATTERN, Gap, found, marker, may_begin

OFFSETS = st.integers(0, (1 << 64) - 1)


@given(OFFSETS, OFFSETS)
def test_a_marker_is_found_again(lost: int, after: int) -> None:
    assert found(marker(Gap(lost, after)) + b"more") == Gap(lost, after)


def test_it_is_a_line_of_its_own() -> None:
    assert b"half a line" + marker(Gap(12, 30)) + b"rest" == b"half a line\n[gap bytes=12 next=30]\nrest"


def test_nothing_else_is_one() -> None:
    assert found(b"") is None
    assert found(b"text" + marker(Gap(1, 2))) is None
    assert found(b"\n[gap bytes=x next=2]\n") is None


def test_no_frame_begins_like_it() -> None:
    assert not isinstance(cbor.decode(marker(Gap(1, 2)))[0], dict)
    assert PATTERN.match(marker(Gap(1, 2)))


@given(OFFSETS, OFFSETS)
def test_the_beginning_of_a_marker_is_recognised(lost: int, after: int) -> None:
    whole = marker(Gap(lost, after))

    assert len(whole) <= LONGEST
    assert all(may_begin(b"x" + whole[:end], 1) for end in range(1, len(whole) + 1))


def test_the_beginning_of_something_else_is_not() -> None:
    assert not may_begin(b"x\n", 0)
    assert not may_begin(b"\n[gas", 0)
    assert not may_begin(b"", 0)
