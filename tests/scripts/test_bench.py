"""The benchmark runs and says what it ran on; what it measures is nobody's business here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "scripts" / "bench.py"


def bench(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(BENCH), *words], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_core_alone_is_measured() -> None:
    done = bench("core", "--rounds", "1")
    machine, head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert "Python 3." in machine
    assert "us/message" in head
    assert [row.split("  ")[0] for row in rows] == ["Tread 128", "Twrite 128", "Tgetattr"]


@pytest.mark.slow
@pytest.mark.mount
@pytest.mark.timeout(120)
def test_every_contender_is_measured_in_one_run() -> None:
    done = bench("fuse", "--rounds", "1", "--seconds", "0.01", "--state")
    _machine, _settings, head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert head.split()[:5] == ["tmpfs", "c", "stock", "ninedoor", "on"]
    assert len(rows) == 7 + 7
    assert {row.split(" ")[0] for row in rows[7:]} <= {"met", "missed"}


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("diod", path="/usr/sbin:/usr/bin") is None, reason="diod is not installed")
def test_sockets_are_measured_beside_diod(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = bench(
        "9p",
        "--rounds",
        "1",
        "--seconds",
        "0.02",
        "--only",
        "read",
        "append",
        "attach",
        "--json",
        str(figures),
    )
    _machine, _settings, head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert head.split() == ["1x1", "1x16", "4x16", "64x4", "p99", "64x4"]
    assert len(rows) == 6 + 8 + 5
    assert {row.split(" ")[0] for row in rows[6:]} <= {"met", "missed"}
    kept = json.loads(figures.read_text())["figures"]
    assert {(run["operation"], run["server"]) for run in kept} >= {("read", "diod"), ("read", "NineDoor")}
    assert not any(run["errors"] for run in kept)


def test_an_unknown_subject_is_a_usage_error() -> None:
    assert bench("speed").returncode == 2
