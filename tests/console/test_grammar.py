"""Every row of the verb table, every bound, and lines that are no commands."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.console import grammar
from ninedoor.console.grammar import VERBS, Argument, Command, GrammarError, Verb, line_of, parse
from tests.strategies import commands, console_lines

COMMANDS = Path(__file__).parent.parent / "data" / "console" / "commands.txt"

ARGUMENTS = [(verb, argument) for verb in VERBS.values() for argument in verb.arguments]
TEXTS = [(verb, argument) for verb, argument in ARGUMENTS if argument.kind != "number"]


def outcome(line: str) -> Command | str:
    """The command, or the detail of the refusal."""
    try:
        return parse(line)
    except GrammarError as refused:
        return refused.detail


def recorded() -> list[tuple[str, Command | str]]:
    """Each line of commands.txt and what it comes to."""
    rows: list[tuple[str, Command | str]] = []
    for row in COMMANDS.read_text(encoding="ascii").splitlines():
        if row and not row.startswith("#"):
            line, expected, *arguments = row.split()
            text = bytes.fromhex(line.removeprefix("=")).decode()
            if expected.startswith("!"):
                rows.append((text, bytes.fromhex(expected[1:]).decode()))
            else:
                rows.append((text, _command(expected, arguments)))
    return rows


def _command(verb: str, arguments: list[str]) -> Command:
    values = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        values[name] = bytes.fromhex(value).decode()
    count = int(values.pop("count")) if "count" in values else None
    return Command(verb, count=count, **values)


def line_with(verb: Verb, tried: Argument, value: str) -> str:
    """A line in which `tried` has `value` and every other argument is short."""
    values = [value if argument == tried else "x" for argument in verb.arguments]
    return " ".join([verb.name, *values])


def line_up_to(verb: Verb, missing: Argument) -> str:
    """A line that has the arguments before `missing`."""
    return " ".join([verb.name, *["x"] * verb.arguments.index(missing)])


def test_there_are_the_eighteen_verbs() -> None:
    expected = (
        "help bi caps mem ping test nettest netstats log cachelog quit tail cat ls echo attach spawn kill"
    )

    assert list(VERBS) == expected.split()


def test_acknowledgements_call_a_verb_by_its_name_but_for_one() -> None:
    labels = {verb.label for verb in VERBS.values() if verb.label != verb.name.upper()}

    assert labels == {"BOOTINFO"}
    assert VERBS["bi"].label == "BOOTINFO"


def test_a_refusal_says_its_detail() -> None:
    with pytest.raises(GrammarError, match=r"^unsupported console command$"):
        parse("bogus")


@pytest.mark.parametrize(("line", "expected"), recorded())
def test_recorded_lines_come_to_what_was_recorded(line: str, expected: Command | str) -> None:
    assert outcome(line) == expected


def test_every_verb_is_among_the_recorded_lines() -> None:
    parsed = {expected.verb for _line, expected in recorded() if isinstance(expected, Command)}

    assert parsed == set(VERBS)


@pytest.mark.parametrize(("verb", "argument"), TEXTS)
def test_an_argument_as_long_as_it_may_be_is_taken(verb: Verb, argument: Argument) -> None:
    command = parse(line_with(verb, argument, "y" * argument.most))

    assert getattr(command, argument.name) == "y" * argument.most


@pytest.mark.parametrize(("verb", "argument"), TEXTS)
def test_an_argument_one_byte_longer_is_refused(verb: Verb, argument: Argument) -> None:
    line = line_with(verb, argument, "y" * (argument.most + 1))

    assert outcome(line) == f"argument {argument.name} exceeds allowed length"


@pytest.mark.parametrize(("verb", "argument"), TEXTS)
def test_bounds_are_in_bytes(verb: Verb, argument: Argument) -> None:
    line = line_with(verb, argument, "é" * (argument.most // 2) + "yy")

    assert outcome(line) == f"argument {argument.name} exceeds allowed length"


@pytest.mark.parametrize(("verb", "argument"), ARGUMENTS)
def test_a_missing_argument_is_named_unless_optional(verb: Verb, argument: Argument) -> None:
    result = outcome(line_up_to(verb, argument))

    if argument.optional:
        assert result == Command(verb.name, role="x" if verb.name == "attach" else "")
    else:
        assert result == f"missing required argument: {argument.name}"


@pytest.mark.parametrize("verb", VERBS.values())
def test_what_is_left_over_is_refused_unless_the_last_argument_takes_it(verb: Verb) -> None:
    words = [verb.name, *("1" for _argument in verb.arguments), "more"]
    result = outcome(" ".join(words))

    if verb.arguments and verb.arguments[-1].kind == "rest":
        assert isinstance(result, Command)
        assert result.payload == "1 more"
    else:
        assert result == grammar.TOO_MANY


def test_the_bounds_are_those_of_the_wire_format() -> None:
    bounds = {argument.name + verb.name: argument.most for verb, argument in ARGUMENTS}

    assert bounds == {
        "countcachelog": 65535,
        "pathtail": 96,
        "pathcat": 96,
        "pathls": 96,
        "pathecho": 96,
        "payloadecho": 128,
        "roleattach": 16,
        "ticketattach": 224,
        "payloadspawn": 192,
        "workerkill": 32,
    }
    assert limits.CONSOLE_LINE_MAX == 256


def test_a_line_of_256_bytes_is_read_and_one_of_257_is_not() -> None:
    assert outcome("ping" + " " * 252) == Command("ping")
    assert outcome("ping" + " " * 253) == grammar.LINE_TOO_LONG


def test_a_verb_is_known_in_any_case_but_not_by_likeness() -> None:
    assert outcome("PinG") == Command("ping")
    assert outcome("\u212aill worker-1") == grammar.UNKNOWN_VERB


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\x1b", "\x7f", "\x80", "\x9b", "\x9f"])
def test_control_characters_are_refused_anywhere(character: str) -> None:
    assert outcome(f"echo /log/queen.log a{character}b") == grammar.CONTROL_CHARACTER
    assert outcome(f"ping{character}") == grammar.CONTROL_CHARACTER


def test_a_line_with_damaged_bytes_is_not_run() -> None:
    assert outcome("kill worker-1\ufffd") == grammar.NOT_TEXT
    assert outcome(b"kill worker-1\xff".decode(errors="surrogateescape")) == grammar.NOT_TEXT


def test_no_refusal_repeats_the_line() -> None:
    assert "hunter2" not in str(outcome("attach queen " + "hunter2" * 40))
    assert "hunter2" not in str(outcome("attach queen hunter2 hunter2"))


@given(st.one_of(console_lines, st.text()))
def test_the_parser_answers_anything_with_a_command_or_a_refusal(line: str) -> None:
    result = outcome(line)

    assert isinstance(result, str) or result.verb in VERBS


@given(console_lines)
def test_a_parsed_command_stays_within_its_bounds(line: str) -> None:
    result = outcome(line)

    if isinstance(result, Command):
        for argument in VERBS[result.verb].arguments:
            if argument.kind != "number":
                assert len(getattr(result, argument.name).encode()) <= argument.most


@given(commands)
def test_a_command_written_out_parses_to_itself(command: Command) -> None:
    line = line_of(command)

    assert outcome(line) == (
        command if len(line.encode()) <= limits.CONSOLE_LINE_MAX else grammar.LINE_TOO_LONG
    )


@given(commands, st.integers(0, 3))
def test_blanks_around_words_do_not_count(command: Command, blanks: int) -> None:
    verb, blank, rest = line_of(command).partition(" ")
    padded = " " * blanks + verb.upper() + (blank + " " * blanks + rest if blank else "") + " " * blanks

    if len(padded.encode()) <= limits.CONSOLE_LINE_MAX:
        assert outcome(padded) == command
