"""One daemon that serves every road at once: a mount, a Unix socket and TCP; one hive, in memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ninedoor.cli.locate import stock_manifest
from tests.conftest import cannot_mount

PATIENCE_S = 20.0
"""Longest wait for what takes a second on an idle machine."""

HANDSHAKE_MS = 60_000
"""QEMU connects a pipe when it starts, and the guest mounts once it has booted."""

NINEDOOR = (sys.executable, "-m", "ninedoor.cli.main")


@dataclass(frozen=True)
class Served:
    """Where a hive can be reached."""

    mountpoint: Path | None
    """None where nothing can be mounted."""
    socket: Path
    """A queen of the daemon's user needs no ticket here."""
    port: int
    """TCP port on 127.0.0.1; every attach needs a ticket."""
    ticket: str
    """The queen's."""

    def on_host(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a bash script at the top of the mount; its errors stand among its output."""
        assert self.mountpoint is not None
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.mountpoint,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3 * PATIENCE_S,
            check=False,
        )


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hive for all tests here: each makes the workers it needs."""
    with serving(tmp_path_factory.mktemp("served")) as hive:
        yield hive


@pytest.fixture
def young(tmp_path: Path) -> Iterator[Served]:
    """A hive of which no ring has lost a byte yet."""
    with serving(tmp_path) as hive:
        yield hive


@contextmanager
def serving(place: Path) -> Iterator[Served]:
    """A hive that keeps its files in `place`, and has nothing to complain of in the end."""
    sock, mountpoint = place / "hive.sock", place / "export" / "ns"
    mountpoint.mkdir(parents=True)
    environment = os.environ | {
        "NINEDOOR_RUNTIME_DIR": str(place / "run"),
        "NINEDOOR_MANIFEST": str(stock_manifest()),
    }
    mounts = cannot_mount() is None
    words = ["mount", str(mountpoint)] if mounts else ["serve"]
    words += ["--listen", f"unix:{sock}?profile=linux&handshake_ms={HANDSHAKE_MS}"]
    words += ["--listen", "tcp://127.0.0.1:0?profile=linux"]
    daemon = subprocess.Popen(
        [*NINEDOOR, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        port = _port(daemon)
        ticket = _out("ticket", "mint", "--role", "queen", environment=environment).strip()
        yield Served(mountpoint if mounts else None, sock, port, ticket)
    finally:
        daemon.send_signal(signal.SIGTERM)
        _out_rest, said = daemon.communicate(timeout=PATIENCE_S)
    assert [line for line in said.splitlines() if "INFO" not in line] == []


def _port(daemon: "subprocess.Popen[str]") -> int:
    """The TCP port that a daemon says it listens on, once it says that it is ready."""
    assert daemon.stdout is not None
    port = 0
    for line in daemon.stdout:
        if line.startswith("Listening on tcp:"):
            port = int(line.rpartition(":")[2])
        if line.startswith("Ctrl-C"):
            return port
    raise AssertionError(f"the daemon did not start: {daemon.communicate()[1]}")


def _out(*words: str, environment: dict[str, str]) -> str:
    return subprocess.run(
        [*NINEDOOR, *words], env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE_S
    ).stdout
