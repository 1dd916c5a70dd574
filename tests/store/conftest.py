"""Fixtures of the store's tests."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.store import directory, journal, repair
from tests.store.faults import Faults, FaultyMmap


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Faults of the store's system calls; disarmed at first."""
    faults = Faults()
    for module in (directory, journal, repair):
        monkeypatch.setattr(module, "os", faults)
    monkeypatch.setattr(journal, "mmap", FaultyMmap(faults))
    return faults


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the disk, for tests that open a store thousands of times."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB. Needs the right to mount."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a tmpfs: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
