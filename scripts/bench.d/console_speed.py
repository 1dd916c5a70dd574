"""The console on TCP beside a server that only sends lines back, in turns, client and servers on one CPU; and
cohsh's pool beside its single session."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import listeners
from contenders import TOP, Failure

CLIENT = Path(__file__).with_name("line_client.py")
LINE = "x" * 100


class Trip(NamedTuple):
    """What is asked, and the last line of its answer."""

    line: str
    last: str


TRIPS = {
    "ping": Trip("ping", "PONG"),
    "cat": Trip("cat /proc/boot", "END"),
    "echo": Trip(f"echo /log/queen.log {LINE}", f"OK ECHO path=/log/queen.log bytes={len(LINE)}"),
}

POOL_OPS = 2000
POOL_BATCH = 16
POOL_WAYS = ("tcp", "9p")
_SPEED = re.compile(r"pool bench (baseline|pooled) ops=\d+ elapsed_ms=\d+ ops_per_s=(\d+)")

Figures = dict[str, list[dict[str, float]]]
"""By operation, one for each round."""


class Runs(NamedTuple):
    """What was measured of the console, of the echo server, and of the pool by its way."""

    console: Figures
    floor: Figures
    pool: Figures


def measure(rounds: int, seconds: float, cpu: int) -> Runs:
    """Take turns, one figure at a time. Raises Failure when something does not run."""
    runs = Runs({}, {}, {})
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder, ExitStack() as stack:
        into = Path(folder)
        hive = stack.enter_context(listeners.console(into, cpu))
        echo_port = stack.enter_context(listeners.line_echo(into, cpu))
        greetings = [f"AUTH {hive.token} -> OK AUTH", "attach queen -> OK ATTACH role=queen"]
        for _ in range(rounds):
            for name, asked in TRIPS.items():
                floor = _trips(cpu, seconds, echo_port, Trip(asked.line, asked.line))
                ours = _trips(cpu, seconds, hive.port, asked, greetings)
                runs.floor.setdefault(name, []).append(floor)
                runs.console.setdefault(name, []).append(ours)
            for way in POOL_WAYS:
                runs.pool.setdefault(way, []).append(_pool(cpu, way, hive))
    return runs


def _trips(
    cpu: int, seconds: float, port: int, trip: Trip, greetings: Sequence[str] = ()
) -> dict[str, float]:
    command = [str(CLIENT), str(port), str(seconds), trip.last, trip.line, *greetings]
    figures: dict[str, float] = json.loads(_output(cpu, command, os.environ))
    return figures


def _pool(cpu: int, way: str, hive: listeners.ConsoleHive) -> dict[str, float]:
    """Lines per second, of one session and of the pool."""
    command = ["-m", "cohsh.main", "--transport", way, "--tcp-port", str(hive.port)]
    command += ["--url", hive.url, "--ticket", hive.ticket]
    command += ["-c", f"pool bench path=/log/queen.log ops={POOL_OPS} batch={POOL_BATCH} payload={LINE}"]
    environment = os.environ | {
        "PYTHONPATH": str(TOP),
        "COHSH_AUTH_TOKEN": hive.token,
        "COHSH_CONSOLE_LOCK": "0",
    }
    told = _output(cpu, command, environment)
    figures = {name: float(speed) for name, speed in _SPEED.findall(told)}
    if set(figures) != {"baseline", "pooled"}:
        raise Failure(f"pool bench over {way} says: {told.strip()}")
    return figures


def _output(cpu: int, words: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a Python program on `cpu` prints."""
    command = ["taskset", "-c", str(cpu), sys.executable, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment))
    if done.returncode != 0:
        raise Failure(f"{Path(words[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _ratio(above: Sequence[dict[str, float]], below: Sequence[dict[str, float]], key: str) -> float:
    """The median of the rounds' ratios: what else the machine does meets both of a round."""
    return float(median(one[key] / other[key] for one, other in zip(above, below, strict=True)))


def trip_rows(runs: Runs) -> list[list[str]]:
    """Round trips, heads first."""
    rows = [["", "per second", "p50 µs", "p95 µs", "echo server per second", "of its speed"]]
    for name, ours in runs.console.items():
        floor = runs.floor[name]
        cells = [f"{median(run[key] for run in ours):.0f}" for key in ("trips_per_s", "p50_us", "p95_us")]
        bare = f"{median(run['trips_per_s'] for run in floor):.0f}"
        rows.append([name, *cells, bare, f"{_ratio(ours, floor, 'trips_per_s'):.2f}"])
    return rows


def pool_rows(runs: Runs) -> list[list[str]]:
    """The pool, heads first."""
    rows = [["lines per second", "one session", "pool", "times"]]
    for way, each in runs.pool.items():
        single, pooled = (median(run[key] for run in each) for key in ("baseline", "pooled"))
        times = median(run["pooled"] / run["baseline"] for run in each)
        rows.append([way, f"{single:.0f}", f"{pooled:.0f}", f"{times:.1f}"])
    return rows


def table(rows: list[list[str]]) -> str:
    """For a terminal."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def markdown(runs: Runs) -> str:
    """For docs/PERFORMANCE.md."""
    return "\n\n".join(_markdown(rows) for rows in (trip_rows(runs), pool_rows(runs)))


def _markdown(rows: list[list[str]]) -> str:
    heads, *lines = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *lines])


def records(runs: Runs) -> list[dict[str, Any]]:
    """Every figure of every round, for a program."""
    return [
        {"of": of, "operation": operation, "round": number, **run}
        for of, figures in runs._asdict().items()
        for operation, each in figures.items()
        for number, run in enumerate(each)
    ]
