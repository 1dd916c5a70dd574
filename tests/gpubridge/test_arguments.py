import argparse

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.gpubridge.arguments import default_jobs, describe


def parsed(*words: str) -> argparse.Namespace:
    arguments: argparse.Namespace = describe().parse_args(words)
    return arguments


def test_something_is_to_be_done_and_one_thing_only(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("--list", "--run")):
        with pytest.raises(SystemExit) as left:
            parsed(*words)
        assert left.value.code == Exit.USAGE
    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "0"), ("--port", "65536"), ("--streams", "256"), ("--jobs", "x")]
)
def test_numbers_are_within_their_bounds(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--run", option, value)

    assert f"{value!r} is no whole number from 1 to" in capsys.readouterr().err


def test_defaults_are_those_of_the_original() -> None:
    arguments = parsed("--mock", "--publish")

    assert (arguments.host, arguments.port, arguments.ticket) == ("127.0.0.1", 31337, "")
    assert default_jobs(1000) == 1000
    assert default_jobs(0) >= 1
