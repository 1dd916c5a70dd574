"""The operator's shell on a guest's serial line."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Unreachable
from ninedoor.console.grammar import Command
from tests.daemons import Daemons
from tests.guest.machines import TOP, booted, cannot_boot

pytestmark = pytest.mark.mount

SCRIPTS = TOP / "tests/cli"

NAMES = (
    "boot_v0",
    "console_basic",
    "9p_batch",
    "refused",
    "telemetry_push",
    "workers",
    "verbs",
    "session_pool",
    "selftest",
)
"""Regression scripts in an order in which one hive can be asked all of them."""

BOOT_S = 90


def cohsh(place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the shell to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COHSH_")}
    return subprocess.run(
        [sys.executable, "-m", "cohsh.main", "--transport", "qemu", *words],
        cwd=SCRIPTS,
        env=kept | {"PYTHONPATH": str(TOP), "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        timeout=BOOT_S,
        check=False,
    )


def await_queen(line: Path) -> None:
    """Wait until somebody can attach there, and leave nobody attached."""
    deadline = time.monotonic() + BOOT_S
    why = ""
    while time.monotonic() < deadline:
        transport = open_transport(Where("qemu", line=str(line)), list[str]().append)
        try:
            answer = transport.ask(Command("attach", role="queen"))
            if answer.ok:
                return
            why = answer.acks[0]
        except Unreachable as not_yet:
            why = str(not_yet)
        finally:
            transport.close()
        time.sleep(0.2)
    raise AssertionError(why)


@pytest.mark.timeout(180)
def test_scripts_pass_on_a_guests_console(
    tmp_path: Path, platform: str, link: list[str], hive: Daemons
) -> None:
    line = tmp_path / "line"
    with booted(tmp_path, platform, *link, "--set", "workers=0", "--serial", f"unix:{line}"):
        await_queen(line)
        scripts = [cohsh(tmp_path, "--line", str(line), "--script", f"{name}.cohsh") for name in NAMES]

    assert [(done.returncode, done.stderr.partition("Error")[2]) for done in scripts] == [(0, "")] * len(
        NAMES
    )


def test_a_guest_without_a_hive_says_so_and_goes_on(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform) as guest:
        guest.expect(r"\[NineDoor\] Root console ready")
        guest.type("attach queen\nattach queen aaaa\nping\n")
        guest.expect(r"ERR ATTACH reason=cut detail=root-unreachable$", count=2)
        guest.expect(r"OK PING reply=pong$")


@pytest.mark.timeout(180)
def test_a_guest_of_its_own_comes_and_goes_with_the_shell(tmp_path: Path) -> None:
    if (why_not := cannot_boot("virt")) is not None:
        pytest.skip(why_not)
    done = cohsh(tmp_path, "-c", "ls /log", "-c", "test --mode full")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[console] OK LS path=/log entries=1\nqueen.log\n")
    assert "OK TEST mode=full" in done.stdout
    assert list(tmp_path.glob("cohsh.*")) == []


def test_a_guest_that_cannot_start_says_why(tmp_path: Path) -> None:
    if (why_not := cannot_boot("virt")) is not None:
        pytest.skip(why_not)
    done = cohsh(tmp_path, "--qemu-bin", "no-such-qemu", "ping")

    assert done.returncode == 1
    assert "the guest did not start: qemu-run: no-such-qemu is missing" in done.stderr
    assert list(tmp_path.glob("cohsh.*")) == []
