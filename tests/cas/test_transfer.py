"""What a write stores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.cas.faults import CasFault
from ninedoor.cas.transfer import is_part, prepare
from ninedoor.limits import APPEND_OFFSET
from tests.cas.packing import lines_of


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"AAAA\n", b"AAAA"),
        (b"AAAA\r\n", b"AAAA"),
        (b"AAAA\n\n", b"AAAA\n"),
        (b"AAAA\r", b"AAAA\r"),
        (b"b64:QUJD\n", b"ABC"),
        (b"b64:", b""),
        (b"", b""),
    ],
)
def test_an_appended_line_loses_its_end_and_its_base64(data: bytes, content: bytes) -> None:
    assert prepare(data, appended=True) == content


@pytest.mark.parametrize("data", [b"AAAA\n", b"AAAA\r\n", b"b64:!\n", b"b64 QUJD", b"\n"])
def test_bytes_at_an_offset_are_stored_as_they_are(data: bytes) -> None:
    assert prepare(data, appended=False) == data


def test_a_base64_line_at_an_offset_is_decoded() -> None:
    assert prepare(b"b64:QUJD\n", appended=False) == b"ABC"


@pytest.mark.parametrize("data", [b"b64:!", b"b64:QUJ", b"b64:QUJD QUJD", b"b64:QUJD\nb64:QUJD"])
def test_an_appended_line_that_only_begins_like_base64_is_refused(data: bytes) -> None:
    with pytest.raises(CasFault):
        prepare(data, appended=True)


@given(st.binary(max_size=600))
def test_the_lines_of_a_content_store_it_and_fit_a_console(content: bytes) -> None:
    lines = list(lines_of(content))

    assert b"".join(prepare(line + b"\n", appended=True) for line in lines) == content
    assert all(len(line) <= 128 for line in lines)


def test_what_is_said_again_has_its_place() -> None:
    assert is_part(b"cohesix", 0, b"coh\n") is False
    assert is_part(b"cohesix", 0, b"x\n") is False
    assert is_part(b"cohesix", 0, b"cohesix\n") is True
    assert is_part(b"cohesix", 4, b"six") is True
    assert is_part(b"cohesix", APPEND_OFFSET, b"hes\n") is True
    assert is_part(b"cohesix", APPEND_OFFSET, b"b64:!\n") is False
