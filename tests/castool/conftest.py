"""`cas-tool` as a function, in a directory of its own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ninedoor.castool.main import main

SEED = "0123456789abcdef" * 4
"""The original's fixture."""


@dataclass
class Tool:
    """Runs commands in `home`, which is the working directory. `out` and `err` are what the last one said."""

    home: Path
    _capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def run(self, *words: str, status: int = 0) -> str:
        """Run a command that ends with `status`; what it printed."""
        ended = main(words)
        self.out, self.err = self._capture.readouterr()
        assert ended == status, self.err
        return self.out

    def json(self, *words: str) -> Any:
        """What a command says to programs."""
        return json.loads(self.run(*words, "--json"))

    def file(self, name: str, content: bytes) -> str:
        """A file in `home`; its name."""
        (self.home / name).write_bytes(content)
        return name

    def key(self) -> str:
        """The file of the fixture's key."""
        name = self.file("update.key", SEED.encode())
        (self.home / name).chmod(0o600)
        return name

    def pack(self, epoch: str, payload: bytes, *more: str, chunk_bytes: int = 128) -> Path:
        """A bundle of `payload`, signed."""
        words = ["--chunk-bytes", str(chunk_bytes), "--signing-key", self.key(), *more]
        self.run("pack", "--epoch", epoch, "--input", self.file(f"payload-{epoch}", payload), *words)
        return self.home / "out" / "cas" / epoch


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tool:
    monkeypatch.chdir(tmp_path)
    return Tool(tmp_path, capsys)
