"""The benchmark runs and says what it ran on; what it measures is nobody's business here."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_console_is_measured_beside_a_server_that_sends_lines_back(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = bench("console", "--rounds", "1", "--seconds", "0.02", "--json", str(figures))
    _machine, _settings, _head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert [row.split()[0] for row in rows] == ["ping", "cat", "echo", "lines", "tcp", "9p"]
    kept = json.loads(figures.read_text())["figures"]
    assert {run["of"] for run in kept} == {"console", "floor", "pool"}


@pytest.mark.slow
@pytest.mark.mount
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("diod", path="/usr/sbin:/usr/bin") is None, reason="diod is not installed")
def test_many_workers_and_readers_are_measured() -> None:
    done = bench("telemetry", "--workers", "1200", "--seconds", "0.3", "--records", "20000")
    _machine, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows) == 16
    assert {row[:7].strip() for row in rows} <= {"met", "missed", ""}
    assert rows[-1].strip().startswith("start after 20,000 records")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_jobs_on_gpus_are_measured_beside_their_kernels() -> None:
    done = bench("gpu", "--rounds", "3", "--seconds", "0.1")
    _machine, _settings, head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert head.split()[:2] == ["kernel", "here"]
    assert [row.partition(",")[0] for row in rows][:4] == ["mock"] * 4
    assert len(rows) in (4, 8)


@pytest.mark.slow
@pytest.mark.mount
@pytest.mark.timeout(120)
def test_updates_are_measured_beside_a_copy_and_its_hash() -> None:
    done = bench("cas", "--mib", "1", "--rounds", "1")
    _machine, settings, head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert settings.startswith("Payloads of 1 MiB, median of 1 rounds, others had ")
    assert head.split()[0] == "seconds"
    assert len(rows) == 9 + 3 + 1
    assert rows[-1].startswith("peak memory of the daemon: ")


def test_what_others_take_of_the_machine_is_told_apart_from_what_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BENCH.with_name("bench.d")))
    bystanders = importlib.import_module("bystanders")
    fields = iter(["cpu 100 0 0 5000 0 0 0 0", "cpu 400 0 50 9000 7 0 0 50"])
    spent = iter([0.0, 0.0, 1.0, 2.0])
    moments = iter([10.0, 12.0])
    monkeypatch.setattr(bystanders, "_TICKS", 100)
    monkeypatch.setattr(bystanders.Path, "read_text", lambda _path: f"{next(fields)}\ncpu0 1\n")
    monkeypatch.setattr(bystanders.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(
        bystanders.resource, "getrusage", lambda _who: SimpleNamespace(ru_utime=next(spent), ru_stime=0.0)
    )

    # 4 s of CPU in 2 s, 3 of them ours.
    assert bystanders.Bystanders().told() == "others had 0.50 CPUs: busy, run it again"


def test_an_unknown_subject_is_a_usage_error() -> None:
    assert bench("speed").returncode == 2


@pytest.mark.slow
def test_observation_is_measured_with_and_without() -> None:
    done = bench("observe", "--rounds", "1")
    _machine, _settings, _head, *rows, verdict = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert [row.split()[0] for row in rows] == ["1", "16"]
    assert verdict.split()[0] in ("met", "missed")


@pytest.mark.slow
@pytest.mark.mount
@pytest.mark.timeout(120)
def test_latencies_are_measured_in_the_hive_and_on_both_ways_to_it() -> None:
    done = bench("latency", "--samples", "64")
    _machine, _settings, _head, *rows = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert [row.split(":")[0] for row in rows] == ["in the hive", "over TCP", "through a mount"]
    assert all(row.split()[-3] == "64" for row in rows)
    for row in rows:
        assert 0 < float(row.split()[-2]) <= float(row.split()[-1])
