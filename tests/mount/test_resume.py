"""Readers that are interrupted again and again, over a mount, over 9P and in the shell, have in the end what
one that never was would have: every byte once, or the number of those that are gone.

The ring is small and wraps all the time; between two turns of the readers its daemon is stopped or killed.
"""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from ninedoor.cli.locate import stock_manifest
from ninedoor.client.opening import connect
from ninedoor.telemetry.gaps import Gap, marker
from tests.daemons import Daemons

WORKER = "/worker/worker-1"
TELEMETRY = f"{WORKER}/telemetry"
RING = 1024
TURN = 20
"""Lines written between two turns of the readers, some 700 bytes: no reader falls behind."""

pytestmark = pytest.mark.mount


class Reader(Protocol):
    """A reader with a cursor of its own. `got` is all that it was ever given."""

    got: bytes

    def turn(self) -> int:
        """Begin anew, read what is new, and end; returns how many bytes were gone."""


class MountReader:
    """System calls on the mount, as a script would do it."""

    def __init__(self, mount: Path) -> None:
        self._worker = mount / WORKER[1:]
        self.got = b""

    def turn(self) -> int:
        ring, *cursors = (self._worker / "cursors").read_text().splitlines()
        base = int(ring.split()[1].partition("=")[2])
        mine = [line for line in cursors if " name=mount " in line]
        stands = int(mine[0].split()[2].partition("=")[2]) if mine else 0
        lost = int(mine[0].split()[3].partition("=")[2]) if mine else 0
        descriptor = os.open(self._worker / "telemetry", os.O_RDONLY)
        data = os.pread(descriptor, 1 << 16, max(base, stands))
        os.close(descriptor)
        self.got += data
        with (self._worker / "cursors").open("w") as file:
            file.write(f"set mount {max(base, stands) + len(data)}\n")
        return lost


class ClientReader:
    """The client over a socket."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.got = b""

    def turn(self) -> int:
        lost = 0
        with connect(self._url) as hive:
            for piece in hive.tail(TELEMETRY, "start", resume="client", follow=False):
                self.got += piece.data
                lost += piece.lost
        return lost


class ShellReader:
    """cohsh, a process for each turn."""

    def __init__(self, url: str) -> None:
        self._command = [sys.executable, "-m", "cohsh.main", "--transport", "9p", "--url", url]
        self.got = b""

    def turn(self) -> int:
        lines = ["attach queen", f"tail --cursor shell {TELEMETRY}"]
        command = [*self._command, *(word for line in lines for word in ("-c", line))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        _attached, told = done.stdout.split(f"OK TAIL path={TELEMETRY}\n")
        shown = told.splitlines(keepends=True)
        lost = [re.match(r"\[cohsh\] (\d+) bytes", line) for line in shown]
        self.got += "".join(line for line, gone in zip(shown, lost, strict=True) if not gone).encode()
        return sum(int(gone[1]) for gone in lost if gone)


class Writer:
    """Appends numbered lines over the mount, and knows all of them."""

    def __init__(self, mount: Path) -> None:
        self._file = mount / TELEMETRY[1:]
        self.history = b""

    def write(self, count: int) -> None:
        for _ in range(count):
            line = f"line at {len(self.history):08} {'x' * (len(self.history) % 31)}\n".encode()
            with self._file.open("ab", buffering=0) as file:
                file.write(line)
            self.history += line


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    text = stock_manifest().read_text()
    for setting in (f"ring_bytes_per_worker = {RING}", "retain_on_boot = true"):
        assert setting in text
    daemons = Daemons(tmp_path, stock_manifest(), ["--listen", f"unix:{tmp_path}/hive"])
    yield daemons
    daemons.clean_up()


def test_interrupted_readers_have_what_an_uninterrupted_one_has(daemons: Daemons, tmp_path: Path) -> None:
    url = f"unix:{tmp_path}/hive"
    daemons.start()
    with (daemons.mountpoint / "queen/ctl").open("w") as control:
        control.write('{"spawn":"heartbeat","ticks":0,"budget":{}}\n')
    writer = Writer(daemons.mountpoint)
    readers: list[Reader] = [MountReader(daemons.mountpoint), ClientReader(url), ShellReader(url)]

    for end in (daemons.stop, daemons.kill, daemons.kill, daemons.stop):
        writer.write(TURN)
        assert [reader.turn() for reader in readers] == [0, 0, 0]
        before = (daemons.mountpoint / TELEMETRY[1:]).read_bytes()
        end()
        daemons.start()
        assert (daemons.mountpoint / TELEMETRY[1:]).read_bytes() == before

    writer.write(TURN)
    for reader in readers:
        assert reader.turn() == 0
        assert reader.got == writer.history
    assert len(writer.history) > 3 * RING, "the ring has wrapped"

    # And who stays away for too long is told how much he missed.
    stood = len(writer.history)
    writer.write(100)
    daemons.kill()
    daemons.start()
    gone = len(writer.history) - RING - stood
    for reader in readers:
        assert reader.turn() == gone
        assert reader.got == writer.history[:stood] + writer.history[-RING:]


@pytest.mark.parametrize("start", ["+1", "20"])
def test_tail_that_is_overtaken_goes_on_behind_a_marker(daemons: Daemons, start: str) -> None:
    """It must neither end nor take the file for cut, which would make it begin again, nor fill the screen;
    whether it began at the start of the file or near its end."""
    daemons.start()
    with (daemons.mountpoint / "queen/ctl").open("w") as control:
        control.write('{"spawn":"heartbeat","ticks":0,"budget":{}}\n')
    writer = Writer(daemons.mountpoint)
    writer.write(10)
    file = str(daemons.mountpoint / TELEMETRY[1:])
    command = ["tail", "---disable-inotify", "-s", "0.02", "-c", start, "-f", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        first = writer.history if start == "+1" else writer.history[-20:]
        assert _read(tail.stdout.fileno(), len(first)) == first

        for _ in range(3):
            tail.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, tail.pid, os.WSTOPPED)
            stood = len(writer.history)
            writer.write(100)
            tail.send_signal(signal.SIGCONT)
            told = marker(Gap(len(writer.history) - RING - stood, len(writer.history) - RING))
            news = _read(tail.stdout.fileno(), len(told) + RING, writer.history[-40:])
            assert news == told + writer.history[-RING:]
        tail.kill()
        assert tail.stderr.read() == b""


def _read(descriptor: int, size: int, end: bytes = b"") -> bytes:
    """`size` bytes at least, that end with `end`."""
    data = b""
    while len(data) < size or not data.endswith(end):
        assert select.select([descriptor], [], [], 30)[0], f"only {len(data)} bytes came: {data[-200:]!r}"
        data += os.read(descriptor, 1 << 16)
    return data
