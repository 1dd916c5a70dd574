"""A mount over a socket while its server hangs, dies and comes back, and beside other mounts of one hive."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ninedoor.cli.locate import stock_manifest
from ninedoor.doors.fuse.mounts import is_ours, mounted_on
from tests.deployment import PROC
from tests.mount.conftest import PATIENCE_S, Hive, Server

pytestmark = pytest.mark.mount

DEADLINE = "--deadline", "1"
"""Long enough for a busy machine, short enough to wait for."""

TIMED_OUT = "Connection timed out"

SPAWN = """echo '{"spawn":"heartbeat","ticks":100}' > queen/ctl"""


@pytest.fixture
def state(tmp_path: Path) -> tuple[str, str]:
    return "--state", str(tmp_path / "state")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def outside(hive: Hive, script: str) -> "subprocess.CompletedProcess[str]":
    """Run a bash script that finds the mount at $HIVE and begins somewhere else: even to go there takes a
    server."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd="/",
        env=os.environ | {"HIVE": str(hive.place), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def answers(hive: Hive) -> bool:
    return outside(hive, "cat $HIVE/proc/boot").returncode == 0


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


class Lossy(Server):
    """A server whose mounts lose their connection, and say so."""

    LOSSES = "connection to unix:", "ninedoor.doors.stream.drops"

    def close(self) -> list[str]:
        return [line for line in super().close() if not any(words in line for words in self.LOSSES)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Lossy(tmp_path)
    yield started
    assert started.close() == []


# -- a server that does not answer


def test_a_server_that_hangs_times_readers_out_and_is_back_when_it_goes_on(server: Server) -> None:
    process = server.serve()
    hive = server.mount(*DEADLINE)
    process.send_signal(signal.SIGSTOP)

    for command in ("cat $HIVE/proc/boot", "ls $HIVE", "cd $HIVE", "echo x >> $HIVE/log/queen.log"):
        assert TIMED_OUT in outside(hive, command).stderr

    process.send_signal(signal.SIGCONT)
    until(lambda: answers(hive))
    assert hive.out("head -n 1 proc/boot").startswith("NineDoor")


def test_a_reader_of_an_open_file_is_timed_out_too(server: Server) -> None:
    process = server.serve()
    hive = server.mount(*DEADLINE)
    reader = hive.background(
        "bash", "-c", "exec 3< log/queen.log; echo open; read; cat <&3 2>&1; echo; echo over", stdin=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    process.send_signal(signal.SIGSTOP)

    said, _ = reader.communicate("\n", timeout=PATIENCE_S)

    assert TIMED_OUT in said
    assert said.endswith("over\n")


def test_many_readers_of_a_server_that_hangs_are_all_timed_out(server: Server) -> None:
    process = server.serve()
    hive = server.mount(*DEADLINE)
    process.send_signal(signal.SIGSTOP)

    said = outside(hive, "for n in $(seq 20); do cat $HIVE/proc/boot & done; wait").stderr

    assert said.count(TIMED_OUT) == 20


# -- a server that dies


def test_a_mount_goes_on_when_its_server_is_back(server: Server, state: tuple[str, str]) -> None:
    process = server.serve(*state)
    hive = server.mount(*DEADLINE)
    worker = hive.spawn()
    hive.out("echo before >> log/queen.log")
    kill(process)
    assert TIMED_OUT in outside(hive, "cat $HIVE/proc/boot").stderr

    server.serve(*state)
    until(lambda: answers(hive))

    assert hive.out("grep -c before log/queen.log") == "1\n"
    assert hive.out("ls worker") == f"{worker}\n"
    hive.out("echo after >> log/queen.log")
    assert hive.out("tail -n 1 log/queen.log") == "after\n"


HOLDER = """
log = os.open("log/queen.log", os.O_RDONLY)
size = len(os.read(log, 1 << 20))
telemetry = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND)
directory = os.open("worker", os.O_RDONLY)
print("open", flush=True)
sys.stdin.readline()

def tried(call, *arguments):
    try:
        return call(*arguments)
    except OSError as failed:
        return os.strerror(failed.errno)

print(tried(os.pread, log, 1 << 20, size))
print(tried(os.write, telemetry, b"written\\n"), tried(os.listdir, directory))
"""


def held(hive: Hive, worker: str) -> "subprocess.Popen[str]":
    """A process that has files open and will use them when it is told to."""
    holder = hive.background(
        "python3", "-c", "import os, sys\n" + HOLDER, f"worker/{worker}/telemetry", stdin=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    return holder


def test_what_is_open_stays_open_over_a_restart_of_the_same_hive(
    server: Server, state: tuple[str, str]
) -> None:
    process = server.serve(*state)
    hive = server.mount(*DEADLINE)
    worker = hive.spawn()
    holder = held(hive, worker)
    kill(process)
    server.serve(*state)
    until(lambda: answers(hive))
    hive.out("echo news >> log/queen.log")

    said, _ = holder.communicate("\n", timeout=PATIENCE_S)

    first, second = said.splitlines()
    assert first.endswith("news\\n'")
    assert second == f"8 ['{worker}']"


def test_what_was_open_is_stale_when_another_hive_has_taken_its_place(server: Server) -> None:
    process = server.serve()
    hive = server.mount(*DEADLINE)
    worker = hive.spawn()
    holder = held(hive, worker)
    kill(process)
    server.serve()
    until(lambda: answers(hive))

    said, _ = holder.communicate("\n", timeout=PATIENCE_S)

    assert said.splitlines() == ["Stale file handle", "Stale file handle Stale file handle"]
    assert hive.out("ls worker") == ""
    assert hive.spawn() == "worker-1"


def test_while_the_server_stays_away_nobody_waits_for_it(server: Server) -> None:
    process = server.serve()
    hive = server.mount("--deadline", "0.5")
    kill(process)
    assert TIMED_OUT in outside(hive, "cat $HIVE/proc/boot").stderr
    until(lambda: refused_within(hive, 0.3))


def refused_within(hive: Hive, seconds: float) -> bool:
    """Not a measurement: a mount that waits takes its deadline each time, and is asked until it does not."""
    begun = time.monotonic()
    assert TIMED_OUT in outside(hive, "exec stat $HIVE/proc").stderr
    return time.monotonic() - begun < seconds


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_a_mount_whose_server_is_dead_can_be_unmounted(server: Server, how: signal.Signals) -> None:
    process = server.serve()
    hive = server.mount("--deadline", "300")
    process.send_signal(how)

    done = server.command("umount", str(hive.place))

    assert (done.returncode, done.stderr) == (0, "")
    assert mounted_on(str(hive.place)) is None
    assert hive.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_a_signal_ends_a_mount_whose_readers_wait_for_a_dead_server(
    server: Server, how: signal.Signals
) -> None:
    process = server.serve()
    hive = server.mount("--deadline", "300")
    reader = hive.background("bash", "-c", "exec 3< log/queen.log; echo open; cat <&3 2>&1")
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    process.send_signal(how)
    waiter = subprocess.Popen(["cat", f"{hive.place}/proc/boot"], cwd="/", stderr=subprocess.PIPE)
    hive.process.send_signal(signal.SIGTERM)

    assert hive.process.wait(timeout=PATIENCE_S) == 0
    assert mounted_on(str(hive.place)) is None
    reader.communicate(timeout=PATIENCE_S)
    waiter.communicate(timeout=PATIENCE_S)


# -- mounts that are killed


def test_a_killed_mount_leaves_the_hive_and_the_next_mount_clears_up(server: Server) -> None:
    server.serve()
    killed = server.mount()
    killed.out(SPAWN)
    kill(killed.process)
    assert is_ours(mounted_on(str(killed.place)))

    hive = server.mount()

    assert hive.out("ls worker") == "worker-1\n"
    until(lambda: "total=2 " in hive.out("cat proc/9p/sessions"))  # this mount's and the worker's


# -- several mounts of one hive


def ticket(server: Server, tmp_path: Path, *claims: str) -> str:
    path = tmp_path / "ticket"
    done = server.command("ticket", "mint", *claims, "--manifest", str(stock_manifest()))
    assert done.returncode == 0
    assert "WARNING: signed with a published sample secret" in done.stderr
    path.write_text(done.stdout)
    path.chmod(0o600)
    return str(path)


def test_two_mounts_of_one_daemon_have_binds_and_roles_of_their_own(server: Server, tmp_path: Path) -> None:
    queen = server.start("--listen", server.url)
    worker = queen.spawn()
    token = ticket(server, tmp_path, "--role", "worker-heartbeat", "--subject", worker)
    other = server.mount("--ticket", token)
    third = server.mount(place="third")

    queen.out("""echo '{"bind":{"from":"/log","to":"/mine"}}' > queen/ctl""")
    third.out("""echo '{"bind":{"from":"/proc","to":"/mine"}}' > queen/ctl""")

    assert queen.out("ls mine") == "queen.log\n"
    assert third.out("ls mine").split() == PROC
    assert "mine" in queen.out("ls").split()
    assert other.out("ls") == "log\nproc\nshard\nworker\n"
    assert "Operation not permitted" in other.error("cat queen/ctl")
    assert "Operation not permitted" in other.error("ls worker")
    other.out(f"echo from the worker >> worker/{worker}/telemetry")
    assert "from the worker" in queen.out(f"cat worker/{worker}/telemetry")
    assert queen.out("cat log/queen.log") == third.out("cat log/queen.log")


def test_a_worker_killed_through_one_mount_is_gone_from_the_other_at_once(server: Server) -> None:
    queen = server.start("--listen", server.url)
    other = server.mount()
    for _ in range(5):
        worker = queen.spawn()
        other.out(f"cat worker/{worker}/telemetry")
        assert other.out(f"stat -c %F worker/{worker}") == "directory\n"
        queen.out(f"""echo '{{"kill":"{worker}"}}' > queen/ctl""")
        assert "No such file" in other.error(f"stat worker/{worker}")
        assert other.out("ls worker") == ""


# -- size


def test_a_thousand_workers_are_listed_with_the_fids_of_an_ordinary_session(server: Server) -> None:
    server.serve()
    hive = server.mount()
    hive.out('for n in $(seq 1000); do echo \'{"spawn":"heartbeat","ticks":100}\'; done > queen/ctl')

    assert hive.out("ls worker | sort -V | tail -n 1") == "worker-1000\n"
    assert hive.out("ls -l worker | grep -c '^dr-xr-xr-x'") == "1000\n"
    first = "head -q -n 1 worker/worker-{1,500,1000}/telemetry"
    until(lambda: hive.out(first) == "heartbeat 1\n" * 3)


def test_a_mebibyte_in_one_write_and_one_read_arrives_whole(server: Server) -> None:
    server.serve()
    hive = server.mount()
    lines = "seq -f %0127g 8192 | head -c 1M"
    hive.out(f"{lines} | dd of=log/queen.log bs=1M iflag=fullblock oflag=append conv=notrunc status=none")

    assert hive.out(f"dd if=log/queen.log bs=1M status=none | cmp - <({lines})") == ""
