"""The tools an operator already knows, on the mounted hive."""

import os
import shutil

import pytest

from tests.mount.conftest import Hive

pytestmark = pytest.mark.mount


def test_ls_shows_types_modes_and_sorted_names(hive: Hive) -> None:
    names = hive.out("ls").split()
    assert {"log", "proc", "queen", "shard", "worker"} <= set(names)
    assert names == sorted(names)
    assert hive.out("ls -a queen") == ".\n..\nctl\nlifecycle\ntelemetry\n"
    modes = [line.split()[0] for line in hive.out("ls -l | tail -n +2").splitlines()]
    assert modes == ["dr-xr-xr-x"] * len(names)
    assert hive.out("stat -c %A queen/ctl proc/boot log/queen.log").split() == [
        "-rw-------",
        "-r--r--r--",
        "-rw-r--r--",
    ]


def test_echo_commands_and_cat_shows_how_they_ended(hive: Hive) -> None:
    worker = hive.spawn()

    assert worker in hive.out("ls worker").split()
    assert hive.out("tail -n 1 queen/ctl") == 'OK {"spawn":"heartbeat","ticks":100}\n'
    hive.out(f"""echo '{{"kill":"{worker}"}}' >> queen/ctl""")
    assert worker not in hive.out("ls worker").split()


def test_a_refused_command_fails_the_echo_and_cat_tells_why(hive: Hive) -> None:
    assert "write error: Invalid argument" in hive.error("echo nonsense > queen/ctl")
    assert hive.out("tail -n 1 queen/ctl").startswith("ERR EINVAL nonsense: ")
    assert "write error: No such file or directory" in hive.error(
        """echo '{"kill":"worker-999999"}' > queen/ctl"""
    )


def test_both_redirections_append_to_a_log(hive: Hive) -> None:
    hive.out("echo first >> log/queen.log; echo second > log/queen.log")

    assert hive.out("tail -n 2 log/queen.log") == "first\nsecond\n"


def test_cutting_an_open_log_to_nothing_is_ignored_like_the_redirection(hive: Hive) -> None:
    """Linux cannot tell the two apart when QEMU stands between."""
    before = hive.out("cat log/queen.log")

    assert hive.out("truncate -s 0 log/queen.log; touch -m log/queen.log; cat log/queen.log") == before


def test_python_appends_as_to_any_file(hive: Hive) -> None:
    hive.python("with open('log/queen.log', 'a') as log: print('from python', file=log)")

    assert hive.out("tail -n 1 log/queen.log") == "from python\n"


def test_two_appenders_never_tear_a_line(hive: Hive) -> None:
    hive.out("for p in a b; do (for n in $(seq 200); do echo torn-$p-$n >> log/queen.log; done) & done; wait")
    lines = [line for line in hive.out("cat log/queen.log").splitlines() if "torn" in line]

    assert sorted(lines) == sorted(f"torn-{p}-{n}" for p in "ab" for n in range(1, 201))


@pytest.mark.parametrize("option", ["-f", "-F"])
def test_tail_follows_a_log(hive: Hive, option: str) -> None:
    tail = hive.background("tail", "-s", "0.05", "-n", "0", option, "log/queen.log")
    try:
        # What was written before tail looked is not shown, so write until it answers.
        writer = hive.background("bash", "-c", "while sleep 0.02; do echo followed >> log/queen.log; done")
        assert tail.stdout is not None
        seen = [tail.stdout.readline() for _ in range(3)]
        writer.kill()
        writer.communicate()
    finally:
        tail.kill()
        tail.communicate()

    assert seen == ["followed\n"] * 3


def test_tools_that_look_at_the_size_and_tools_that_read_agree(hive: Hive) -> None:
    hive.out("echo something >> log/queen.log")
    for file in ("proc/boot", "log/queen.log", "proc/9p/sessions"):
        read = hive.out(f"cat {file} | wc -c")
        assert hive.out(f"wc -c < {file}") == read
        assert hive.out(f"stat -c %s {file}") == read


