"""NineDoor beside diod over TCP, operation by operation, in turns, client and servers on one CPU."""

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import listeners
from contenders import LINE, Failure, compile_c
from listeners import Server

OPERATIONS = {
    "getattr": "getattr",
    "read": "read 128",
    "append": "append 128 to a log",
    "walk": "walk of four names, clunk",
    "openclose": "walk, open, clunk",
    "list": "list 100 workers",
    "attach": "connect and attach",
    "mixed": "70 % read, 20 % append, 10 % walk",
}
"""Workload of p9bench.c → what it is called here."""

END = str((1 << 64) - 1)
"""The offset at which a ring takes an append."""


class Shape(NamedTuple):
    """How many sessions, and how many requests each has in flight."""

    sessions: int
    window: int

    def __str__(self) -> str:
        return f"{self.sessions}x{self.window}"


SHAPES = (Shape(1, 1), Shape(1, 16), Shape(4, 16), Shape(64, 4))

TARGETS = {
    **{(name, Shape(1, 1)): 1.2 for name in ("getattr", "read", "append")},
    **{(name, Shape(1, 16)): 6.0 for name in ("getattr", "read", "append")},
    **{(name, Shape(4, 16)): 4.0 for name in ("getattr", "read", "append")},
    **{(name, Shape(64, 4)): 2.5 for name in ("getattr", "read", "append")},
    **{(name, Shape(1, 16)): 3.0 for name in ("walk", "openclose")},
}
"""What to reach, as a multiple of diod's operations per second."""

TAIL = 20.0
"""No session's 99th percentile beyond this multiple of the median, at the last of the shapes."""

READ_LOG = "read 128 of a log"
ALWAYS = "append, durable before each reply"
AS_WORKER = "append by a worker, who pays"
COMPARED = {READ_LOG: "read", ALWAYS: "append", AS_WORKER: "append"}
"""What else is measured of NineDoor → the operation of diod that it is compared with."""

Run = dict[str, Any]
"""What p9bench printed."""

Runs = dict[tuple[str, Shape, str], list[Run]]
"""By operation, shape and server, one for each round."""


def measure(rounds: int, seconds: float, cpu: int, only: Sequence[str], package: Path) -> Runs:
    """Take turns, one figure at a time, with NineDoor out of `package`. Raises Failure when a contender is
    missing or refuses something."""
    runs: Runs = {}
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder, ExitStack() as stack:
        into = Path(folder)
        client = compile_c("p9bench", into)
        diod = stack.enter_context(listeners.diod(into, cpu))
        hive = stack.enter_context(listeners.hive(into, cpu, "batch", package))
        always = stack.enter_context(listeners.hive(into, cpu, "always", package))
        others = {
            "read": [(READ_LOG, replace(hive, file=hive.log))],
            "append": [(ALWAYS, always), (AS_WORKER, listeners.as_worker(hive, into))],
        }
        for _ in range(rounds):
            for operation in only:
                for shape in SHAPES:
                    if operation == "attach" and shape == Shape(1, 16):
                        continue  # nothing is in flight there but the attach itself
                    for server in (diod, hive):
                        run = _once(client, operation, shape, server, seconds, cpu)
                        runs.setdefault((operation, shape, server.name), []).append(run)
                    for name, server in others.get(operation, ()):
                        run = _once(client, operation, shape, server, seconds, cpu)
                        runs.setdefault((name, shape, "NineDoor"), []).append(run)
    return runs


