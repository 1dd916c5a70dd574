"""A hive on a real mount, served by a process of its own, and shell commands run against it.

Every client is a process of its own too: a FUSE server that holds a file open on its own mount hangs, and so
would a test.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ninedoor.doors.fuse.mounts import is_ours, mounted_on, unmount

PATIENCE_S = 20


@dataclass
class Hive:
    """A mounted hive and the process that serves it."""

    place: Path
    process: "subprocess.Popen[str]"

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a bash script at the top of the mount."""
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.place,
            env=os.environ | {"LC_ALL": "C", "PYTHON": sys.executable, "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def out(self, script: str) -> str:
        """What a script prints, which fails with nothing and complains of nothing."""
        done = self.run(script)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def error(self, script: str) -> str:
        """What a script that fails complains of."""
        done = self.run(script)
        assert done.returncode != 0
        return done.stderr

    def python(self, script: str, *arguments: str) -> str:
        """What a Python script prints; `os`, `select` and `sys` are imported, errors are its own to catch."""
        done = subprocess.run(
            [sys.executable, "-c", f"import os, select, sys\n{script}", *arguments],
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def background(self, *command: str) -> "subprocess.Popen[str]":
        """Start a program that is read from while it runs."""
        return subprocess.Popen(command, cwd=self.place, stdout=subprocess.PIPE, text=True)

    def spawn(self) -> str:
        """A new worker; returns its name."""
        self.out("""echo '{"spawn":"heartbeat","ticks":100}' > queen/ctl""")
        return self.out("grep -o '^spawned worker-[0-9]*' log/queen.log | tail -n 1").split()[1]


class Server:
    """Starts hives below one directory, and takes away what is left of them."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._place = home / "hive"
        self._place.mkdir()
        self._started: list[Hive] = []
        self._environment = os.environ | {"NINEDOOR_RUNTIME_DIR": str(home / "run")}
        self._environment.pop("NINEDOOR_MANIFEST", None)

    def start(self, *options: str) -> Hive:
        """Mount a new hive and return once it is mounted."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ninedoor.cli.main", "mount", *options, str(self._place)],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        hive = Hive(self._place, process)
        self._started.append(hive)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                return hive
        raise AssertionError(f"not mounted: {process.communicate()[1]}")

    def close(self) -> None:
        """End everything. Fails when a hive had something to complain of."""
        complaints = []
        for hive in self._started:
            if hive.process.poll() is None:
                hive.process.send_signal(signal.SIGTERM)
            _out, said = hive.process.communicate(timeout=PATIENCE_S)
            complaints += [line for line in said.splitlines() if "INFO" not in line]
            while is_ours(mounted_on(str(hive.place))):
                unmount(str(hive.place), lazy=True)
        assert complaints == []


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    """One hive for all tests of a module: each makes the workers it needs."""
    server = Server(tmp_path_factory.mktemp("mount"))
    yield server.start()
    server.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """For tests that end or kill what they started."""
    started = Server(tmp_path)
    yield started
    started.close()
