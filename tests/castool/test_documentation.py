"""The commands in docs/UPDATES.md and README.md are right."""

import re
import shlex
from pathlib import Path

import pytest

from ninedoor.castool.arguments import describe
from ninedoor.cli import arguments as ninedoor
from tests.castool.conftest import Tool

TOP = Path(__file__).parents[2]
COMMANDS = [
    command
    for document in ("docs/UPDATES.md", "README.md")
    for command in re.findall(r"(?m)^\$ ((?:cas-tool|ninedoor) [^#|;>\n]*)", (TOP / document).read_text())
]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_parses(line: str) -> None:
    program, *words = shlex.split(line)
    parser = describe() if program == "cas-tool" else ninedoor.describe()
    parser.parse_args(words)


def test_there_are_commands_of_every_kind() -> None:
    said = " ".join(COMMANDS)

    for command in ("list", "pack", "upload", "download", "verify", "inspect", "keygen"):
        assert f"cas-tool {command} " in said


def test_the_manifest_in_the_text_has_the_chunks_that_packing_takes(tool: Tool) -> None:
    (size,) = re.findall(r"(?m)^chunk_bytes = (\d+)", (TOP / "docs/UPDATES.md").read_text())
    tool.run("pack", "--epoch", "1", "--input", tool.file("p", b"x"))

    assert f"chunks of {size} bytes" in tool.err
