"""`ninedoor umount`: unmount a hive and wait until its process has put its state away."""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from ninedoor.cli import registry
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.doors.fuse.mounts import is_ours, mounts, unmount
from ninedoor.doors.fuse.options import MountError

WAIT_S = 10.0
"""Longest wait for the serving process to end once it has been told to."""

_PAUSE_S = 0.02


def umount(arguments: argparse.Namespace) -> int:
    """Unmount the hive on a directory. Refuses mounts that are not NineDoor's."""
    mounted = hives()
    mountpoint = canonical(arguments.mountpoint, mounted)
    if mountpoint not in mounted:
        raise CommandFailure(Exit.FAILED, f"{arguments.mountpoint}: no hive is mounted here")
    entry = registry.find(mountpoint)
    try:
        unmount(mountpoint, lazy=arguments.lazy)
    except MountError as failure:
        raise CommandFailure(Exit.FAILED, _explained(str(failure), mountpoint)) from None
    if entry is not None and not arguments.lazy:
        wait_for(entry, "unmounted")
    return Exit.OK


def hives() -> list[str]:
    """Directories on which the kernel says a hive is mounted, served or stale, in the order of mounting."""
    return [mount.directory for mount in mounts() if is_ours(mount)]


def canonical(directory: str, mounted: Sequence[str]) -> str:
    """The path under which `mounted` lists `directory`, if it does.

    The directory itself is touched only when its path is not in the list as it stands: a mount whose server
    hangs answers nothing, not even what it is.
    """
    path = Path(directory).absolute()
    beside = str(Path(os.path.realpath(path.parent)) / path.name)
    return beside if beside in mounted else os.path.realpath(path)


def _explained(text: str, mountpoint: str) -> str:
    if "busy" not in text:
        return text
    return f"{text}; close what is open there (`fuser -vm {mountpoint}` lists it), or use --lazy"


def wait_for(entry: registry.Service, done: str) -> None:
    """Wait until the process of `entry` is gone. Raises CommandFailure, which tells what is `done`, when it
    is still there after WAIT_S."""
    deadline = time.monotonic() + WAIT_S
    while entry.alive:
        if time.monotonic() > deadline:
            raise CommandFailure(
                Exit.FAILED, f"{done}, but its process {entry.pid} has not ended after {WAIT_S:g} s"
            )
        time.sleep(_PAUSE_S)