def _once(client: Path, operation: str, shape: Shape, server: Server, seconds: float, cpu: int) -> Run:
    path = server.file
    if operation == "walk":
        path = server.walk
    elif operation == "openclose":
        path = server.opened
    elif operation == "list":
        path = server.directory
    if server.name == "diod" and operation in ("append", "mixed"):
        (Path(server.attach[-1]) / server.log).write_bytes(LINE)  # it keeps all that was ever appended
    command = ["taskset", "-c", str(cpu), str(client), "-w", operation, "-t", str(seconds)]
    command += ["-s", str(shape.sessions), "-W", str(shape.window), "-p", path, "-a", server.log]
    command += ["-n", "8000"] if operation == "list" else []
    command += ["--fixed-offset", "-o", END] if server.name == "as a worker" else []
    command += ["--pid", str(server.process), *server.attach, server.address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{operation} on {server.name}: {done.stderr.strip()}")
    run: Run = json.loads(done.stdout)
    if run["errors"]:
        why = os.strerror(run["first_errno"])
        raise Failure(f"{operation} on {server.name}: {run['errors']} refused: {why}")
    return run


def rows(runs: Runs) -> list[list[str]]:
    """The table, heads first: thousands of operations per second, and how many times diod's."""
    heads = ["", *(f"{shape}" for shape in SHAPES), f"p99 {SHAPES[-1]}"]
    lines = [heads]
    for operation in dict.fromkeys(operation for operation, _shape, _server in runs):
        cells = [OPERATIONS.get(operation, operation)]
        cells += [_cell(runs, operation, shape) for shape in SHAPES]
        lines.append([*cells, _tail(runs, operation)])
    return lines


def _cell(runs: Runs, operation: str, shape: Shape) -> str:
    if (operation, shape, "NineDoor") not in runs:
        return ""
    speed = median(run["ops_per_s"] for run in runs[operation, shape, "NineDoor"])
    return f"{speed / 1000:.1f} ({_times_diod(runs, operation, shape):.2f})"


def _tail(runs: Runs, operation: str) -> str:
    last = runs.get((operation, SHAPES[-1], "NineDoor"), [])
    if not last or not last[0]["worst_session_p99_us"]:
        return ""
    return f"{median(run['worst_session_p99_us'] / run['p50_us'] for run in last):.1f}"


def _times_diod(runs: Runs, operation: str, shape: Shape) -> float:
    """The median of the rounds' ratios: the two runs of a round follow each other, so what else the machine
    does meets both."""
    ours = runs[operation, shape, "NineDoor"]
    theirs = runs[COMPARED.get(operation, operation), shape, "diod"]
    return float(
        median(our["ops_per_s"] / their["ops_per_s"] for our, their in zip(ours, theirs, strict=True))
    )


def table(runs: Runs) -> str:
    """For a terminal."""
    lines = rows(runs)
    first, *others = ([len(line[at]) for line in lines] for at in range(len(lines[0])))
    widths = [max(first), *(max(lengths) for lengths in others)]
    return "\n".join(
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
            ]
        )
        for line in lines
    )


def markdown(runs: Runs) -> str:
    """For docs/PERFORMANCE.md."""
    heads, *lines = rows(runs)
    ruled = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def verdicts(runs: Runs) -> str:
    """Which of the targets are met."""
    lines = []
    for (operation, shape), least in TARGETS.items():
        if (operation, shape, "diod") not in runs:
            continue
        ratio = _times_diod(runs, operation, shape)
        verdict = "met" if ratio >= least else "missed"
        lines.append(
            f"{verdict:<7}{OPERATIONS[operation]}, {shape}: at least {least:g} times diod ({ratio:.2f})"
        )
    for operation in dict.fromkeys(operation for operation, _shape, _server in runs):
        tail = _tail(runs, operation)
        if tail:
            verdict = "met" if float(tail) <= TAIL else "missed"
            name = f"{OPERATIONS.get(operation, operation)}, {SHAPES[-1]}"
            lines.append(f"{verdict:<7}{name}: p99 of every session at most {TAIL:g} medians ({tail})")
    return "\n".join(lines)


def records(runs: Runs) -> list[Run]:
    """Every figure of every round, for a program."""
    return [
        {"operation": operation, "server": server, "round": number, **run}
        for (operation, _shape, server), each in runs.items()
        for number, run in enumerate(each)
    ]
