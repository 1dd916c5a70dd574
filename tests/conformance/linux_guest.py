"""The door that Linux's own 9P client is: a guest's kernel mounts the hive, an agent there uses the mount.

One guest serves a whole run. Its kernel reaches the hive by TCP, which QEMU hands on to a Unix socket of the
daemon's, where a queen needs no ticket. The agent (`tests/interop/agent.c`) takes calls from a virtio port.
"""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ninedoor.policy.principals import NO_TICKET
from tests.conformance.doors import ANSWER_S, Door, OsDoor
from tests.conformance.hives import ROOT, DeskDoor, Process
from tests.linux_guests import GUEST_S, LINUX_GUEST

AGENT_SOURCE = ROOT / "tests" / "interop" / "agent.c"

PORT = 5640
"""Where the guest finds the hive."""

MOUNTPOINT = "/mnt/hive"
OPTIONS = f"trans=tcp,port={PORT},version=9p2000.L,cache=none,access=any,msize=8192"

_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<q")


class GuestCalls:
    """Calls of a function by name in the guest: what `OsCalls` does with a process of this host."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __call__(self, name: str, *arguments: Any) -> Any:
        """The result; OSError when the guest's kernel refused. TimeoutError without an answer."""
        request = b"".join(map(_packed, (name, *arguments)))
        self._connection.sendall(_LENGTH.pack(len(request)) + request)
        failed, *results = _unpacked(self._receive(_LENGTH.unpack(self._receive(_LENGTH.size))[0]))
        if failed:
            raise OSError(failed, os.strerror(failed))
        if name == "listdir":
            return [os.fsdecode(entry) for entry in results]
        return results[0] if len(results) == 1 else results

    def _receive(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._connection.recv(size)
            if not part:
                raise TimeoutError("the guest has gone")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _packed(value: Any) -> bytes:
    if isinstance(value, int):
        return b"i" + _NUMBER.pack(value)
    data = os.fsencode(value)
    return b"b" + _LENGTH.pack(len(data)) + data


def _unpacked(data: bytes) -> Iterator[Any]:
    at = 0
    while at < len(data):
        kind, at = data[at : at + 1], at + 1
        if kind == b"i":
            yield _NUMBER.unpack_from(data, at)[0]
            at += _NUMBER.size
        else:
            (size,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + size
            yield data[at - size : at]


class V9fsDoor(OsDoor):
    """The kernel's client in the guest. The guest is root there."""

    gone_while_open = "ESTALE"
    """Linux does not look a name up again whose file is open, and asks about the file instead."""

    def __init__(self, calls: GuestCalls, unmount: Callable[[], None]) -> None:
        super().__init__(calls, MOUNTPOINT, unmount)
        self.denied_by_mode = "EPERM"


class Guest:
    """A Linux guest with the agent in it. `hive` is the Unix socket at which it looks for a hive."""

    def __init__(self, place: Path) -> None:
        self.hive = place / "hive"
        self._place = place
        self._agent = place / "agent"
        subprocess.run(
            ["gcc", "-O1", "-static", "-Wall", "-Werror", "-o", str(self._agent), str(AGENT_SOURCE)],
            check=True,
        )
        (place / "script").write_text("exec /agent /dev/pipe-agent\n")
        self._boot()

    def _boot(self) -> None:
        meeting = self._place / "calls"
        meeting.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(meeting))
            listening.listen()
            listening.settimeout(GUEST_S)
            options = ["--timeout", "3600", "--forward", f"{PORT}={self.hive}", "--pipe", f"agent={meeting}"]
            options += ["--add", f"{self._agent}:/agent"]
            self._process = subprocess.Popen(
                [sys.executable, str(LINUX_GUEST), "run", *options, str(self._place / "script")],
                stdin=subprocess.DEVNULL,
            )
            self._connection, _address = listening.accept()
        # QEMU connects at once; the agent answers once the guest is up.
        self._connection.settimeout(GUEST_S)
        self.calls = GuestCalls(self._connection)
        self.calls("close_all")
        self._connection.settimeout(ANSWER_S)

    def ready(self) -> GuestCalls:
        """The agent of a guest that answers: one that hangs is started anew."""
        try:
            self.calls("close_all")
        except (TimeoutError, BrokenPipeError):
            self.stop()
            self._boot()
        return self.calls

    def stop(self) -> int:
        """Hang up, upon which the agent ends and the guest goes; end what does not. Returns 0 when all was
        well in the guest, its kernel included."""
        self._connection.close()
        try:
            return self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            return self._process.wait()


class Guested:
    """A hive of `daemon`'s, its door a directory of `guest`'s on which its kernel mounts the hive."""

    queens_ticket = NO_TICKET

    def __init__(self, daemon: Process, guest: Guest) -> None:
        self._daemon = daemon.call
        self._guest = guest.ready()
        self._daemon("begin")
        self._daemon("listen", f"unix:{guest.hive}")
        self.desk: Door = DeskDoor(self._daemon)
        self._mounted = False

    def door(self, uname: str = "queen", ticket: str = "") -> Door:
        self._guest("mount", "10.0.2.100", MOUNTPOINT, f"{OPTIONS},uname={uname},aname={ticket}")
        self._mounted = True
        return V9fsDoor(self._guest, self._unmount)

    def _unmount(self) -> None:
        if self._mounted:
            self._mounted = False
            self._guest("unmount", MOUNTPOINT)

    def log(self) -> list[str]:
        lines: list[str] = self._daemon("hive", "log")
        return lines

    def advance(self, seconds: float) -> None:
        self._daemon("hive", "advance", seconds)

    def close(self) -> None:
        try:
            self._guest("close_all")
            self._unmount()
        finally:
            bugs, sessions = self._daemon("end")
        assert bugs == []
        assert sessions == 0
