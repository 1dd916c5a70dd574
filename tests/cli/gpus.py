"""A served hive with the mock's GPUs, a bridge that answers what it is told to, and `ninedoor` on it.

Shared by the tests of this package; it mirrors no module.
"""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ninedoor.cli import tables
from ninedoor.cli.main import main
from ninedoor.client.client import Client
from ninedoor.client.opening import connect
from ninedoor.gpu import mock, publish
from ninedoor.gpu.jobs import parse_queue
from ninedoor.gpu.status import completed, line
from tests.client.hives import Daemon, daemon

PATIENCE_S = 30.0
"""Longest wait for another thread: far more than it takes."""


class Operator:
    """Runs commands on the hive at `url`."""

    def __init__(self, running: Daemon, hive: Client, capsys: pytest.CaptureFixture[str]) -> None:
        self.running = running
        self.url = str(running.unix)
        self.hive = hive
        self._capsys = capsys
        self.told: list[str] = []
        """Lines on standard error of the last command."""

    def run(self, *words: str) -> tuple[int, list[str]]:
        """The exit status of `ninedoor WORDS --hive URL`, and the lines it printed."""
        status, out = self.output(*words)
        return status, out.splitlines()

    def output(self, *words: str) -> tuple[int, str]:
        """The same, whole."""
        self._capsys.readouterr()
        place = () if "--hive" in words else ("--hive", self.url)
        ahead = words.index("--") if "--" in words else len(words)
        status = main([*words[:ahead], *place, *words[ahead:]])
        out, err = self._capsys.readouterr()
        self.told = err.splitlines()
        return status, out

    def json(self, *words: str) -> Any:
        """What the command prints with --json."""
        status, out = self.output(*words, "--json")
        assert status == 0
        return json.loads(out)

    def lease(self, gpu: str = "GPU-0") -> str:
        """Lease `gpu`; the worker that has it."""
        worker = self.json("gpu", "lease", "--gpu", gpu, "--mem-mb", "64", "--ttl-s", "3600")["worker_id"]
        assert isinstance(worker, str)
        return worker

    @contextmanager
    def bridge(self, result: bytes = b"", error: str = "") -> Iterator[None]:
        """While it is open, one job of GPU-0 is run: it computes `result`, or fails with `error`."""
        thread = threading.Thread(target=self._bridge, args=(result, error), daemon=True)
        thread.start()
        yield
        thread.join(PATIENCE_S)
        assert not thread.is_alive()

    def _bridge(self, result: bytes, error: str) -> None:
        with connect(self.url) as client:
            deadline = time.monotonic() + PATIENCE_S
            while not (held := parse_queue(client.read("/gpu/GPU-0/queue").decode())):
                assert time.monotonic() < deadline
                time.sleep(0.005)
            job = held[0].job.id
            steps = [line(job, "RUNNING", "scheduled")]
            client.append("/gpu/GPU-0/status", f"{steps[0]}\n".encode())
            if result:
                client.append(f"/gpu/GPU-0/result/{job}", result)
            detail = completed(hashlib.sha256(result).hexdigest(), len(result))
            end = line(job, "ERR", error) if error else line(job, "OK", detail)
            client.append("/gpu/GPU-0/status", f"{end}\n".encode())


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    """An operator of a hive in which a bridge has published the mock."""
    with daemon(tmp_path) as running, connect(running.unix) as hive:
        for text in publish.lines(mock.snapshot().encode()):
            hive.append("/gpu/bridge/ctl", f"{text}\n".encode())
        yield Operator(running, hive, capsys)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads the output."""
    monkeypatch.setattr(tables, "is_terminal", lambda: True)
