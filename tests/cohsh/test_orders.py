"""Why a ctl file refused a line, and what is a directory."""

import pytest

from cohsh.shell import Shell
from cohsh.transports.transport import Unreachable
from ninedoor.console.ack import err
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply, reply
from tests.cohsh.shells import Memory, Scripted, on_a_hive, scripted

REFUSED = err("ECHO", "policy", detail="invalid-payload", path="/queen/ctl", error="invalid payload")
KILL = '{"kill":"w"}'


def notices(shell: Shell) -> list[str]:
    assert isinstance(shell.output, Memory)
    return shell.output.notices


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("spawn heartbeat", "/queen/ctl says: invalid queen command: heartbeat spawn requires ticks"),
        ("kill worker-77", "/queen/ctl says: worker worker-77 not found"),
        ("mount nolog /x", "/queen/ctl says: service nolog not registered"),
        ('echo {"kill":"w"} > /queen/ctl', "/queen/ctl says: worker w not found"),
        ("lifecycle drain", "/queen/lifecycle/ctl says: lifecycle outstanding leases 1"),
        ("cat /log", "/log is a directory: ls /log shows what is in it"),
        ("tail /proc", "/proc is a directory: ls /proc shows what is in it"),
        (
            "cat /nowhere",
            "no file is there, or none of that kind: ls shows what is, and what a directory holds",
        ),
    ],
)
def test_a_refusal_comes_with_the_reason_of_the_hive(line: str, reason: str) -> None:
    with on_a_hive() as shell:
        if line == "lifecycle drain":
            shell.run("spawn heartbeat ticks=5")
            shell.run("lifecycle cordon")
        outcome = shell.run(line)

        assert not outcome.ok
        assert [response.source for response in outcome.responses] == ["ack"]
        assert notices(shell) == [f"[cohsh] {reason}"]


@pytest.mark.parametrize(
    "rows", [(), ("OK {}",), ('ERR EINVAL {"kill":"v"}: no v', "OK x"), ('ERR EINVAL {"kill":"v"}: no v',)]
)
def test_the_reason_of_another_line_is_not_given(rows: tuple[str, ...]) -> None:
    def answer(command: Command) -> Reply:
        return reply(REFUSED) if command.verb == "echo" else Reply(("OK TAIL path=x",), rows)

    shell = scripted(answer)
    shell.run("kill w")

    assert "cat shows why" in notices(shell)[0]


@pytest.mark.parametrize("fields", [{"detail": "denied"}, {"detail": "unauthenticated"}, {"error": "ELIMIT"}])
def test_who_may_not_write_is_not_asked_about_reading(fields: dict[str, str]) -> None:
    shell = scripted(lambda _command: reply(err("ECHO", "policy", **fields)))
    shell.run("kill w")

    assert isinstance(shell.transport, Scripted)
    assert shell.transport.asked == [Command("echo", path="/queen/ctl", payload=KILL)]


def test_a_hive_that_went_away_meanwhile_leaves_the_refusal_as_it_is() -> None:
    def answer(command: Command) -> Reply:
        if command.verb == "echo":
            return reply(REFUSED)
        raise Unreachable("gone")

    outcome = (shell := scripted(answer)).run("kill w")

    assert [response.text for response in outcome.responses] == [str(REFUSED)]
    assert "cat shows why" in notices(shell)[0]
