"""Can this directory be mounted on? Asked before libfuse is, whose one error message fits every cause."""

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ninedoor.doors.fuse.mounts import MOUNTINFO, is_ours, mounted_on, unmount
from ninedoor.doors.fuse.options import MountError, MountOptions

_CAP_SYS_ADMIN = 1 << 21


@dataclass(frozen=True, slots=True)
class System:
    """Where the facts are read; tests point it elsewhere."""

    device: Path = Path("/dev/fuse")
    fuse_conf: Path = Path("/etc/fuse.conf")
    status: Path = Path("/proc/self/status")
    mountinfo: Path = MOUNTINFO
    uid: int | None = None
    """Effective user; None asks the kernel."""

    @property
    def euid(self) -> int:
        return os.geteuid() if self.uid is None else self.uid


def preflight(mountpoint: Path, options: MountOptions, system: System | None = None) -> Path:
    """The directory to mount on, absolute and without links. A stale mount of ours on it, which a killed
    daemon left behind, is cleared first. Raises MountError, one line, for the first thing in the way."""
    system = system or System()
    directory = Path(os.path.realpath(mountpoint))
    _check_device(system.device)
    _check_privileges(options, system)
    clear_stale(directory, system)
    _check_directory(directory, system)
    if options.allow_other and system.euid != 0 and not _allows_others(system.fuse_conf):
        raise MountError(f"allow_other is for root only while {system.fuse_conf} has no `user_allow_other`")
    return directory


def clear_stale(directory: Path, system: System | None = None) -> bool:
    """Detach a mount of ours whose daemon is dead; several on one directory go one after the other. Returns
    whether there was one. Raises MountError when it does not go."""
    system = system or System()
    cleared = False
    while _is_dead(directory) and is_ours(mounted_on(str(directory), system.mountinfo)):
        unmount(str(directory), lazy=True)
        cleared = True
    return cleared


def _is_dead(directory: Path) -> bool:
    """ "Transport endpoint is not connected": nobody serves the mount any more."""
    try:
        os.statvfs(directory)  # not stat(2), which the kernel may still answer from its cache
    except OSError as failed:
        return failed.errno == errno.ENOTCONN
    return False


def _check_device(device: Path) -> None:
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        hint = f"load the module with `modprobe fuse`; a container needs `--device {device}`"
        raise MountError(f"there is no {device}: {hint}") from None
    except OSError as failed:
        hint = f"as root, `chmod 666 {device}`; a container needs `--device {device}`"
        raise MountError(f"{device} cannot be opened, {_words(failed)}: {hint}") from None


def _check_privileges(options: MountOptions, system: System) -> None:
    facts = dict(line.split(":\t", 1) for line in system.status.read_text().splitlines() if ":\t" in line)
    if int(facts.get("CapEff", "0"), 16) & _CAP_SYS_ADMIN and not options.auto_unmount:
        return
    if shutil.which("fusermount3") is None:
        raise MountError("fusermount3 is missing: install the package fuse3")
    if facts.get("NoNewPrivs", "0").strip() == "1" and system.euid != 0:
        raise MountError(
            "this process may not gain privileges (no_new_privs), so fusermount3 cannot mount: "
            "drop NoNewPrivileges=yes or --security-opt no-new-privileges, or mount as root"
        )
    if system.euid == 0 and not options.auto_unmount:
        raise MountError("root lacks CAP_SYS_ADMIN here: a container needs `--cap-add SYS_ADMIN`")


def _check_directory(directory: Path, system: System) -> None:
    try:
        owner = directory.stat().st_uid
        content = os.listdir(directory) if directory.is_dir() else None
    except FileNotFoundError:
        raise MountError(f"{directory} does not exist: make it with `mkdir -p {directory}`") from None
    except OSError as failed:
        raise MountError(f"{directory} cannot be used: {_words(failed)}") from None
    mount = mounted_on(str(directory), system.mountinfo)
    if mount is not None and is_ours(mount):
        raise MountError(f"{directory} is mounted already: unmount it with `ninedoor umount {directory}`")
    if content is None:
        raise MountError(f"{directory} is not a directory")
    if system.euid not in (0, owner):
        raise MountError(f"{directory} belongs to user {owner}: only its owner and root may mount on it")
    if content:
        raise MountError(f"{directory} is not empty: choose an empty directory, a mount would hide the rest")


def _words(failed: OSError) -> str:
    return (failed.strerror or str(failed)).lower()


def _allows_others(fuse_conf: Path) -> bool:
    try:
        lines = fuse_conf.read_text().splitlines()
    except OSError:
        return False
    return any(line.strip() == "user_allow_other" for line in lines)
