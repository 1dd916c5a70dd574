"""Linux guests in QEMU, as the tests use scripts/linux-guest."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

LINUX_GUEST = Path(__file__).parents[1] / "scripts" / "linux-guest"

GUEST_S = 60.0
"""Time limit of one run in a guest, which boots in two or three seconds on an idle machine."""


@cache
def cannot_boot(kernel: str = "linux-image-amd64") -> str | None:
    """Why no guest with this kernel can be started here, None when one can."""
    if shutil.which("qemu-system-x86_64") is None:
        return "qemu-system-x86_64 is missing"
    if shutil.which("setpriv") is None:
        return "setpriv is missing"
    looked = subprocess.run(
        [sys.executable, str(LINUX_GUEST), "find", "--kernel", kernel],
        capture_output=True,
        text=True,
        check=False,
    )
    return looked.stderr.strip().removeprefix("linux-guest: ") or None


def run_in_guest(*words: str, script: str, limit_s: float = GUEST_S) -> "subprocess.CompletedProcess[str]":
    """Run `script` in a new guest; `words` are options of scripts/linux-guest run."""
    return subprocess.run(
        [sys.executable, str(LINUX_GUEST), "run", "--timeout", str(limit_s), *words, "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=limit_s + 20,
        check=False,
    )
