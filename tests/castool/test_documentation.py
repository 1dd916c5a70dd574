"""The commands in docs/UPDATES.md are right."""

import re
import shlex
from pathlib import Path

import pytest

from ninedoor.castool.arguments import describe
from ninedoor.cli import arguments as ninedoor

DOCUMENT = Path(__file__).parents[2] / "docs" / "UPDATES.md"
COMMANDS = re.findall(r"(?m)^\$ ((?:cas-tool|ninedoor) [^#|\n]*)", DOCUMENT.read_text())


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_parses(line: str) -> None:
    program, *words = shlex.split(line)
    parser = describe() if program == "cas-tool" else ninedoor.describe()
    parser.parse_args(words)


def test_there_are_commands_of_every_kind() -> None:
    said = " ".join(COMMANDS)

    for command in ("pack", "upload", "download", "verify", "inspect", "keygen"):
        assert f"cas-tool {command} " in said
