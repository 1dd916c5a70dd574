"""What all the programs' command lines are made of: how they refuse, and how commands are added to them."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, Protocol

from ninedoor.cli import values
from ninedoor.cli.exits import Exit

Commands = argparse._SubParsersAction


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that leaves with USAGE and points to --help; options cannot be abbreviated."""

    def __init__(self, **settings: object) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **settings,  # type: ignore[arg-type]  # handed through as they came
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As the base does, but the URL of a mount may stand behind its options, where the base, which has
        found its place empty by then, does not look for it."""
        parsed, rest = self.parse_known_args(args, namespace)
        if len(rest) == 1 and rest[0].startswith(values.URLS) and getattr(parsed, "url", "") is None:
            parsed.url = rest.pop()
        if rest:
            called = self._called(getattr(parsed, "command", "").split())
            called.error(f"unrecognized arguments: {' '.join(rest)}{called._meant(rest)}")
        return parsed

    def _called(self, words: Sequence[str]) -> "Parser":
        """The parser of the command `words` below this one, whose help is the one to read."""
        for action in self._actions:
            if words and isinstance(action, argparse._SubParsersAction) and words[0] in action.choices:
                below: Parser = action.choices[words[0]]
                return below._called(words[1:])
        return self

    def _meant(self, rest: Sequence[str]) -> str:
        """A guess at the first of `rest` that looks like an option."""
        word = next((word for word in rest if word.startswith("--")), "")
        return _did_you_mean(word.partition("=")[0], self._option_string_actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As the base does, with a guess at what was meant."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as wrong:
            choices = [str(choice) for choice in action.choices or ()]
            raise argparse.ArgumentError(action, wrong.message + _did_you_mean(str(value), choices)) from None

    def error(self, message: str) -> NoReturn:
        """Print `message` to stderr and leave."""
        self.exit(Exit.USAGE, f"{self.prog}: {message}\nTry '{self.prog} --help'.\n")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1) if word else []
    return f"; did you mean {close[0]}?" if close else ""


class _Version(argparse.Action):
    """--version; the number is looked up only when asked for, because that is slow."""

    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(
            option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="show the version and exit"
        )

    def __call__(self, parser: argparse.ArgumentParser, *_parsed: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"{parser.prog} {version('ninedoor')}\n")
        parser.exit()


class Add(Protocol):
    """Adds a command to a program and returns its parser."""

    def __call__(
        self, name: str, summary: str, epilog: str, into: "Commands[Parser] | None" = None
    ) -> Parser:
        """`summary` is for the list of commands and, as a sentence, for its own help, which ends with
        `epilog`. `into` is a command's actions, if it is one of those."""


def add_version(parser: Parser) -> None:
    """Give `parser` the option --version."""
    parser.add_argument("--version", action=_Version)


def add_commands(parser: Parser) -> Add:
    """Make `parser` that of a program with commands; a parsed one has its words in `command`."""
    commands: Commands[Parser] = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, summary: str, epilog: str, into: "Commands[Parser] | None" = None) -> Parser:
        sentence = f"{summary[0].upper()}{summary[1:]}."
        added = (into or commands).add_parser(name, help=summary, description=sentence, epilog=epilog)
        added.set_defaults(command=added.prog.removeprefix(f"{parser.prog} "))
        return added

    return command


def add_completion(command: Add, epilog: str) -> None:
    """Add the command that prints a completion script."""
    completion = command("completion", "print a completion script for a shell", epilog)
    completion.add_argument("shell", choices=("bash", "zsh"), help="the shell to complete for")