def test_grep_find_and_cp_walk_the_tree(hive: Hive, tmp_path: object) -> None:
    worker = hive.spawn()

    assert f"./log/queen.log:spawned {worker} " in hive.out("grep -r spawned .")
    assert f"./worker/{worker}/telemetry" in hive.out("find . -type f").splitlines()
    assert hive.out(f"cp -r proc log {tmp_path} && diff -r proc/boot {tmp_path}/proc/boot") == ""
    assert hive.out(f"cmp log/queen.log {tmp_path}/log/queen.log || true") == ""
    assert hive.out("find . -name boot -size +0").strip() == "./proc/boot"


def test_df_names_the_file_system(hive: Hive) -> None:
    source, kind = hive.out("df --output=source,fstype . | tail -n 1").split()

    assert source == "ninedoor" or source.startswith("unix:/")
    assert kind == "fuse.ninedoor"
    assert hive.out("stat -f -c %l .") == "64\n"


def test_a_megabyte_in_one_write_arrives_whole(hive: Hive) -> None:
    line = "l" * 1023
    options = "bs=1M iflag=fullblock oflag=append conv=notrunc status=none"
    hive.out(f"yes {line} | head -c 1M | dd of=log/queen.log {options}")

    assert hive.out(f"grep -c {line} log/queen.log") == "1024\n"


@pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed")
def test_less_shows_a_log(hive: Hive) -> None:
    hive.out("echo shown by less >> log/queen.log")

    assert "shown by less" in hive.out("less -F log/queen.log | tail -n 1")


@pytest.mark.skipif(shutil.which("script") is None, reason="script is not installed")
@pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed")
def test_less_follows_a_log(hive: Hive) -> None:
    less = hive.background("script", "-qec", "less +F log/queen.log", "/dev/null")
    writer = hive.background("bash", "-c", "while sleep 0.1; do echo seen live >> log/queen.log; done")
    try:
        assert less.stdout is not None
        assert any("seen live" in line for line in less.stdout)
    finally:
        for process in (writer, less):
            process.kill()
            process.communicate()


REFUSED = {
    "mkdir x": "Operation not permitted",
    "touch x": "Operation not permitted",
    "touch proc/boot": "Operation not permitted",
    "echo x > proc/x": "Operation not permitted",
    "rm -f proc/boot": "Operation not permitted",
    "rmdir worker": "Operation not permitted",
    "mv proc/boot x": "Operation not permitted",
    "ln proc/boot x": "Operation not permitted",
    "ln -s boot proc/x": "Operation not permitted",
    "mkfifo x": "Operation not permitted",
    "chmod 777 queen/ctl": "Operation not permitted",
    "chown 1:1 queen/ctl": "Operation not permitted",
    "truncate -s 1 log/queen.log": "Operation not permitted",
    "truncate -s 0 proc/boot": "Operation not permitted",
    "python3 -c 'import os; os.truncate(\"log/queen.log\", 0)'": "Operation not permitted",
    "echo x > proc/boot": "Operation not permitted",
    "setfattr -n user.x -v 1 proc/boot": "Operation not supported",
    "cat worker": "Is a directory",
    "cat nothing": "No such file or directory",
    "cat proc/boot/x": "Not a directory",
    f"cat {'x' * 65}": "File name too long",
    f"cat {'x' * 256}": "File name too long",
}
"""Command → what Linux calls the refusal, for root, whom mode bits do not stop."""


@pytest.mark.parametrize("command", REFUSED)
def test_what_the_namespace_does_not_do_is_refused_by_name(hive: Hive, command: str) -> None:
    program, _, _arguments = command.partition(" ")
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    said = hive.error(command)

    assert REFUSED[command] in said or (os.geteuid() != 0 and "Permission denied" in said)


def test_extended_attributes_are_not_supported_and_do_no_harm(hive: Hive) -> None:
    script = "try: os.{call}\nexcept OSError as refused: print(refused.errno)"
    for call in ("listxattr('proc/boot')", "getxattr('proc/boot', 'user.x')"):
        assert hive.python(script.format(call=call)) == "95\n"


def test_a_reader_that_loses_its_terminal_can_be_killed(hive: Hive) -> None:
    tail = hive.background("tail", "-f", "log/queen.log")
    tail.kill()

    assert tail.wait(timeout=5) == -9
    tail.communicate()


def test_many_readers_and_writers_at_once_agree(hive: Hive) -> None:
    hive.out("for n in $(seq 8); do (cat proc/boot > /dev/null; ls -lR . > /dev/null) & done; wait")
