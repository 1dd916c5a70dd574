"""One run of the guest: QEMU's command line, what comes out of it, and when it ends.

The second serial line carries the script's output between two marks that only this run knows; the first is
the kernel's console.
"""

import os
import re
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from failure import Failure

TIMEOUT, HARNESS_FAILED, KERNEL_FAULT = 124, 125, 117
"""Exit statuses that are not the script's."""

SHUTDOWN_S = 5.0
"""Longest wait for the guest to go once its script is done; then it is stopped, no fault of the script."""

FAULT = re.compile(
    rb"BUG:|kernel BUG at|Oops[:\s]|WARNING: CPU|Kernel panic|general protection|hung_task"
    rb"|blocked for more than"
)
"""What a kernel prints on its console when something is wrong with it."""

BOOT = (
    "console=ttyS0 8250.nr_uarts=2 quiet panic=-1 "
    "nokaslr mitigations=off tsc=reliable edd=off random.trust_cpu=on"
)
"""The kernel's command line: two serial lines, a panic ends QEMU, and nothing that takes long."""


@dataclass(frozen=True)
class Settings:
    """What a guest is made of. Exports are (tag, directory, more options of QEMU's -fsdev), forwards (port,
    Unix socket), pipes (name, Unix socket)."""

    timeout_s: float = 120.0
    accelerator: str = "tcg"
    processors: int = 2
    memory_mib: int = 384
    exports: Sequence[tuple[str, Path, Sequence[str]]] = ()
    network: bool = False
    forwards: Sequence[tuple[int, Path]] = ()
    pipes: Sequence[tuple[str, Path]] = ()
    relay: Sequence[str] = field(default_factory=list)
    """Command that, given the path of a Unix socket, copies between that and its standard streams."""
    more: Sequence[str] = ()


class Transcript:
    """The second serial line, in whatever pieces it comes."""

    def __init__(self, mark: str) -> None:
        self._begin, self._exit = f"{mark} begin ".encode(), f"{mark} exit ".encode()
        self._rest = b""
        self.began = False
        self.status: int | None = None
        """Exit status of the script, None until it is known."""

    def feed(self, data: bytes) -> bytes:
        """What is certain to be the script's output by now."""
        self._rest += data
        if not self.began:
            _before, found, after = self._rest.partition(self._begin)
            _uptime, line_feed, after = after.partition(b"\n")
            if not (found and line_feed):
                return b""
            self.began = True
            self._rest = after
        output, found, after = self._rest.partition(self._exit)
        if not found:
            # The end may be the beginning of the mark.
            held = max((n for n in range(len(self._exit)) if output.endswith(self._exit[:n])), default=0)
            self._rest = output[len(output) - held :]
            return output[: len(output) - held]
        status, line_feed, _after = after.partition(b"\n")
        if line_feed:
            self.status = int(status)
        self._rest = b"" if line_feed else found + after
        return output


def command(settings: Settings, image: Path, initramfs: Path, console: Path) -> list[str]:
    """What starts QEMU. Raises Failure for a directory to export that is none."""
    # Without five-level page tables every memory access of the emulated processor is cheaper.
    processor = "host" if settings.accelerator == "kvm" else "max,la57=off"
    words = [
        # QEMU goes when this program does, however that ends.
        "setpriv", "--pdeathsig", "KILL",
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
        "-display", "none", "-vga", "none",
        "-machine", "pc,usb=off,vmport=off", "-accel", settings.accelerator, "-cpu", processor,
        "-smp", str(settings.processors), "-m", str(settings.memory_mib),
        "-kernel", str(image), "-initrd", str(initramfs), "-append", BOOT,
        "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console",
        "-chardev", "stdio,id=output,signal=off", "-serial", "chardev:output",
    ]  # fmt: skip
    return words + _exports(settings) + _network(settings) + _pipes(settings) + list(settings.more)


def _exports(settings: Settings) -> list[str]:
    words = []
    for number, (tag, directory, options) in enumerate(settings.exports):
        if not directory.is_dir():
            raise Failure(f"no directory {directory} to export as {tag}")
        chosen = {"security_model": "none", "multidevs": "remap"}
        chosen |= {name: value or "on" for name, _, value in (option.partition("=") for option in options)}
        described = ",".join(f"{name}={value}" for name, value in chosen.items())
        words += ["-virtfs", f"local,id=fs{number},path={directory.absolute()},mount_tag={tag},{described}"]
    return words


def _network(settings: Settings) -> list[str]:
    if not (settings.network or settings.forwards):
        return []
    described = "user,id=net,ipv6=off"
    for port, path in settings.forwards:
        relay = shlex.join([*settings.relay, str(path)])
        described += f",guestfwd=tcp:10.0.2.100:{port}-cmd:{relay}"
    return ["-netdev", described, "-device", "virtio-net-pci,netdev=net,romfile="]


def _pipes(settings: Settings) -> list[str]:
    words = ["-device", "virtio-serial-pci"] if settings.pipes else []
    for number, (name, path) in enumerate(settings.pipes):
        words += [
            *("-chardev", f"socket,id=pipe{number},path={path},server=off"),
            *("-device", f"virtserialport,chardev=pipe{number},name={name}"),
        ]
    return words


class Machine:
    """A running QEMU whose guest's output is copied to standard output as it comes."""

    def __init__(self, words: Sequence[str], mark: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._transcript = Transcript(mark)
        self._started = time.monotonic()
        self.boot_s: float | None = None
        """Seconds from the start of QEMU to the first line of the script, None if it never came."""
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
            )
        except FileNotFoundError as missing:
            raise Failure(f"no program {words[0]}") from missing
        self._ended = threading.Event()
        self._copier = threading.Thread(target=self._copy, daemon=True)
        self._copier.start()

    def wait(self, timeout_s: float) -> int | None:
        """The script's exit status, TIMEOUT past the limit, None when the guest ended without one."""
        try:
            in_time = self._ended.wait(timeout_s)
            if in_time and self._transcript.status is not None:
                self._leave()
        finally:
            self._process.kill()
            self._process.wait()
            self._copier.join()
        if self._transcript.status is not None:
            return self._transcript.status
        return None if in_time else TIMEOUT

    def complaints(self) -> str:
        """What QEMU itself had to say."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-1000:]

    def _leave(self) -> None:
        try:
            self._process.wait(SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            return

    def _copy(self) -> None:
        assert self._process.stdout is not None
        try:
            while data := os.read(self._process.stdout.fileno(), 1 << 16):
                os.write(1, self._transcript.feed(data))
                if self.boot_s is None and self._transcript.began:
                    self.boot_s = time.monotonic() - self._started
                if self._transcript.status is not None:
                    self._ended.set()
        except BrokenPipeError:
            return  # nobody reads any more: the guest has no reason to go on
        finally:
            self._ended.set()
