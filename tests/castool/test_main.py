"""The command line of cas-tool as data."""

import argparse
import subprocess
import sys

import pytest

from ninedoor.castool.arguments import describe
from ninedoor.castool.main import COMMANDS, main
from ninedoor.cli.exits import Exit
from ninedoor.cli.main import resolve
from tests.cli.test_arguments import HEAVY, commands


@pytest.mark.parametrize("parser", commands(describe()), ids=lambda parser: parser.prog)
def test_every_command_has_a_description_and_examples_that_parse(parser: argparse.ArgumentParser) -> None:
    text = parser.format_help()
    lines = [line.strip() for line in (parser.epilog or "").splitlines() if line.startswith("  cas-tool ")]

    assert parser.description
    assert lines
    assert max(map(len, text.splitlines())) <= 110
    for line in lines:
        describe().parse_args(line.partition(" | ")[0].partition(" > ")[0].split()[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_loaded(command: str) -> None:
    assert callable(resolve(COMMANDS[command]))


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys\nfrom ninedoor.castool.arguments import describe\ndescribe().format_help()\n"
        f"print({set(HEAVY)!r} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_a_wrong_command_line_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["pack", "--epoch", "1", "--input", "x", "--chunk-bytes", "none"])

    assert left.value.code == Exit.USAGE
    assert capsys.readouterr().err == (
        "cas-tool pack: argument --chunk-bytes: 'none' is no whole number from 1 to 65535\n"
        "Try 'cas-tool pack --help'.\n"
    )
