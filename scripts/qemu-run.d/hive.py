"""The hive beside the guest: NineDoor's daemon, mounted for as long as the guest runs."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from failure import Failure
from images import TOP

NINEDOOR = TOP / ".venv/bin/ninedoor"
NAME = "hive"
"""Of the mount below the exported directory."""


class Hive:
    """`ninedoor mount` on DIRECTORY/hive, until the end of the `with` block; it also listens on `socket`, if
    that is given."""

    def __init__(self, directory: Path, socket: Path | None, options: Sequence[str]) -> None:
        self.directory, self.options = directory, list(options)
        self.mountpoint = directory / NAME
        if socket is not None:
            self.options += ["--listen", f"unix:{socket}"]

    def __enter__(self) -> "Hive":
        if not NINEDOOR.exists():
            raise Failure(f"{NINEDOOR} is missing: run scripts/setup")
        self._prepare_export()
        self._run("mount", "--daemon", *self.options, str(self.mountpoint))
        return self

    def __exit__(self, *_about: object) -> None:
        self._run("umount", str(self.mountpoint))

    def _prepare_export(self) -> None:
        """QEMU exports all of the directory above the mount, to be written to: nothing else may be in it."""
        # A mount that a killed daemon left can be listed, not looked at; `ninedoor mount` clears it.
        self.directory.mkdir(parents=True, exist_ok=True)
        others = sorted(set(os.listdir(self.directory)) - {NAME})
        if others:
            raise Failure(
                f"{self.directory} holds {others[0]!r}, which the guest would get too: give an empty one"
            )
        if NAME not in os.listdir(self.directory):
            self.mountpoint.mkdir()

    def _run(self, *words: str) -> None:
        done = subprocess.run([str(NINEDOOR), *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"ninedoor {words[0]}: {done.stderr.strip()}")
