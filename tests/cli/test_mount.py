import signal

import pytest

from ninedoor.cli.exits import Exit
from tests.cli.conftest import Terminal


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["unix:s", "m"], "argument DIR: the directory comes first, then unix:s"),
        (
            ["m", "unix:s", "--state", "d"],
            "--state makes no sense here: that is for the process behind unix:s",
        ),
        (["m", "unix:s", "--manifest", "f"], "--manifest makes no sense here"),
        (["m", "unix:s", "--listen", "unix:t"], "--listen makes no sense here"),
        (["m", "unix:s", "--beyond-loopback"], "--beyond-loopback makes no sense here"),
        (["m", "--deadline", "5"], "--deadline makes no sense here: the hive is in the mount's own process"),
        (["m", "tcp://127.0.0.1:9"], "tcp://127.0.0.1:9: over TCP a hive wants a ticket: name its file with"),
        (
            ["m", "unix:s?profile=linux"],
            "options are for --listen; a mount has --role, --ticket and --deadline",
        ),
        (["m", "tcp://127.0.0.1"], "'tcp://127.0.0.1' is no host and port; write tcp://host:port"),
        (["m", "tcp://127.0.0.1:99999"], "port 99999 over 65535"),
        (["m", "hive.toml"], "argument URL: 'hive.toml' is neither unix:/path nor tcp://host:port"),
    ],
)
def test_what_makes_no_sense_together_is_a_wrong_line(
    terminal: Terminal, arguments: list[str], said: str
) -> None:
    terminal.mountpoint()
    done = terminal.run("mount", *arguments)

    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert said in done.stderr
