"""What many workers and many readers cost one daemon, and how long a start takes after a long history."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import contenders
import listeners
from contenders import LINE, PATIENCE_S, Failure, Files, compile_c
from listeners import Server

from ninedoor.client import Client, connect
from ninedoor.config import Config
from ninedoor.manifest.load import load
from ninedoor.runtime.app import App

FEWEST, MANY, MOST = 10, 1_000, 10_000
RING_BYTES = 1024
SHARD = "/shard/00/worker"
READERS, FANNED = 50, 1_000
WRITERS, WINDOW = 4, 16
FAN_RATE = 200
"""Lines a second for a thousand readers, each of which is to have all of them."""
SEGMENT = 1000
"""Records between two looks at whether the journal is to be compacted; the daemon looks once a second."""


class Figure(NamedTuple):
    """One row: what was measured, how much it was, what was to be reached, and whether it was (None: nothing
    was to be)."""

    what: str
    value: str
    aim: str = ""
    met: bool | None = None


def measure(workers: int, seconds: float, records: int, cpu: int) -> Iterator[Figure]:
    """Every figure, one after the other. Raises Failure when a program is missing or refuses something."""
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder, ExitStack() as stack:
        into = Path(folder)
        p9bench, tails = compile_c("p9bench", into), compile_c("tails", into)
        diod = stack.enter_context(listeners.diod(into, cpu))
        hive = stack.enter_context(listeners.hive(into, cpu, "batch", workers=FEWEST))
        queen = stack.enter_context(connect(f"tcp://{hive.address}", ticket=hive.attach[-1]))
        attaches: dict[int, float] = {}

        def attach(present: int) -> None:
            attaches[present] = _attach_ratio(p9bench, hive, diod, seconds, cpu)

        attach(FEWEST)
        _spawn(queen, MANY - FEWEST)
        attach(MANY)
        before = _anonymous(hive.process)
        took = _spawn(queen, workers - MANY)
        grown = (_anonymous(hive.process) - before) / (workers - MANY)
        yield Figure(
            "memory of a worker beside its ring", f"{grown / 1024:.1f} KiB", "< 16 KiB", grown < 16384
        )
        yield Figure("workers spawned, attached and beating", f"{(workers - MANY) / took:,.0f} a second")
        attach(workers)
        yield from _attach_figures(attaches)
        yield from _listings(queen, workers)
        _fill(queen)
        filled = (_anonymous(hive.process) - before) / (workers - MANY)
        yield Figure(f"the same with {workers:,} rings full", f"{filled / 1024:.1f} KiB, ring included")
        yield from _tailed(tails, hive, seconds)
        yield from _fanned(tails, hive, seconds)
    yield from _mounted(workers, cpu)
    yield from _start(records)


def _spawn(queen: Client, count: int) -> float:
    """Spawn `count` workers, and wait until all of them have beaten; returns the seconds that took."""
    present = len(queen.names("/worker"))
    began = time.monotonic()
    with queen.open("/queen/ctl", os.O_WRONLY | os.O_APPEND) as ctl:
        ctl.write_all(f"{listeners.SPAWN}\n".encode() * count, pipelined=True)
    last = f"/worker/worker-{present + count}/telemetry"
    deadline = time.monotonic() + PATIENCE_S
    while not queen.stat(last).size:
        if time.monotonic() > deadline:
            raise Failure(f"worker-{present + count} does not beat")
        time.sleep(0.01)
    return time.monotonic() - began


def _fill(queen: Client) -> None:
    """Append to every worker's ring until it is full and wraps."""
    for name in queen.names("/worker"):
        queen.append(f"/worker/{name}/telemetry", LINE * (RING_BYTES // len(LINE)))


def _anonymous(process: int) -> int:
    """Bytes of memory of its own that a server has; the mapped journal is the page cache's."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def _attach_ratio(client: Path, hive: Server, diod: Server, seconds: float, cpu: int) -> float:
    """The hive's median time to connect and attach, as a multiple of diod's in the same moment."""
    ratios = []
    for _ in range(5):
        times = []
        for server in (diod, hive):
            command = ["taskset", "-c", str(cpu), str(client), "-w", "attach", "-t", str(seconds / 5)]
            run = _json([*command, "-s", "1", *server.attach, server.address])
            times.append(run["p50_us"])
        ratios.append(times[1] / times[0])
    return median(ratios)


def _attach_figures(attaches: dict[int, float]) -> Iterator[Figure]:
    told = ", ".join(f"{ratio:.2f} at {present:,}" for present, ratio in attaches.items())
    flat = max(attaches.values()) / min(attaches.values())
    yield Figure("connect and attach, times diod", told)
    yield Figure("the slowest of them to the fastest", f"{flat:.2f}", "<= 1.5", flat <= 1.5)


def _listings(queen: Client, workers: int) -> Iterator[Figure]:
    for path in (SHARD, "/worker"):
        names = len(queen.names(path))
        taken = median([_timed(lambda path=path: queen.names(path)) for _ in range(9)])
        yield Figure(f"ls of {path}, {names:,} of {workers:,} workers", f"{taken * 1e3:.1f} ms")


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _tailed(tails: Path, hive: Server, seconds: float) -> Iterator[Figure]:
    """Writers that append as fast as they are let, while readers tail the same log."""
    alone = _tails(tails, hive, 0, WINDOW, 0, seconds)
    run = _tails(tails, hive, READERS, WINDOW, 0, seconds)
    speed, share = run["lines_per_s"], run["least"] / run["appended"]
    yield Figure("lines appended while nobody reads", f"{alone['lines_per_s']:,.0f} a second")
    yield Figure(
        f"lines appended while {READERS} readers tail", f"{speed:,.0f} a second", ">= 50,000", speed >= 50_000
    )
    worst = f"{share:.0%} of all bytes, {run['longest_ms']:.0f} ms without any"
    yield Figure("the worst of those readers", worst, "not starved", share > 0.9)


def _fanned(tails: Path, hive: Server, seconds: float) -> Iterator[Figure]:
    """A slow writer, and a thousand readers of what it writes."""
    before = most = _anonymous(hive.process)
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(_tails, tails, hive, FANNED, 100, FAN_RATE, seconds)
        while not running.done():
            most = max(most, _anonymous(hive.process))
            time.sleep(0.05)
        run = running.result()
    grown = (most - before) / FANNED
    share = run["least"] / run["appended"]
    served = f"{run['reads_per_s']:,.0f} reads a second"
    yield Figure(
        f"{FANNED:,} readers tail {FAN_RATE} lines a second", f"{share:.0%} of all bytes for each, {served}"
    )
    yield Figure("memory of a reader, its session included", f"{grown / 1024:.1f} KiB")


def _tails(tails: Path, hive: Server, readers: int, window: int, rate: int, seconds: float) -> dict[str, Any]:
    host, _colon, port = hive.address.rpartition(":")
    writers = 1 if rate else WRITERS
    numbers = [str(number) for number in (readers, writers, window, rate, seconds)]
    return _json([str(tails), host, port, hive.attach[1], hive.attach[-1], hive.log, *numbers])


def _json(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def _mounted(workers: int, cpu: int) -> Iterator[Figure]:
    """The same number of workers on a daemon with a mount, through that mount."""
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder:
        into = Path(folder)
        with contenders.ninedoor(into, cpu, state=True, workers=0) as files:
            yield from _through(files, int((into / "state" / "lock").read_text()), workers)
        config = load(into / "root_task.toml").config
        taken = _timed(lambda: App.open(config, into / "state").close())
        yield Figure(f"start with {workers:,} workers", f"{taken * 1e3:.0f} ms")


def _through(files: Files, process: int, workers: int) -> Iterator[Figure]:
    """What the mount of the daemon `process` does when `workers` are spawned through it."""
    with (files.workers.parent / "queen" / "ctl").open("ab", buffering=0) as control:
        spawn = f"{listeners.SPAWN}\n".encode()
        before = _anonymous(process)
        taken = _timed(lambda: [control.write(spawn) for _ in range(workers)])
        yield Figure("workers spawned by echo through a mount", f"{workers / taken:,.0f} a second")
    shard = files.workers.parent / SHARD[1:]
    names = len(os.listdir(shard))
    taken = median([_timed(lambda: os.listdir(shard)) for _ in range(9)])
    yield Figure(f"ls of {SHARD} there, {names:,} of {workers:,} workers", f"{taken * 1e3:.1f} ms")
    first, again = (_timed(lambda: [entry.stat() for entry in os.scandir(files.workers)]) for _ in "12")
    yield Figure(f"ls -l of /worker there, {workers:,} workers", f"{first * 1e3:.0f} ms")
    yield Figure("the same again", f"{again * 1e3:.0f} ms")
    rings = [files.workers / f"worker-{number}" / "telemetry" for number in range(1, workers + 1)]
    taken = _timed(lambda: [ring.read_bytes() for ring in rings])
    yield Figure("telemetry files opened and read there", f"{workers / taken:,.0f} a second")
    grown = (_anonymous(process) - before) / workers
    yield Figure("memory of a worker there, its names looked up", f"{grown / 1024:.1f} KiB")


def _start(records: int) -> Iterator[Figure]:
    """Write a history, one record each, with compaction where the store asks for it; then open it again."""
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder:
        state = Path(folder) / "state"
        app = App.open(Config(), state)
        now = app.clock()
        for number in range(records):
            app.hive.append_log(LINE, now)
            if number % SEGMENT == 0:
                app.hive.compact()
        app.close()
        size = sum(file.stat().st_size for file in state.iterdir())
        began = time.perf_counter()
        App.open(Config(), state).close()
        taken = time.perf_counter() - began
    yield Figure(
        f"start after {records:,} records", f"{taken * 1e3:.0f} ms, {size / (1 << 20):.0f} MiB on disk"
    )


def table(figures: Sequence[Figure]) -> str:
    """For a terminal."""
    lines = []
    for what, value, aim, met in figures:
        verdict = "" if met is None else "met" if met else "missed"
        lines.append(f"{verdict:<7}{what:<54}{value}" + (f"  ({aim})" if aim else ""))
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """For docs/PERFORMANCE.md."""
    rows = [("", "measured", "aim"), ("---", "---", "---")]
    for what, value, aim, met in figures:
        rows.append((what, value, aim if met is not False else f"{aim} (missed)"))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
