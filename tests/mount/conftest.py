"""A hive on a real mount, its own or one over a socket, and shell commands run against it.

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

    def background(self, *command: str, stdin: bool = False) -> "subprocess.Popen[str]":
        """Start a program that is read from while it runs, and written to if `stdin`."""
        source = subprocess.PIPE if stdin else None
        return subprocess.Popen(command, cwd=self.place, stdin=source, stdout=subprocess.PIPE, text=True)

    def spawn(self) -> str:
        """A new worker; returns its name."""
        self.out("""echo '{"spawn":"heartbeat","ticks":100}' > queen/ctl""")
        return self.out("grep -o '^spawned worker-[0-9]*' log/queen.log | tail -n 1").split()[1]


class Server:
    """Starts hives and mounts below one directory, and takes away what is left of them."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._started: list[subprocess.Popen[str]] = []
        self._mounted: list[Path] = []
        self._environment = os.environ | {"NINEDOOR_RUNTIME_DIR": str(home / "run")}
        self._environment.pop("NINEDOOR_MANIFEST", None)
        self.url = f"unix:{home / 'socket'}"

    def start(self, *options: str, place: str = "hive") -> Hive:
        """Mount a new hive and return once it is mounted."""
        return Hive(self._directory(place), self._run("mount", *options, str(self._directory(place))))

    def serve(self, *options: str) -> "subprocess.Popen[str]":
        """Serve a hive at `url` and return once it listens."""
        return self._run("serve", "--listen", self.url, *options)

    def mount(self, *options: str, place: str = "remote") -> Hive:
        """Mount the hive that listens at `url` and return once it is mounted."""
        directory = self._directory(place)
        return Hive(directory, self._run("mount", *options, str(directory), self.url))

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `ninedoor` with these words."""
        return subprocess.run(
            [sys.executable, "-m", "ninedoor.cli.main", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def _directory(self, name: str) -> Path:
        directory = self._home / name
        if directory not in self._mounted:
            directory.mkdir()
            self._mounted.append(directory)
        return directory

    def _run(self, *words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "ninedoor.cli.main", *words],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                return process
        raise AssertionError(f"not served: {process.communicate()[1]}")

    def close(self) -> list[str]:
        """End everything, the last that was started first. Returns what there was to complain of."""
        complaints = []
        for process in reversed(self._started):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
            _out, said = process.communicate(timeout=PATIENCE_S)
            complaints += [line for line in said.splitlines() if "INFO" not in line]
        for directory in self._mounted:
            while is_ours(mounted_on(str(directory))):
                unmount(str(directory), lazy=True)
        return complaints


@pytest.fixture(scope="module", params=["embedded", "remote"])
def hive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    """One hive for all tests of a module, each of which makes the workers it needs: mounted by its own
    process, and by another one over a socket."""
    server = Server(tmp_path_factory.mktemp("mount"))
    if request.param == "remote":
        server.serve()
        yield server.mount()
    else:
        yield server.start()
    assert server.close() == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """For tests that end or kill what they started."""
    started = Server(tmp_path)
    yield started
    assert started.close() == []
