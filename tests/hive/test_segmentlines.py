"""Lines of a device's ctl file. What each refusal says is tested with the segments (test_segments.py)."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import P9Error
from ninedoor.hive.segmentlines import mime_of


@pytest.mark.parametrize(
    ("line", "mime"),
    [
        ('{"new":"segment"}', None),
        ('{"new":"segment","mime":"text/csv"}', "text/csv"),
        (' { "mime" : "é" , "new" : "segment" } ', "é"),
        ('{"new":"segment","mime":"' + "x" * 64 + '"}', "x" * 64),
    ],
)
def test_a_line_says_what_the_segment_is_of(line: str, mime: str | None) -> None:
    assert mime_of(line) == mime


@given(st.text())
def test_any_other_line_is_refused(line: str) -> None:
    with pytest.raises(P9Error) as refusal:
        mime_of(line)

    assert refusal.value.ecode == errno.EINVAL
    assert refusal.value.reason.isprintable()
