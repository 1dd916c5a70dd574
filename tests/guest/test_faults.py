"""A component that does what it may not is stopped, told of, and started again; nothing else notices."""

import socket
from pathlib import Path

import pytest

from tests.guest.machines import booted, cannot_boot

STACK_INTO_TEXT = (
    "qXfer:features:read:target.xml:0,10",
    f"P1f={0x40200400.to_bytes(8, 'little').hex()}",
    "c",
)
"""For QEMU's debugging stub: let register 31, the stack pointer, be where nothing can be written, and go
on. The stub takes no register by its number before its description was asked for."""

TOLD = "[ninedoor:root-task] component misbehave "


@pytest.mark.parametrize(
    ("way", "fault"),
    [
        ("memory", r"fault memory pc=0x[0-9a-f]+ address=0x40400000$"),
        ("code", r"fault memory pc=0x[0-9a-f]+ address=0x[0-9a-f]+$"),
        ("capability", r"fault capability pc=0x[0-9a-f]+ address=0x63$"),
        ("die", r"fault exception pc=0x[0-9a-f]+ address=0x2000000$"),
    ],
)
def test_component_that_faults_is_revoked_and_started_again(
    tmp_path: Path, platform: str, way: str, fault: str
) -> None:
    with booted(tmp_path, platform, "--set", f"misbehave={way}") as guest:
        guest.expect(r"\[ninedoor:root-task\] component misbehave revoked for good after 3 starts$")
        faults = guest.expect(rf"\[ninedoor:root-task\] component misbehave {fault}", count=3)
        after = len([line for line in guest.lines if line.text.startswith("tick ")])
        guest.expect(r"tick \d+$", count=after + 2)
        said = [line.text for line in guest.lines]

    assert len(faults) == 3
    assert said.count(TOLD + "revoked, starts again") == 2
    assert said.count("PING 1") == 1
    assert not [line for line in said if "component user-component fault" in line or "PANIC" in line]


def test_component_that_spins_holds_up_nobody(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform, "--set", "misbehave=spin") as guest:
        guest.expect(r"\[ninedoor:root-task\] component misbehave fault silent for 3 s$")
        guest.expect(r"\[ninedoor:root-task\] spawned misbehave endpoint 2$")
        ticks = guest.expect(r"tick \d+$", count=5)

    assert [line.text for line in ticks] == [f"tick {number}" for number in range(1, len(ticks) + 1)]


def test_component_that_calls_without_end_is_stopped(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform, "--set", "misbehave=flood") as guest:
        guest.expect(r"\[ninedoor:root-task\] component misbehave revoked for good after 3 starts$")
        ticks = guest.expect(r"tick \d+$", count=5)
        said = [line.text for line in guest.lines]

    assert said.count(TOLD + "fault more than 64 calls in a second") == 3
    assert len([line for line in said if line.startswith("PING ")]) < 300
    assert [line.text for line in ticks] == [f"tick {number}" for number in range(1, len(ticks) + 1)]


def test_unknown_way_to_misbehave_is_told(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform, "--set", "misbehave=politely") as guest:
        guest.expect(r"\[ninedoor:root-task\] boot setting misbehave=politely: no such way$")


def test_overrun_stack_is_told(tmp_path: Path) -> None:
    """Only of the bare board: under seL4 nobody is left who could tell."""
    if (why_not := cannot_boot("virt")) is not None:
        pytest.skip(why_not)
    debugger = tmp_path / "gdb.sock"
    with booted(tmp_path, "virt", "--", "-gdb", f"unix:{debugger},server=on,wait=off") as guest:
        guest.expect("tick 1$")
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(debugger))
            for command in STACK_INTO_TEXT:
                line.sendall(f"${command}#{sum(command.encode()) % 256:02x}".encode())
                line.recv(4096)
            guest.expect(r".*PANIC fault in root task: ")
