"""What people are told of the verbs."""

from ninedoor.console.grammar import VERBS
from ninedoor.console.help import HELP_LINES
from ninedoor.limits import CONSOLE_LINE_MAX


def test_help_has_a_line_for_every_verb() -> None:
    assert HELP_LINES[0] == "Commands:"
    assert [line.split()[0] for line in HELP_LINES[1:]] == list(VERBS)
    assert "  cat <path>             - show a file" in HELP_LINES
    assert "  attach <role> [ticket] - say who you are" in HELP_LINES


def test_help_lines_fit_a_console() -> None:
    assert all(len(line) <= CONSOLE_LINE_MAX and line.isascii() for line in HELP_LINES)
