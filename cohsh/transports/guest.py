"""A guest in QEMU with a hive of its own, started for one shell and gone with it.

`scripts/qemu-run.sh` knows how to boot it; the shell talks to its console on the serial line.
"""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cohsh.transports.consoles import ConsoleTransport
from cohsh.transports.link import Link
from cohsh.transports.transport import Notice, Unreachable
from cohsh.transports.wires import Lost, Wire, typed
from ninedoor.client.failures import ConnectError

RUN = Path(__file__).resolve().parents[2] / "scripts" / "qemu-run.sh"

BOOT_S = 60.0
"""Longest wait for the guest to be built, booted and attached to its hive."""

LOOK_S = 1.0
"""How long its console may take to answer while it boots."""

PAUSE_S = 0.1

END_S = 20.0
"""Longest wait for QEMU and the hive to be tidied away; then they are killed."""


class Guest:
    """`program` is the QEMU to run, "" for the one that is found; `more` are words for it."""

    def __init__(self, program: str, more: Sequence[str]) -> None:
        self._program = program
        self._more = list(more)
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def connect(self, timeout_s: float) -> Wire:
        """Its console, which is waited for while it boots; later on none may take longer than `timeout_s` to
        answer. Raises Unreachable when it does not come up, Lost and ConnectError."""
        if self._process is None:
            return self._boot(timeout_s)
        return typed(self._line, timeout_s)

    def stop(self) -> None:
        """End it, and its hive. Idempotent."""
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if process is not None:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _line(self) -> str:
        assert self._folder is not None  # it was started
        return str(self._folder / "line")

    def _boot(self, timeout_s: float) -> Wire:
        self._start()
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            self._check()
            with contextlib.suppress(Lost, ConnectError, Unreachable):
                wire = typed(self._line, LOOK_S)
                try:
                    ready = _is_ready(wire)
                finally:
                    wire.close()
                if ready:
                    return typed(self._line, timeout_s)
            time.sleep(PAUSE_S)
        self.stop()
        raise Unreachable(f"the guest is not up after {BOOT_S:g} s; scripts/qemu-run.sh --mount shows why")

    def _start(self) -> None:
        if not RUN.is_file():
            raise Unreachable(f"{RUN} is missing: a guest is started from a checkout only; else give --line")
        self._folder = Path(tempfile.mkdtemp(prefix="cohsh."))
        words = [str(RUN), "--serial", f"unix:{self._line}", "--mount", str(self._folder / "export")]
        words += ["--qemu-bin", self._program] if self._program else []
        words += ["--", *self._more] if self._more else []
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _check(self) -> None:
        """Raises Unreachable, with its last words, when it has ended."""
        assert self._process is not None
        assert self._folder is not None
        if self._process.poll() is not None:
            said = (self._folder / "log").read_text(errors="replace").strip().splitlines()
            self.stop()
            raise Unreachable(f"the guest did not start: {said[-1] if said else 'it said nothing'}")


def _is_ready(wire: Wire) -> bool:
    """Has it a session with its hive?"""
    wire.send("bi")
    return any(line.startswith("ninep ") and " state=ready " in line for line in wire.lines(stream=False))


class GuestTransport(ConsoleTransport):
    """A session on the console of `guest`, which ends with it."""

    def __init__(self, name: str, link: Link, notice: Notice, guest: Guest) -> None:
        super().__init__(name, link, notice)
        self._guest = guest

    def close(self) -> None:
        """See `Transport.close`."""
        super().close()
        self._guest.stop()
