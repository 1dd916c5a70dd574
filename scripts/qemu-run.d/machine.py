"""QEMU's command line for the guest: the board, what boots on it, and the ways in and out.

Addresses are those of guest/loader/loader.h; docs/GUEST.md has the memory map.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from failure import Failure
from images import IMAGES, LOADER

KERNEL_ADDRESS, ROOT_TASK_ADDRESS = 0x70000000, 0x78000000
LEAST_MEMORY_MIB = 1024
"""An seL4 kernel for this board has its memory compiled in; the files to load lie in the same gigabyte."""

MOUNT_TAG = "ninedoor"


@dataclass(frozen=True)
class Machine:
    """What to start. `kernel` is an seL4 kernel to load with our loader, `elfloader` an image that has
    everything in it; neither means the bare machine."""

    kernel: Path | None = None
    elfloader: Path | None = None
    program: str = "qemu-system-aarch64"
    processor: str = "cortex-a57"
    memory_mib: int = LEAST_MEMORY_MIB
    serial: str = "stdio"
    monitor: Path | None = None
    export: Path | None = None
    """Directory for virtio-9p: the one above the hive's mount, so that the guest survives a remount."""
    socket: Path | None = None
    """Unix socket of the hive, for raw 9P over a virtio console."""
    settings: Sequence[tuple[str, str]] = ()
    setting_files: Sequence[tuple[str, Path]] = ()
    more: Sequence[str] = field(default_factory=list)


def command(machine: Machine) -> list[str]:
    """The words that start it. Raises Failure for what cannot be started."""
    qemu = shutil.which(machine.program)
    if qemu is None:
        raise Failure(
            f"{machine.program} is missing: run scripts/guest-toolchain (Debian package qemu-system-arm)"
        )
    if machine.memory_mib < LEAST_MEMORY_MIB:
        raise Failure(
            f"{machine.memory_mib} MiB of memory are too few: the board has {LEAST_MEMORY_MIB} or more"
        )
    words = [
        qemu, "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
        # A kernel is built for one version of the interrupt controller; it is not QEMU's to choose.
        "-machine", "virt,gic-version=2", "-cpu", machine.processor, "-smp", "1",
        "-m", str(machine.memory_mib),
        # Where a kernel leaves no timer, the RTC is all the time there is: it must not follow a host's clock
        # that is set.
        "-rtc", "clock=vm",
        "-global", "virtio-mmio.force-legacy=off",
    ]  # fmt: skip
    words += _boot(machine) + _serial(machine.serial)
    if machine.monitor is not None:
        words += ["-qmp", f"unix:{_path(machine.monitor)},server=on,wait=off"]
    words += _transport(machine)
    for name, value in machine.settings:
        words += ["-fw_cfg", f"name=opt/ninedoor/{name},string={_escaped(value)}"]
    for name, path in machine.setting_files:
        words += ["-fw_cfg", f"name=opt/ninedoor/{name},file={_path(path)}"]
    return words + list(machine.more)


def _boot(machine: Machine) -> list[str]:
    if machine.elfloader is not None:
        return ["-kernel", str(_readable(machine.elfloader))]
    if machine.kernel is None:
        return ["-kernel", str(IMAGES["virt"])]
    words = ["-kernel", str(LOADER)]
    for path, address in ((machine.kernel, KERNEL_ADDRESS), (IMAGES["sel4"], ROOT_TASK_ADDRESS)):
        words += ["-device", f"loader,file={_path(_readable(path))},addr={address:#x},force-raw=on"]
    return words


def _serial(mode: str) -> list[str]:
    """`stdio`, `none`, `pty`, `file:PATH`, or `unix:PATH`, which waits for nobody."""
    kind, _, path = mode.partition(":")
    match kind:
        case "none" | "pty" if not path:
            return ["-serial", "null" if kind == "none" else "pty"]
        case "stdio" if not path:
            return ["-chardev", "stdio,id=serial", "-serial", "chardev:serial"]
        case "file" if path:
            return ["-serial", f"file:{path}"]
        case "unix" if path:
            return [
                "-chardev",
                f"socket,id=serial,path={_escaped(path)},server=on,wait=off",
                "-serial",
                "chardev:serial",
            ]
        case _:
            raise Failure(f"--serial {mode!r} is none of stdio, none, pty, file:PATH, unix:PATH")


def _transport(machine: Machine) -> list[str]:
    words = []
    if machine.export is not None:
        if not machine.export.is_dir():
            raise Failure(f"no directory {machine.export} to export")
        words += [
            "-fsdev", f"local,id=hive,path={_path(machine.export)},security_model=none,multidevs=remap",
            "-device", f"virtio-9p-device,fsdev=hive,mount_tag={MOUNT_TAG}",
        ]  # fmt: skip
    if machine.socket is not None:
        words += [
            "-device", "virtio-serial-device,max_ports=1",
            # A hive that goes and comes back finds the line again.
            "-chardev", f"socket,id=hive9p,path={_path(machine.socket)},server=off,reconnect=1",
            "-device", "virtconsole,chardev=hive9p",
        ]  # fmt: skip
    return words


def _readable(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as wrong:
        raise Failure(f"{path}: {wrong.strerror}") from wrong
    if magic != b"\x7fELF":
        raise Failure(f"{path} is no ELF file: a kernel.elf, or an elfloader image, is wanted")
    return path


def _path(path: Path) -> str:
    return _escaped(str(path.absolute()))


def _escaped(text: str) -> str:
    """QEMU parts an option's values at commas; a doubled one is a comma."""
    return text.replace(",", ",,")
