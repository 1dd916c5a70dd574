"""How a mount ends, and what is left of one that was killed."""

import os
import signal
import subprocess

import pytest

from ninedoor.doors.fuse.mounts import is_ours, mounted_on
from tests.mount.conftest import Server

pytestmark = pytest.mark.mount


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unmounts_even_while_files_are_open(server: Server, number: signal.Signals) -> None:
    hive = server.start()
    holder = hive.background("bash", "-c", "exec 3< log/queen.log; echo held; exec sleep 60")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    hive.process.send_signal(number)

    assert hive.process.wait(timeout=20) == 0
    assert mounted_on(str(hive.place)) is None
    holder.kill()
    holder.communicate()


def test_a_daemon_whose_mount_is_taken_away_ends(server: Server) -> None:
    hive = server.start()
    hive.run(f"cd / && fusermount3 -u {hive.place}")

    assert hive.process.wait(timeout=20) == 0


def test_a_killed_daemon_leaves_a_stale_mount_that_the_next_one_clears(server: Server) -> None:
    killed = server.start()
    killed.process.kill()
    killed.process.wait()
    assert is_ours(mounted_on(str(killed.place)))

    hive = server.start()
    assert "queen" in hive.out("ls").split()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_others_enter_where_they_are_allowed_and_as_far_as_modes_let_them(server: Server) -> None:
    hive = server.start("-o", "allow_other")

    def nobody(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=hive.place,
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout + done.stderr

    assert nobody("head -n 1 proc/boot") == hive.out("head -n 1 proc/boot")
    assert "Permission denied" in nobody("echo x > queen/ctl")
    assert "Permission denied" in nobody("cat queen/ctl")
    assert "Permission denied" in nobody("echo x >> log/queen.log")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_others_stay_outside_unless_they_are_allowed(server: Server) -> None:
    hive = server.start()
    done = subprocess.run(
        ["ls", "."],
        cwd=hive.place,
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        check=False,
    )

    assert b"Permission denied" in done.stderr


def test_a_read_only_mount_takes_no_commands(server: Server) -> None:
    hive = server.start("-o", "ro")

    assert "Read-only file system" in hive.error("echo x > queen/ctl")
    assert hive.out("head -n 1 proc/boot") != ""


def test_a_mount_serves_on_while_a_large_directory_is_listed(server: Server) -> None:
    hive = server.start()
    hive.out(
        """yes '{"spawn":"heartbeat","ticks":100}' | head -n 1000 | split -l 200 --filter='cat > queen/ctl'"""
    )

    assert hive.out("ls worker | wc -l") == "1000\n"
    hive.out("for n in 1 2 3 4; do ls -lR worker > /dev/null & done; cat proc/boot > /dev/null; wait")
    assert hive.out("ls -l worker | wc -l") == "1001\n"
