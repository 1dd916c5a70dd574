"""Which paths are sent, and which are of bytes."""

import pytest

from ninedoor.console.paths import fault, is_binary


@pytest.mark.parametrize(
    "path", ["/", "/log/queen.log", "/log/", "//log", "/a/b/c/d/e/f/g/h", f"/{'n' * 64}"]
)
def test_paths_of_the_namespace_are_sent(path: str) -> None:
    assert fault(path) == ""


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("log", "path 'log' is not absolute: begin it with /"),
        ("", "path '' is not absolute: begin it with /"),
        ("/log/../queen", "path '/log/../queen' has a name of dots: write it without"),
        ("/.", "path '/.' has a name of dots: write it without"),
        ("/a/b/c/d/e/f/g/h/i", "path of 9 names, over 8"),
        (f"/{'ä' * 33}", "name of 66 bytes in a path, over 64"),
        ("/a\0b", "path '/a\\x00b' has a NUL"),
    ],
)
def test_others_are_not(path: str, why: str) -> None:
    assert fault(path) == why


def test_chunks_and_weights_are_bytes() -> None:
    assert is_binary("/updates/1/chunks/ab")
    assert is_binary("/models/m/weights")
    assert not is_binary("/models/m/schema")
