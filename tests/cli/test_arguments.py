import argparse
import re
import subprocess
import sys

import pytest

from ninedoor.castool import arguments as castool
from ninedoor.cli import compiler
from ninedoor.cli.arguments import describe
from ninedoor.cli.exits import Exit
from ninedoor.cli.main import COMMANDS
from ninedoor.gpubridge import arguments as gpubridge

HEAVY = ("trio", "pyfuse3", "pydantic", "cryptography", "shtab")


def parse(line: str) -> dict[str, object]:
    return vars(describe().parse_args(line.split()))


def commands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                found += commands(command)
    return found


@pytest.mark.parametrize("parser", commands(describe()), ids=lambda parser: parser.prog)
def test_every_command_has_a_description_and_examples(parser: argparse.ArgumentParser) -> None:
    text = parser.format_help()

    assert parser.description
    assert "examples:" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("parser", commands(describe()), ids=lambda parser: parser.prog)
def test_every_example_parses(parser: argparse.ArgumentParser) -> None:
    _, _, examples = (parser.epilog or "").partition("examples:\n")
    lines = [line.strip() for line in examples.splitlines() if line.startswith("  ninedoor ")]

    assert lines
    for line in lines:
        command = re.split("  | >>? | [|] ", line)[0]
        describe().parse_args(command.split()[1:])


@pytest.mark.parametrize(
    "line",
    ["m unix:s --role queen", "m --role queen unix:s", "--role queen m unix:s", "--role queen -- m unix:s"],
)
def test_the_url_of_a_mount_may_stand_on_either_side_of_its_options(line: str) -> None:
    parsed = parse(f"mount {line}")

    assert (parsed["mountpoint"], parsed["url"], parsed["role"]) == ("m", "unix:s", "queen")


@pytest.mark.parametrize("line", ["m unix:s --role queen unix:t", "m --role queen n", "unix:s m"])
def test_nothing_else_may_stand_there(line: str) -> None:
    with pytest.raises(SystemExit):
        parse(f"mount {line}")


def test_every_command_is_carried_out_by_something() -> None:
    leaves = {
        parser.prog.removeprefix("ninedoor ")
        for parser in commands(describe())
        if not any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    }

    assert leaves == set(COMMANDS)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "bogus",
        "mount",
        "mount a b",
        "mount a unix:/s unix:/s",
        "mount a unix:/s --deadline 0",
        "mount a unix:/s --deadline nan",
        "mount a unix:/s --deadline 3601",
        "mount a unix:/s --deadline soon",
        "mount --daemon --foreground a",
        "serve a",
        "serve --role queen",
        "stop",
        "stop a b",
        "mount --man x a",
        "mount --log-format xml a",
        "ticket",
        "ticket mint",
        "ticket mint --role emperor",
        "ticket mint --role queen --ttl-s -1",
        "ticket mint --role queen --ttl-s 1.5",
        "ticket mint --role queen --ttl-s \u0661",
        "ticket mint --role queen --scope log:read",
        "ticket mint --role queen --scope /log",
        "ticket mint --role queen --scope /log:append",
        "ticket mint --role queen --scope /log:read:fast",
        "ticket mint --role queen --secret-file a --manifest b",
        "completion fish",
    ],
)
def test_a_wrong_line_is_refused_with_usage_and_a_pointer_to_help(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        describe().parse_args(line.split())

    said = capsys.readouterr()
    assert left.value.code == Exit.USAGE
    assert said.out == ""
    assert said.err.startswith("ninedoor")
    assert "--help" in said.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("init hive.toml --bogus", "ninedoor init: unrecognized arguments: --bogus"),
        ("mount --lisen x", "ninedoor mount: unrecognized arguments: --lisen; did you mean --listen?"),
        (
            "cas gc d --older=9",
            "ninedoor cas gc: unrecognized arguments: --older=9; did you mean --older-than?",
        ),
        ("serve a b", "ninedoor serve: unrecognized arguments: a b"),
        ("staus", "; did you mean status?"),
        ("ticket mnit", "; did you mean mint?"),
        ("serve --log-format jsn", "; did you mean json?"),
        ("xyzzy", "'completion')"),
    ],
)
def test_what_is_wrong_is_said_by_the_command_and_guessed(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        describe().parse_args(line.split())
    said, pointer = capsys.readouterr().err.splitlines()

    assert said.startswith(told) or said.endswith(told)
    assert pointer == f"Try '{said.partition(':')[0]} --help'."


@pytest.mark.parametrize(
    ("parser", "own"),
    [
        (describe(), True),
        (compiler.describe(), False),
        (castool.describe(), False),
        (gpubridge.describe(), False),
    ],
    ids=lambda value: getattr(value, "prog", ""),
)
def test_each_program_speaks_of_itself(
    parser: argparse.ArgumentParser, own: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["--version"])
    status = (parser.epilog or "").partition("exit status:")[2]

    assert capsys.readouterr().out == f"{parser.prog} 0.1.0\n"
    assert ("doctor" in status, "for mount and serve" in status) == (own, own)


def test_a_scope_is_path_verb_and_rate() -> None:
    line = "ticket mint --role queen --scope /log:read:10 --scope /a:b:write --scope /q:read-write"

    assert parse(line)["scopes"] == [("/log", "read", 10), ("/a:b", "write", 0), ("/q", "read-write", 0)]


def test_a_budget_not_given_differs_from_one_that_is_lifted() -> None:
    given = parse("ticket mint --role queen --ops none --ttl-s 60")

    assert (given["ops"], given["ttl_s"], "ticks" in given) == (None, 60, False)


def test_options_of_several_o_are_kept_apart() -> None:
    assert parse("mount -o allow_other,ro -o fsname=x d")["options"] == ["allow_other,ro", "fsname=x"]


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from ninedoor.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"sys.exit(', '.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ninedoor")


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        describe().parse_args(["--version"])

    assert left.value.code == 0
    assert capsys.readouterr().out == "ninedoor 0.1.0\n"
