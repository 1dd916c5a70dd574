"""The command line of coh-rtc as data."""

import argparse
import subprocess
import sys

import pytest

from ninedoor.cli.compiler import COMMANDS, FILES, describe, main
from ninedoor.cli.exits import Exit
from ninedoor.cli.main import resolve
from ninedoor.manifest.emit.artefacts import ARTEFACTS
from tests.cli.test_arguments import HEAVY, commands


@pytest.mark.parametrize("parser", commands(describe()), ids=lambda parser: parser.prog)
def test_every_command_has_a_description_and_examples_that_parse(parser: argparse.ArgumentParser) -> None:
    text = parser.format_help()
    _, _, examples = (parser.epilog or "").partition("examples:\n")
    lines = [line.strip() for line in examples.splitlines() if line.startswith("  coh-rtc ")]

    assert parser.description
    assert lines
    assert max(map(len, text.splitlines())) <= 110
    for line in lines:
        words = line.partition(" > ")[0].split()[1:]
        describe().parse_args(words if words[0] in COMMANDS else ["compile", *words])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_loaded(command: str) -> None:
    assert callable(resolve(COMMANDS[command]))


def test_every_artefact_has_an_option() -> None:
    assert set(FILES) | {"header", "reference"} == set(ARTEFACTS)


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys; from ninedoor.cli.compiler import describe; describe().format_help(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "line", [[], ["diff", "one"], ["compile"], ["x.toml", "--nonsense"], ["schema", "x"]]
)
def test_a_wrong_command_line_is_a_matter_of_usage(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)

    assert ended.value.code == Exit.USAGE
    assert "--help'." in capsys.readouterr().err


def test_the_version_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("coh-rtc ")
