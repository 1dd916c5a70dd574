"""What the words of a command line may be, and that anything else is told with its value."""

import argparse
from collections.abc import Callable

import pytest

from ninedoor.cli import values


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (values.directory, "./unix:s", "./unix:s"),
        (values.url, "unix:s", "unix:s"),
        (values.url, "tcp://h:1", "tcp://h:1"),
        (values.seconds, "0.5", 0.5),
        (values.seconds, "3600", 3600.0),
        (values.budget, "none", None),
        (values.budget, "0", 0),
        (values.scope, "/log:read", ("/log", "read", 0)),
        (values.scope, "/a:b:read-write:7", ("/a:b", "read-write", 7)),
    ],
)
def test_words_are_taken_for_what_they_mean(kind: Callable[[str], object], text: str, value: object) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (values.directory, "unix:s"),
        (values.directory, "tcp://h:1"),
        (values.url, "s"),
        (values.url, "http://h"),
        (values.url, ""),
        *((values.seconds, text) for text in ("0", "-1", "nan", "inf", "3600.1", "", "1s")),
        *((values.budget, text) for text in ("-1", "1.5", "", "\u0661", "some")),
        *((values.scope, text) for text in ("log:read", "/log", "/log:append", "/log:read:fast")),
    ],
)
def test_what_cannot_be_is_told_with_its_value(kind: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        kind(text)

    assert text in str(refused.value)
