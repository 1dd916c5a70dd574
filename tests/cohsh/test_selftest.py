"""`test` runs what the hive brings along."""

import json

from cohsh.transports.transport import Reply
from ninedoor.console.grammar import Command
from tests.cohsh.shells import Memory, on_a_hive, scripted

SCRIPT = ("ping", "EXPECT OK", "spawn heartbeat ticks=1", "EXPECT OK", "ls /nowhere", "EXPECT OK")


def hive(command: Command) -> Reply | None:
    """One with a script that fails in its last check."""
    if command.verb == "cat" and command.path == "/proc/tests/selftest_quick.coh":
        return Reply(("OK CAT path=x data=",), SCRIPT)
    if command.verb == "ls":
        return Reply(("ERR LS reason=policy detail=invalid-path",))
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
    assert outcome.responses[1].text == "ERR TEST reason=policy mode=quick checks=3 failed=1"


def test_nothing_is_changed_where_that_is_asked_for() -> None:
    outcome = scripted(hive).run("test --no-mutate --timeout 5")

    assert outcome.responses[0].text == "ERR TEST reason=policy mode=quick checks=2 failed=1"


def test_a_hive_without_tests_says_so() -> None:
    with on_a_hive() as shell:
        outcome = shell.run("test --mode full")

    assert isinstance(shell.output, Memory)
    assert "[cohsh] this hive has no self-test /proc/tests/selftest_full.coh" in shell.output.notices
    assert outcome.responses[-1].text.startswith("ERR CAT reason=policy detail=invalid-path")


def test_a_script_that_is_none_is_not_run() -> None:
    shell = scripted(
        lambda command: Reply(("OK CAT",), ("test", "EXPECT OK")) if command.verb == "cat" else None
    )
    outcome = shell.run("test")

    assert outcome.responses[0].text == (
        "ERR TEST reason=policy detail=invalid-script path=/proc/tests/selftest_quick.coh"
    )
