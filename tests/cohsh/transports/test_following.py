"""What is new at the end of a file that has no offsets."""

import pytest

from cohsh.transports.following import behind


@pytest.mark.parametrize(
    ("seen", "now", "fresh"),
    [
        ("", "ab", "ab"),
        ("ab", "ab", ""),
        ("ab", "abc", "c"),
        ("abc", "bcd", "d"),
        ("aaa", "aaaa", "a"),
        ("abc", "xyz", None),
        ("abc", "", None),
    ],
)
def test_what_is_new_lies_behind_what_was_seen(seen: str, now: str, fresh: str | None) -> None:
    assert behind(list(seen), list(now)) == (None if fresh is None else list(fresh))


def test_a_line_that_was_unfinished_comes_again_whole() -> None:
    assert behind(["a", "b"], ["a", "bc", "d"]) == ["bc", "d"]
    assert behind(["b"], ["bc"]) == ["bc"]
