"""A guest in QEMU as the tests use it: started with scripts/qemu-run.sh, watched and typed to on its line."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).parents[2]
GUEST = TOP / "guest"
QEMU_RUN = TOP / "scripts/qemu-run.sh"
KERNEL_VARIABLE = "NINEDOOR_SEL4_KERNEL"

BOOT_S = 30.0
"""Longest wait for something the guest does at once; an idle machine boots it in a fraction of a second."""

COLOURED = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@cache
def cannot_build() -> str | None:
    """Why the guest cannot be built here, None when it can."""
    for tool in ("make", "aarch64-linux-gnu-gcc"):
        if shutil.which(tool) is None:
            return f"{tool} is missing; scripts/guest-toolchain installs it"
    return None


@cache
def cannot_boot(platform: str) -> str | None:
    """Why the guest cannot be booted here on `platform`, None when it can."""
    if shutil.which("qemu-system-aarch64") is None:
        return "qemu-system-aarch64 is missing; scripts/guest-toolchain installs it"
    if platform == "sel4" and not Path(os.environ.get(KERNEL_VARIABLE, "")).is_file():
        return f"no seL4 kernel: {KERNEL_VARIABLE} names none"
    return cannot_build()


@cache
def build() -> None:
    """Bring every image up to date, once a run."""
    done = subprocess.run(["make", "-C", str(GUEST)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Line(NamedTuple):
    """A line of the serial output, and when its end came (time.monotonic)."""

    text: str
    at: float


class Guest:
    """A running guest. What it prints is collected from the start; nothing is lost between two looks."""

    def __init__(self, words: Sequence[str], monitor: Path) -> None:
        self.monitor = monitor
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [str(QEMU_RUN), "--no-build", "--qmp", str(monitor), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._changed = threading.Condition()
        self._output = b""
        self._lines: list[Line] = []
        self._ended = False
        self._complaints = b""
        self._readers = [threading.Thread(target=task) for task in (self._read_output, self._read_complaints)]
        for reader in self._readers:
            reader.start()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        while data := self._process.stdout.read(65536):
            with self._changed:
                self._output += data
                *whole, rest = (rest + data).split(b"\n")
                now = time.monotonic()
                self._lines += [Line(_plain(line), now) for line in whole]
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        self._complaints = self._process.stderr.read()

    @property
    def text(self) -> str:
        """All that was printed, as text without colours and carriage returns."""
        with self._changed:
            return _plain(self._output)

    @property
    def lines(self) -> list[Line]:
        with self._changed:
            return list(self._lines)

    def wait_for(self, what: str, seen: Callable[[], bool], within_s: float = BOOT_S) -> None:
        """Wait until `seen()`, asked anew whenever something was printed."""
        deadline = time.monotonic() + within_s
        with self._changed:
            while not seen():
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    why = "ended" if self._ended else f"went on for {within_s} s"
                    raise AssertionError(f"no {what} before the guest {why}:\n{self._report()}")
                self._changed.wait(left)

    def expect(self, pattern: str, count: int = 1, within_s: float = BOOT_S) -> list[Line]:
        """Wait until `count` whole lines match `pattern` from their beginning; returns them."""
        wanted = re.compile(pattern)

        def found() -> list[Line]:
            return [line for line in self._lines if wanted.match(line.text)]

        self.wait_for(f"line {pattern!r} x {count}", lambda: len(found()) >= count, within_s)
        with self._changed:
            return found()

    def type(self, text: str) -> None:
        """Send keystrokes."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())

    def quit(self) -> int:
        """Ask QEMU's monitor to end it, as an operator would; returns the exit status."""
        self.ask("quit")
        return self._finish()

    def processor_s(self) -> float:
        """Seconds of processor time that QEMU has used so far."""
        pid = self._process.pid
        (qemu,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        fields = Path(f"/proc/{qemu}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]), int(fields[12])
        return (user + system) / os.sysconf("SC_CLK_TCK")

    def ask(self, command: str) -> None:
        """Give QEMU's monitor a command."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(BOOT_S)
            line.connect(str(self.monitor))
            with line.makefile("rw") as stream:
                for word in ("qmp_capabilities", command):
                    stream.write(json.dumps({"execute": word}) + "\n")
                    stream.flush()
                    while (answer := stream.readline()) and "return" not in json.loads(answer):
                        pass

    def kill(self) -> None:
        """However it fares, it is gone after this."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._finish()
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._finish()

    def _finish(self) -> int:
        status = self._process.wait(BOOT_S)
        for reader in self._readers:
            reader.join(BOOT_S)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return status

    def _report(self) -> str:
        return _plain(self._output) + self._complaints.decode(errors="replace")


def _plain(output: bytes) -> str:
    """As a terminal would show it: what was typed or prompted is gone where a line was erased under it."""
    lines = output.decode(errors="replace").replace("\r\n", "\n").split("\n")
    return "\n".join(COLOURED.sub("", line.rpartition("\r\x1b[K")[2]).replace("\r", "") for line in lines)


@contextlib.contextmanager
def booted(directory: Path, platform: str, *words: str) -> Iterator[Guest]:
    """A guest on `platform`, its monitor's socket in `directory`. Whatever happens, it is gone at the end."""
    build()
    guest = Guest(["--platform", platform, *words], directory / "monitor.sock")
    try:
        yield guest
    finally:
        guest.kill()
