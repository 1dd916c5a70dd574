"""The script language: what is a script, what is expected, and how a failure reads."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohsh.commands import RUNS
from cohsh.output import Silent
from cohsh.policy import Policy
from cohsh.script import STATEMENTS_MAX, Run, ScriptError, Statement, parse
from cohsh.shell import Shell
from cohsh.transports.inprocess import Mock
from tests.deployment import CONFIG


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A shell on a hive of its own."""
    notices: list[str] = []
    transport = Mock(CONFIG, notices.append)
    yield Shell(transport, Silent(), Policy(), RUNS)
    transport.close()


def statements(text: str) -> list[Statement]:
    return parse(text, RUNS.__contains__)


def failure(shell: Shell, text: str) -> str:
    with pytest.raises(ScriptError) as failed:
        Run(shell, lambda _seconds: None).run(statements(text))
    return str(failed.value)


def test_comments_and_blank_lines_are_no_statements() -> None:
    assert statements("# why\n\n  ping # now\necho 'a # b' > /x\n") == [
        Statement(3, "ping"),
        Statement(4, "echo 'a"),
    ]


def test_keywords_carry_what_follows() -> None:
    assert statements('EXPECT SUBSTR "a  b"\nWAIT 2000\nEXPECT OK') == [
        Statement(1, 'EXPECT SUBSTR "a  b"', "EXPECT", 'SUBSTR "a  b"'),
        Statement(2, "WAIT 2000", "WAIT", "2000"),
        Statement(3, "EXPECT OK", "EXPECT", "OK"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("ping\nWAIT 2001", 2, "WAIT takes milliseconds from 0 to 2000, not '2001'"),
        ("WAIT soon", 1, "WAIT takes milliseconds"),
        ("EXPECT", 1, "EXPECT takes OK, ERR, SUBSTR <text> or NOT <text>, not ''"),
        ("EXPECT OK now", 1, "EXPECT OK takes no text"),
        ("EXPECT NOT", 1, "EXPECT NOT takes a text"),
        ("expect OK", 1, "unknown statement 'expect'"),
        ("\nfrobnicate", 2, "unknown statement 'frobnicate'"),
        ("ping\n" * (STATEMENTS_MAX + 1), STATEMENTS_MAX + 1, "257 statements, over 256"),
    ],
)
def test_what_is_no_script_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(ScriptError) as wrong:
        statements(text)

    assert wrong.value.line == line
    assert why in str(wrong.value)


@given(st.text())
def test_no_text_makes_the_parser_raise_anything_else(text: str) -> None:
    with suppress(ScriptError):
        statements(text)


def test_a_failed_expectation_is_reported_with_what_led_to_it(shell: Shell) -> None:
    assert failure(shell, "attach queen\necho x > /proc/boot\nEXPECT OK\nping") == (
        "script failure at line 3: EXPECT OK\n"
        "reason: EXPECT OK failed\n"
        "last command: echo x > /proc/boot\n"
        "last response: ERR ECHO reason=policy detail=denied path=/proc/boot error=EPERM\n"
        "last response source: ack\n"
        "recent responses:\n"
        "  - [ack] OK ATTACH role=queen\n"
        "  - [output] attached session SessionId(1) as Queen\n"
        "  - [ack] ERR ECHO reason=policy detail=denied path=/proc/boot error=EPERM"
    )


def test_a_refusal_that_nothing_expects_ends_the_run(shell: Shell) -> None:
    report = failure(shell, "attach queen\ncat /nowhere\nping\nEXPECT OK")

    assert report.startswith(
        "script failure at line 2: cat /nowhere\nreason: command failed: ERR CAT reason="
    )


def test_an_expectation_before_any_command_has_nothing_to_look_at(shell: Shell) -> None:
    assert "last command: none\nlast response: none" in failure(shell, "EXPECT OK")


def test_the_last_acknowledgement_counts_not_the_lines_behind_it(shell: Shell) -> None:
    Run(shell).run(
        statements(
            "attach queen\nEXPECT SUBSTR role=queen\nls /log\nEXPECT SUBSTR entries=1\nEXPECT NOT queen.log\n"
            "help\nEXPECT SUBSTR quit - leave\nWAIT 0"
        )
    )


def test_no_statements_are_carried_out_too(shell: Shell) -> None:
    Run(shell).run([])


def test_quit_ends_the_run_and_the_rest_is_not_read(shell: Shell) -> None:
    Run(shell).run(statements("quit\ncat /nowhere"))


def test_waits_are_slept_in_seconds(shell: Shell) -> None:
    slept: list[float] = []
    Run(shell, slept.append).run(statements("WAIT 250\nWAIT 1"))

    assert slept == [0.25, 0.001]
