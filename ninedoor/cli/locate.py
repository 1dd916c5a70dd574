"""Where files outside the packages are: the manifest a command means, and the stock manifest.

The stock manifest is one file, configs/root_task.toml. In a checkout (also one installed as editable) it
is read from there; a wheel installs the same file as <prefix>/share/ninedoor/root_task.toml.
"""

import os
import sysconfig
from pathlib import Path

from ninedoor.cli.exits import CommandFailure, Exit

MANIFEST_VARIABLE = "NINEDOOR_MANIFEST"
_LOCAL = Path("configs/root_task.toml")


def manifest_path(chosen: str | None) -> Path:
    """The manifest to use, as an absolute path: `chosen`, else the environment's, else the one of the current
    directory, else the stock one. Raises CommandFailure when the file is missing."""
    named = chosen or os.environ.get(MANIFEST_VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            said = "--manifest" if chosen else f"${MANIFEST_VARIABLE}"
            raise CommandFailure(Exit.USAGE, f"no manifest {named} (named by {said})")
        return path.absolute()
    return _LOCAL.absolute() if _LOCAL.is_file() else stock_manifest()


def stock_manifest() -> Path:
    """The manifest NineDoor comes with. Raises CommandFailure when the installation lacks it."""
    checkout = Path(__file__).resolve().parents[2] / _LOCAL
    installed = Path(sysconfig.get_path("data"), "share", "ninedoor", _LOCAL.name)
    for path in (checkout, installed):
        if path.is_file():
            return path
    raise CommandFailure(
        Exit.SYSTEM, f"the stock manifest is missing: neither {checkout} nor {installed} exists"
    )
