"""URLs on a command line, and what a program need not import to call a hive."""

import subprocess
import sys
from pathlib import Path

import pytest

from ninedoor.cli.addresses import located
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.client.address import UnixAddress

CALLERS = ("ninedoor.cli.hives", "ninedoor.castool.ways.remote", "ninedoor.castool.patience", "cohsh.main")


def test_the_path_of_a_socket_is_relative_to_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert located("unix:hive.sock?x=1") == (UnixAddress(f"{tmp_path}/hive.sock"), {"x": "1"})


def test_what_is_no_url_is_a_wrong_command_line() -> None:
    with pytest.raises(CommandFailure) as refused:
        located("udp://host:1")

    assert refused.value.status == Exit.USAGE
    assert "udp" in refused.value.text


@pytest.mark.parametrize("module", CALLERS)
def test_who_only_calls_a_hive_does_without_the_manifest(module: str) -> None:
    program = (
        f"import sys, {module}; sys.exit(', '.join({{'pydantic', 'ninedoor.manifest'}} & {{*sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.stderr.strip() == ""
