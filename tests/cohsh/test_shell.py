"""What a line comes to: answers, advice, failures."""

import errno

import pytest

from cohsh.output import Response
from cohsh.shell import PAYLOAD_MAX, Outcome
from cohsh.transports.transport import Unreachable
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply
from ninedoor.errors import P9Error
from tests.cohsh.shells import Memory, Scripted, on_a_hive, scripted


def test_the_last_acknowledgement_is_what_counts() -> None:
    ack, line = Response("ack", "OK PING"), Response("output", "PONG")

    assert Outcome([ack, line]).last == ack
    assert Outcome([line]).last == line
    assert Outcome().last is None


@pytest.mark.parametrize(
    ("line", "ack"),
    [
        ("frobnicate", "ERR PARSE reason=policy detail=unsupported console command"),
        ("", "ERR PARSE reason=policy detail=unsupported console command"),
        ("cat", "ERR PARSE reason=policy detail=missing required argument: path"),
        ("cat /a /b", "ERR PARSE reason=policy detail=too many arguments"),
        ("kill", "ERR PARSE reason=policy detail=missing required argument: worker"),
        (
            "lifecycle sleep",
            "ERR PARSE reason=policy detail=unknown action: cordon, drain, resume, quiesce, reset",
        ),
        ("telemetry", "ERR PARSE reason=policy detail=usage: telemetry push <file> --device <id>"),
        ("tcp-diag 0", "ERR PARSE reason=policy detail=invalid value for argument port"),
        ("test --mode slow", "ERR PARSE reason=policy detail=--mode is quick or full"),
        ("cat x", "ERR CAT reason=policy detail=invalid-path path=x error=invalid path"),
    ],
)
def test_what_is_no_command_is_not_sent(line: str, ack: str) -> None:
    shell = scripted()
    outcome = shell.run(line)

    assert (outcome.ok, [response.text for response in outcome.responses]) == (False, [ack])
    assert isinstance(shell.transport, Scripted)
    assert shell.transport.asked == []


def test_more_than_a_message_carries_is_not_sent() -> None:
    shell = scripted()
    fits = shell.run(f"echo {'x' * (PAYLOAD_MAX - 1)} > /x")
    over = shell.run(f"echo {'x' * PAYLOAD_MAX} > /x")

    assert fits.ok
    assert [r.text for r in over.responses] == [
        "ERR ECHO reason=quota detail=buffer-full path=/x error=buffer full"
    ]


def test_verbs_are_told_apart_without_case() -> None:
    assert scripted().run("PING").ok


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (Unreachable("nobody there"), "nobody there"),
        (P9Error(errno.ESTALE, "another node had its name"), "ESTALE: another node had its name"),
    ],
    ids=["hive", "file"],
)
def test_what_can_no_longer_be_reached_is_a_failure_without_an_answer(gone: Exception, told: str) -> None:
    def away(_command: Command) -> Reply:
        raise gone

    shell = scripted(away)
    outcome = shell.run("ping")

    assert (outcome.ok, outcome.responses, outcome.failure) == (False, [], told)
    assert isinstance(shell.output, Memory)
    assert shell.output.notices == [f"Error: {told}"]


def test_a_session_has_a_number_and_a_role() -> None:
    with on_a_hive() as shell:
        shell.run("detach")
        assert shell.attached == ""
        outcome = shell.run("login queen")

    assert shell.attached == "queen"
    assert [response.text for response in outcome.responses] == [
        "OK ATTACH role=queen",
        "attached session SessionId(2) as Queen",
    ]


def test_a_long_spawn_goes_by_the_consoles_spawn_and_nothing_else_does() -> None:
    shell = scripted()
    assert isinstance(shell.transport, Scripted)
    short, long = (f'{{"kill":"{"w" * size}"}}' for size in (20, 130))
    shell.run(f"spawn {short}")
    shell.run(f"spawn {long}")
    shell.run(f"kill {'w' * 130}")

    assert shell.transport.asked == [
        Command("echo", path="/queen/ctl", payload=short),
        Command("spawn", payload=long),
        Command("echo", path="/queen/ctl", payload=long),
    ]


@pytest.mark.parametrize(
    ("line", "notices"),
    [
        ("cat", ["[cohsh] usage: cat <path>"]),
        ("atach queen", ["[cohsh] did you mean attach? help lists the commands"]),
        ("cat proc/boot", ["[cohsh] path 'proc/boot' is not absolute: begin it with /"]),
    ],
)
def test_a_slip_gets_one_hint_that_fits(line: str, notices: list[str]) -> None:
    shell = scripted()
    shell.run(line)

    assert isinstance(shell.output, Memory)
    assert shell.output.notices == notices


def test_help_shows_one_verb_where_one_is_named() -> None:
    shown = scripted().run("help CAT").responses

    assert [response.text for response in shown] == ["  cat <path> - show a file"]
    assert not scripted().run("help dance").ok
