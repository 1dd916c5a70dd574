"""What people are told of the verbs, and what completion is told of the cursor."""

import pytest

from ninedoor.console.grammar import VERBS
from ninedoor.console.help import HELP_LINES, Cursor, cursor
from ninedoor.limits import CONSOLE_LINE_MAX


def test_help_has_a_line_for_every_verb() -> None:
    assert HELP_LINES[0] == "Commands:"
    assert [line.split()[0] for line in HELP_LINES[1:]] == list(VERBS)
    assert "  cat <path>             - show a file" in HELP_LINES
    assert "  attach <role> [ticket] - say who you are" in HELP_LINES


def test_help_lines_fit_a_console() -> None:
    assert all(len(line) <= CONSOLE_LINE_MAX and line.isascii() for line in HELP_LINES)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Cursor("verb", "")),
        ("  ca", Cursor("verb", "ca")),
        ("cat ", Cursor("path", "")),
        ("CAT   /pr", Cursor("path", "/pr")),
        ("cat /proc ", None),
        ("echo /log/q", Cursor("path", "/log/q")),
        ("echo /log/queen.log  two wo", Cursor("payload", "two wo")),
        ("attach wor", Cursor("role", "wor")),
        ("attach queen abc", Cursor("ticket", "abc")),
        ("attach queen abc ", None),
        ("kill worker-", Cursor("worker", "worker-")),
        ("spawn {", Cursor("payload", "{")),
        ("cachelog 6", Cursor("count", "6")),
        ("ping ", None),
        ("bogus ", None),
    ],
)
def test_the_cursor_stands_on(line: str, expected: Cursor | None) -> None:
    assert cursor(line) == expected
