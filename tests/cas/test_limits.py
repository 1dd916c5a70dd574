"""Names and bounds."""

import pytest

from ninedoor.cas.limits import hash_of, is_epoch


@pytest.mark.parametrize("name", ["0", "100", "9" * 20])
def test_digits_name_an_epoch(name: str) -> None:
    assert is_epoch(name)


@pytest.mark.parametrize("name", ["", "1" * 21, "-1", "1a", "..", "1/2", "1\n", "٣", " 1", "0x1"])
def test_nothing_else_does(name: str) -> None:
    assert not is_epoch(name)


def test_a_hash_is_64_lower_case_digits() -> None:
    assert hash_of("ab" * 32) == b"\xab" * 32


@pytest.mark.parametrize(
    "name", ["", "ab" * 31, "ab" * 33, "AB" * 32, "g0" * 32, "ab" * 32 + "\n", "../" + "a" * 61]
)
def test_no_other_name_is_a_hash(name: str) -> None:
    assert hash_of(name) is None
