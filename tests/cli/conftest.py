"""`ninedoor` as its users run it: processes with a registry of their own; no mount outlives its test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ninedoor.doors.fuse.mounts import is_ours, mounts, unmount

CHECKOUT = Path(__file__).resolve().parents[2]
NINEDOOR = (sys.executable, "-m", "ninedoor.cli.main")


@dataclass
class Terminal:
    """Runs commands below one directory; `serving` are those in the foreground."""

    home: Path
    environment: dict[str, str]
    program: tuple[str, ...] = NINEDOOR
    serving: list["subprocess.Popen[str]"] = field(default_factory=list)

    def run(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run the program to its end."""
        return subprocess.run(
            [*self.program, *arguments],
            cwd=self.home,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def serve(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `ninedoor mount` in the foreground and return once it says how to end it."""
        return self.start("mount", *arguments)[0]

    def start(self, command: str, *arguments: str) -> "tuple[subprocess.Popen[str], list[str]]":
        """Start `command` in the foreground; returns it with what it said up to how to end it."""
        process = subprocess.Popen(
            [*self.program, command, *arguments],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.serving.append(process)
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                return process, said
        _, complaint = process.communicate(timeout=10)
        raise AssertionError(f"ninedoor {command} ended with {process.returncode}: {complaint}")

    def rows(self, place: Path | None = None) -> list[dict[str, Any]]:
        """What `ninedoor status` says of `place`, or of hives without a mount; what else is mounted on this
        machine is left out."""
        said = json.loads(self.run("status", "--json").stdout)
        return [row for row in said if row["mountpoint"] == (None if place is None else str(place))]

    def mountpoint(self, name: str = "m") -> Path:
        """A new empty directory."""
        path = self.home / name
        path.mkdir()
        return path


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    environment = os.environ | {"NINEDOOR_RUNTIME_DIR": str(tmp_path / "run"), "PYTHONPATH": str(CHECKOUT)}
    environment.pop("NINEDOOR_MANIFEST", None)
    environment.pop("NOTIFY_SOCKET", None)
    opened = Terminal(tmp_path, environment)
    yield opened
    for process in opened.serving:
        process.kill()
        process.communicate()
    for mount in list(mounts()):
        if is_ours(mount) and Path(mount.directory).is_relative_to(tmp_path):
            unmount(mount.directory, lazy=True)
