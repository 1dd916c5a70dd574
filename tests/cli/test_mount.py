import signal

import pytest

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.mount import identity
from ninedoor.errors import TicketError
from ninedoor.policy.tickets import Ticket, mint
from tests.cli.conftest import Terminal

WORKER = mint(Ticket("worker-gpu", 0, subject="worker-2"), "any secret")
QUEEN = mint(Ticket("queen", 0), "any secret")


@pytest.mark.parametrize(
    ("role", "token", "uname"),
    [
        (None, "", "queen"),
        ("queen", "", "queen"),
        (None, QUEEN, "queen"),
        (None, WORKER, "worker-gpu:worker-2"),
        ("worker-gpu", WORKER, "worker-gpu:worker-2"),
        ("worker-heartbeat", WORKER, "worker-heartbeat:worker-2"),
        ("worker-gpu:other", WORKER, "worker-gpu:other"),
        ("worker-gpu:worker-1", "", "worker-gpu:worker-1"),
    ],
)
def test_the_role_comes_from_the_option_and_is_completed_by_the_ticket(
    role: str | None, token: str, uname: str
) -> None:
    assert identity(role, token) == uname


@pytest.mark.parametrize("role", ["emperor", "worker-gpu", "worker-x:1", "queen:1", "nobody", "worker-gpu:"])
def test_a_role_that_does_not_exist_is_refused(role: str) -> None:
    with pytest.raises(CommandFailure) as refused:
        identity(role, "")

    assert refused.value.status == Exit.USAGE


def test_a_malformed_ticket_is_refused() -> None:
    with pytest.raises(TicketError, match="ticket malformed"):
        identity(None, "cohesix-ticket-00")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--manifest", "none.toml", "m"], 1, "no manifest none.toml (named by --manifest)"),
        (["--manifest", "broken.toml", "m"], 32, "broken.toml:1: not valid TOML"),
        (["--ticket", "none", "m"], 2, "none: no such file or directory"),
        (["--role", "emperor", "m"], 1, "unknown role 'emperor'"),
        (["--log-file", "no/such/dir", "m"], 2, "no/such/dir: no such file or directory"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_mounted(
    terminal: Terminal, arguments: list[str], status: int, said: str
) -> None:
    terminal.mountpoint()
    (terminal.home / "broken.toml").write_text("no = toml = at all")
    for extra in ([], ["--daemon"]):
        done = terminal.run("mount", *extra, *arguments)

        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.startswith("ninedoor mount: ")
        assert said in done.stderr


@pytest.mark.mount
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "bogus", "m"], "mount option 'bogus' is not known"),
        (["none"], "none does not exist"),
        (["full"], "is not empty"),
        (["full/file"], "is not a directory"),
        (["--state", "full/file", "m"], "full/file"),
    ],
)
def test_a_place_that_cannot_be_mounted_is_a_mount_failure(
    terminal: Terminal, arguments: list[str], said: str
) -> None:
    terminal.mountpoint()
    (terminal.mountpoint("full") / "file").touch()
    done = terminal.run("mount", *arguments)

    assert (done.returncode, done.stdout) == (Exit.FAILED, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.mount
def test_a_directory_is_mounted_once_only_and_a_state_used_once_only(terminal: Terminal) -> None:
    terminal.mountpoint("a")
    terminal.mountpoint("b")
    terminal.serve("--state", "s", "a")
    place_taken = terminal.run("mount", "a")
    state_taken = terminal.run("mount", "--state", "s", "b")

    assert (place_taken.returncode, state_taken.returncode) == (Exit.FAILED, Exit.FAILED)
    assert "a is mounted already" in place_taken.stderr
    assert f"in use by pid {terminal.serving[0].pid}" in state_taken.stderr


@pytest.mark.mount
def test_mounting_over_a_hive_that_hangs_is_refused_without_waiting_for_it(terminal: Terminal) -> None:
    terminal.mountpoint()
    process = terminal.serve("m")
    process.send_signal(signal.SIGSTOP)
    done = terminal.run("mount", "m")
    process.send_signal(signal.SIGCONT)

    assert done.returncode == Exit.FAILED
    assert "m is mounted already" in done.stderr
