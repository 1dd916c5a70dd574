import argparse
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from ninedoor.cli.exits import MEANINGS, CommandFailure, Exit
from ninedoor.cli.main import COMMANDS, carry_out, resolve
from ninedoor.errors import ManifestError, StoreError


def raising(failure: BaseException) -> Callable[[argparse.Namespace], int]:
    def command(_arguments: argparse.Namespace) -> int:
        raise failure

    return command


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (CommandFailure(Exit.USAGE, "no such thing"), 1, "x: no such thing\n"),
        (ManifestError(["a is wrong", "b too"]), 32, "x: a is wrong\nx: b too\n"),
        (StoreError("in use by pid 1"), 32, "x: in use by pid 1\n"),
        (PermissionError(13, "Permission denied", "/root/f"), 1, "x: /root/f: permission denied\n"),
        (FileNotFoundError(2, "No such file or directory", "f"), 2, "x: f: no such file or directory\n"),
        (OSError(28, "No space left on device"), 2, "x: no space left on device\n"),
        (KeyboardInterrupt(), 8, "x: interrupted\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_failure_is_a_line_and_a_status(
    failure: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carry_out(raising(failure), argparse.Namespace(), "x") == status
    assert capsys.readouterr().err == said


def test_a_bug_is_logged_with_its_traceback_and_is_an_internal_error(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    status = carry_out(raising(ValueError("what")), argparse.Namespace(), "x")

    assert status == Exit.INTERNAL
    assert capsys.readouterr().err == "x: internal error: ValueError: what\n"
    assert caplog.records[0].exc_info is not None
    caplog.clear()


def test_statuses_are_those_of_mount_8() -> None:
    assert [int(status) for status in Exit] == [0, 1, 2, 4, 8, 32]
    assert set(MEANINGS) == set(Exit)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_loaded(command: str) -> None:
    assert callable(resolve(COMMANDS[command]))


def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ninedoor.cli.main", "completion", "bash"]
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (0, "")
