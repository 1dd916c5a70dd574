"""What the kernel says is mounted where, and how to take a mount of ours away."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ninedoor.doors.fuse.options import FILESYSTEM_TYPE, MountError

MOUNTINFO = Path("/proc/self/mountinfo")

_ESCAPE = re.compile(r"\\([0-7]{3})")
_PATIENCE_S = 10.0
"""How long fusermount3 or umount may take; both answer at once unless the machine is in trouble."""


class Mount(NamedTuple):
    directory: str
    type: str
    source: str


def mounts(mountinfo: Path = MOUNTINFO) -> Iterator[Mount]:
    """Everything mounted, in the order of mounting: of several on one directory the last is the one seen."""
    for line in os.fsdecode(mountinfo.read_bytes()).splitlines():
        before, _, after = line.partition(" - ")
        kind, source = after.split(" ")[:2]
        yield Mount(_unescaped(before.split(" ")[4]), kind, _unescaped(source))


def mounted_on(directory: str, mountinfo: Path = MOUNTINFO) -> Mount | None:
    """What is seen at `directory`, an absolute path without links; None if nothing is mounted right there."""
    found = None
    for mount in mounts(mountinfo):
        if mount.directory == directory:
            found = mount
    return found


def is_ours(mount: Mount | None) -> bool:
    return mount is not None and mount.type == FILESYSTEM_TYPE


def unmount(directory: str, *, lazy: bool) -> None:
    """Unmount; `lazy` detaches at once even when busy. Raises MountError with the tool's own words."""
    command = _command(lazy)
    try:
        ended = subprocess.run(
            [*command, "--", directory], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise MountError(f"{directory}: {command[0]} did not answer within {_PATIENCE_S:.0f} s") from None
    if ended.returncode != 0:
        words = ended.stderr.strip().splitlines() or [f"{command[0]} failed with status {ended.returncode}"]
        raise MountError(f"{directory}: {words[-1]}")


def _command(lazy: bool) -> list[str]:
    """fusermount3 works for whoever mounted; umount, for root only, where that is missing."""
    if shutil.which("fusermount3"):
        return ["fusermount3", "-u", *(["-z"] if lazy else [])]
    return ["umount", *(["-l"] if lazy else [])]


def _unescaped(word: str) -> str:
    """proc(5): blanks, tabs, line feeds and backslashes are written as three octal digits."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), word)
