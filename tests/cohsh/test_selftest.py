"""`test` runs what the hive brings along."""

import json

import pytest

from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply
from ninedoor.providers.selftests import SCRIPTS
from tests.cohsh.shells import Memory, on_a_hive, scripted


def commands(text: str) -> list[str]:
    """Those of a script."""
    return [row for row in text.splitlines() if not row.startswith(("#", "EXPECT "))]


QUICK, FULL, NEGATIVE = (commands(SCRIPTS[f"selftest_{name}.coh"]) for name in ("quick", "full", "negative"))

MISSING = "ERR LS reason=policy detail=invalid-path"

SCRIPT = ("ping", "EXPECT OK", "spawn heartbeat ticks=1", "EXPECT OK", "ls /nowhere", "EXPECT OK")


def hive(command: Command) -> Reply | None:
    """One with a script that fails in its last check."""
    if command.verb == "cat" and command.path == "/proc/tests/selftest_quick.coh":
        return Reply(("OK CAT path=x data=",), SCRIPT)
    if command.verb == "ls":
        return Reply((MISSING,))
    return None


def test_each_command_is_a_check() -> None:
    outcome = scripted(hive).run("test --json")
    report = json.loads(outcome.responses[0].text)

    assert not outcome.ok
    assert (report["ok"], report["mode"], report["version"]) == (False, "quick", "1")
    assert [(check["name"], check["ok"]) for check in report["checks"]] == [
        ("ping", True),
        ("spawn heartbeat ticks=1", True),
        ("ls /nowhere", False),
    ]
    assert report["checks"][2]["detail"] == "reason: EXPECT OK failed"
    assert len(outcome.responses) == 1
    assert (
        report["checks"][2]["transcript_excerpt"] == "last response: ERR LS reason=policy detail=invalid-path"
    )


def test_a_person_reads_a_line_for_each_check() -> None:
    outcome = scripted(hive).run("test")

    assert [response.text for response in outcome.responses] == [
        "ping: ok",
        "spawn heartbeat ticks=1: ok",
        f"ls /nowhere: failed: reason: EXPECT OK failed; last response: {MISSING}",
        "ERR TEST reason=policy mode=quick checks=3 failed=1",
    ]


def test_nothing_is_changed_where_that_is_asked_for() -> None:
    outcome = scripted(hive).run("test --no-mutate --timeout 5")

    assert outcome.responses[-1].text == "ERR TEST reason=policy mode=quick checks=2 failed=1"


@pytest.mark.parametrize(("mode", "checks"), [("quick", len(QUICK)), ("full", len(FULL) + len(NEGATIVE))])
def test_a_hive_brings_tests_along_that_it_passes(mode: str, checks: int) -> None:
    with on_a_hive() as shell:
        outcome = shell.run(f"test --mode {mode}")

    assert outcome.ok
    assert outcome.responses[-1].text == f"OK TEST mode={mode} checks={checks} failed=0"


def test_the_session_is_the_same_after_a_test() -> None:
    with on_a_hive() as shell:
        shell.run("test --mode full")

        assert shell.attached == "queen"
        assert shell.run("ls /proc/tests").ok


def test_a_hive_without_tests_says_so() -> None:
    shell = scripted(lambda command: Reply(("ERR CAT reason=policy detail=invalid-path",)))
    outcome = shell.run("test --mode full")

    assert isinstance(shell.output, Memory)
    assert "[cohsh] this hive has no self-test /proc/tests/selftest_full.coh" in shell.output.notices
    assert outcome.responses[-1].text.startswith("ERR CAT reason=policy detail=invalid-path")


def test_a_script_of_the_hive_ends_with_its_quit_and_the_session_does_not() -> None:
    def answer(command: Command) -> Reply | None:
        return (
            Reply(("OK CAT",), ("ping", "EXPECT OK", "quit", "ls /nowhere"))
            if command.verb == "cat"
            else None
        )

    shell = scripted(answer)
    outcome = shell.run("test")

    assert outcome.responses[-1].text == "OK TEST mode=quick checks=1 failed=0"
    assert not outcome.ends


def test_a_script_that_is_none_is_not_run() -> None:
    shell = scripted(
        lambda command: Reply(("OK CAT",), ("test", "EXPECT OK")) if command.verb == "cat" else None
    )
    outcome = shell.run("test")

    assert outcome.responses[0].text == (
        "ERR TEST reason=policy detail=invalid-script path=/proc/tests/selftest_quick.coh"
    )
