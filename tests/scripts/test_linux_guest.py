"""scripts/linux-guest: what comes out of a guest, and what its exit status says."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests.linux_guests import LINUX_GUEST, run_in_guest

MODULES = LINUX_GUEST.with_name("linux-guest.d")


def linux_guest(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(LINUX_GUEST), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


# -- without a guest


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(MODULES))
    for name in ("failure", "machine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    imported = importlib.import_module("machine")
    for name in ("failure", "machine"):
        monkeypatch.delitem(sys.modules, name)
    return imported


SERIAL = b"boot noise\n@@1 begin 1.5\none\n@@ not the mark\n@@1 exi\ntwo@@1 exit 3\nreboot\n"
OUTPUT = b"one\n@@ not the mark\n@@1 exi\ntwo"


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(SERIAL)])
def test_the_output_lies_between_the_marks_however_it_arrives(machine: ModuleType, size: int) -> None:
    transcript = machine.Transcript("@@1")
    pieces = [SERIAL[at : at + size] for at in range(0, len(SERIAL), size)]

    assert b"".join(transcript.feed(piece) for piece in pieces).startswith(OUTPUT)
    assert (transcript.began, transcript.status) == (True, 3)


def test_output_is_passed_on_before_the_script_ends(machine: ModuleType) -> None:
    transcript = machine.Transcript("@@1")

    assert transcript.feed(b"@@1 begin 1\nfirst\n@@") == b"first\n"
    assert transcript.feed(b" second") == b"@@ second"
    assert transcript.status is None


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("run",),
        ("run", "--no-such-option", "script"),
        ("run", "--timeout", "soon", "script"),
        ("run", "/no/such/script"),
        ("run", "--export", "nothing", os.devnull),
        ("run", "--export", "tag=/no/such/directory", os.devnull),
        ("run", "--forward", "port=socket", os.devnull),
        ("prepare", "--kernel", "../no-package"),
    ],
)
def test_a_fault_of_the_harness_is_never_taken_for_the_scripts(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    cache = ["--cache", str(tmp_path)] if words and words[0] in ("run", "prepare") else []
    done = linux_guest(*words[:1], *cache, *words[1:])

    assert done.returncode == 125
    assert done.stdout == ""
    assert done.stderr.startswith("linux-guest: ")


def test_without_a_kernel_it_says_what_to_run(tmp_path: Path) -> None:
    done = linux_guest("find", "--cache", str(tmp_path), "--kernel", "linux-image-x")

    assert done.returncode == 125
    assert done.stderr == (
        "linux-guest: linux-image-x is not prepared: run scripts/linux-guest prepare --kernel linux-image-x\n"
    )


def test_help_teaches(tmp_path: Path) -> None:
    done = linux_guest("--help")

    assert done.returncode == 0
    assert "mount -t 9p -o trans=tcp" in done.stdout
    assert "Example:" in done.stdout


def test_a_relay_copies_both_ways_until_a_side_ends(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        relay = subprocess.Popen(
            [sys.executable, str(LINUX_GUEST), "relay", str(tmp_path / "socket")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        peer, _address = listening.accept()
    assert relay.stdin is not None
    assert relay.stdout is not None
    relay.stdin.write(b"request")
    relay.stdin.flush()
    with peer:
        assert peer.recv(100) == b"request"
        peer.sendall(b"r" * 200_000)
    said = relay.stdout.read()
    relay.communicate(timeout=20)

    assert said == b"r" * 200_000
    assert relay.returncode == 0


# -- with one


@pytest.mark.linux_guest
def test_a_script_finds_what_it_was_given_and_its_status_is_told(tmp_path: Path) -> None:
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "file").write_text("content\n")
    (tmp_path / "tree" / "link").symlink_to("below/file")
    done = run_in_guest(
        *("--env", "WORD=two words", "--add", f"{tmp_path}/tree:/tree", "--program", "getconf"),
        script="""
            echo "$WORD"; cat /tree/link; readlink /tree/link
            getconf PAGESIZE
            echo complaint >&2
            grep -c 9p /proc/filesystems
            ip route; cat /etc/resolv.conf 2>/dev/null
            exit 7
        """,
    )

    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines() == [
        "two words",
        "content",
        "below/file",
        "4096",
        "complaint",
        "1",
    ]


@pytest.mark.slow
@pytest.mark.linux_guest
def test_a_guest_that_takes_too_long_is_stopped_and_what_it_said_is_kept() -> None:
    done = run_in_guest("--timeout", "8", script="echo begun; sleep 1000")

    assert done.returncode == 124
    assert done.stdout == "begun\n"
    assert "passed its time limit" in done.stderr


@pytest.mark.slow
@pytest.mark.linux_guest
def test_a_kernel_that_dies_is_told_apart_from_a_script_that_fails() -> None:
    done = run_in_guest(script="echo begun; echo c > /proc/sysrq-trigger; sleep 1000")

    assert done.returncode == 117
    assert done.stdout == "begun\n"
    assert "Kernel panic" in done.stderr


@pytest.mark.slow
@pytest.mark.linux_guest
def test_a_guest_that_ends_itself_proves_nothing() -> None:
    done = run_in_guest(script="echo begun; reboot -f; sleep 1000")

    assert done.returncode == 125
    assert "stopped before the script ended" in done.stderr


@pytest.mark.slow
@pytest.mark.linux_guest
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_qemu_does_not_outlive_it(number: signal.Signals) -> None:
    running = subprocess.Popen(
        [sys.executable, str(LINUX_GUEST), "run", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(b"echo begun; sleep 1000")
    running.stdin.close()
    assert running.stdout.readline() == b"begun\n"
    (qemu,) = _children(running.pid)
    running.send_signal(number)
    running.wait(20)
    running.stdout.close()

    deadline = time.monotonic() + 20
    while _runs(qemu):
        assert time.monotonic() < deadline, "QEMU runs on"
        time.sleep(0.02)


def _children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _runs(process: int) -> bool:
    try:
        return "qemu" in Path(f"/proc/{process}/comm").read_text()
    except FileNotFoundError:
        return False
