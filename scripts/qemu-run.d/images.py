"""The guest's images, built when something they are made from is newer."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from failure import Failure

TOP = Path(__file__).resolve().parents[2]
GUEST = TOP / "guest"
IMAGES = {"virt": GUEST / "build/virt/guest.elf", "sel4": GUEST / "build/sel4/guest.elf"}
LOADER = GUEST / "build/loader.elf"
CROSS = os.environ.get("CROSS", "aarch64-linux-gnu-")


def build(platform: str) -> None:
    """Let make bring the images of `platform` up to date. Raises Failure without tools, or when it fails."""
    for tool, package in (("make", "make"), (f"{CROSS}gcc", "gcc-aarch64-linux-gnu")):
        if shutil.which(tool) is None:
            raise Failure(f"{tool} is missing: run scripts/guest-toolchain (Debian package {package})")
    with (GUEST / "Makefile").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two terminals build one after the other
        done = subprocess.run(
            ["make", "-C", str(GUEST), platform], capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Failure(f"the guest does not build:\n{said}")
