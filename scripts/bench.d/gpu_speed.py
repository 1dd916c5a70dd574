"""A job's way through hive and bridge, beside the same kernel called in this process: the price of the way.

For each device that is here, and each job: the kernel called directly (the peer); the same in a kernel
worker's process; the requests of a job that a client makes all by itself, without a bridge; and the whole,
from the submission until the client reads that it is done. What the whole takes beyond kernel and requests
is the bridge's share.
"""

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import trio
from contenders import PATIENCE_S, TOP, Failure

from ninedoor.client import Client, ConnectError, connect
from ninedoor.gpu import mock, publish, status
from ninedoor.gpu.jobs import Kernel, build
from ninedoor.gpubridge.computing import command_for
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.discovery import DiscoveryError, discover, mock_devices, opencl_devices
from ninedoor.gpubridge.kernels.backend import open_backend
from ninedoor.gpubridge.kernels.problem import Problem, pose
from ninedoor.gpubridge.streams import Streams

GPU = "/gpu/GPU-0"
ONE = (1, 1, 1)
LOOK_S = 0.0002
"""Between two looks of the client at the status file."""

IN_FLIGHT = 32
"""Unfinished jobs while jobs per second are counted; the hive takes twice as many."""

WARMING = 50
"""Jobs before anything is measured: the driver prepares for each size at its first."""

LEASE = {"gpu_id": "GPU-0", "mem_mb": 64, "streams": 1, "ttl_s": 86400, "priority": 0}


class Case(NamedTuple):
    """One kind of job."""

    name: str
    kernel: Kernel
    floats: int

    @property
    def payload(self) -> bytes:
        return struct.pack(f"<{self.floats}f", *range(self.floats))

    @property
    def problem(self) -> Problem:
        return pose(self.kernel, 4 * self.floats, ONE, ONE)


CASES = (
    Case("empty", "vadd", 0),
    Case("vadd of 1", "vadd", 2),
    Case("vadd of 512", "vadd", 1024),
    Case("matmul 24 by 24", "matmul", 1152),
)


class Figures(NamedTuple):
    """Microseconds, medians; and jobs per second."""

    direct: float
    worker: float
    requests: float
    whole: float
    jobs_per_s: float

    @property
    def share(self) -> float:
        """The part of the whole that is neither the kernel nor the requests."""
        return max(0.0, self.whole - self.direct - self.requests) / self.whole


Table = dict[tuple[str, str], Figures]
"""By device and kind of job."""


def measure(rounds: int, seconds: float) -> Table:
    """Everything, on a mock device and on OpenCL's first one. Raises Failure when a program does not
    start."""
    found = [("mock", mock_devices()[0], ["--mock"])]
    try:
        opencl = discover(None, opencl_devices(), "opencl", "yes")
    except DiscoveryError as failure:
        raise Failure(str(failure)) from failure
    found += [(f"OpenCL: {each.device.name}", each, ["--cpu", "yes"]) for each in opencl[:1]]
    return {
        (name, case.name): _beside_each_other(case, device, options, rounds, seconds)
        for name, device, options in found
        for case in CASES
    }


def _beside_each_other(
    case: Case, device: LocalDevice, options: list[str], rounds: int, seconds: float
) -> Figures:
    """One kind of job, with hives of its own: results that are kept from others would slow it down."""
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder, ExitStack() as stack:
        bare = stack.enter_context(_hive(Path(folder), "bare"))
        served = stack.enter_context(_hive(Path(folder), "served"))
        text = "".join(f"{line}\n" for line in publish.lines(mock.snapshot().encode()))
        bare.append("/gpu/bridge/ctl", text.encode())
        stack.enter_context(_bridge(Path(folder), options))
        for client in (bare, served):
            client.command("/queen/ctl", json.dumps({"spawn": "gpu", "lease": LEASE}))
        return _figures(case, device, bare, served, rounds, seconds)


def _figures(
    case: Case, device: LocalDevice, bare: Client, served: Client, rounds: int, seconds: float
) -> Figures:
    backend = open_backend(device.backend, device.key)
    payload, problem = case.payload, case.problem
    jobs = Jobs(served, case)
    alone = Jobs(bare, case)
    result = backend.compute(problem, payload)
    for _ in range(WARMING):
        jobs.whole()
    contenders = (
        lambda: backend.compute(problem, payload),
        lambda: alone.requests(result),
        jobs.whole,
    )
    # In turns, so that whatever else the machine does meets all of them.
    taken = [[_us(do) for do in contenders] for _ in range(rounds)]
    direct, requests, whole = map(median, zip(*taken, strict=True))
    worker = trio.run(_in_worker, device, problem, payload, rounds)
    return Figures(direct, worker, requests, whole, jobs.per_second(seconds))


class Jobs:
    """Writes jobs of one kind and waits for them, through files that stay open."""

    def __init__(self, client: Client, case: Case) -> None:
        self._client = client
        self._case = case
        self._count = 0
        self._job = client.open(f"{GPU}/job", os.O_WRONLY | os.O_APPEND)
        self._status = client.open(f"{GPU}/status", os.O_RDWR | os.O_APPEND)
        self._read = client.stat(f"{GPU}/status").size
        self._unfinished = b""

    def submit(self) -> str:
        """Write one; its name."""
        self._count += 1
        name = f"{self._case.name.replace(' ', '-')}-{self._count}"
        line = build(name, self._case.kernel, self._case.payload, timeout_ms=60_000)
        self._job.write(f"{line}\n".encode())
        return name

    def ended(self) -> int:
        """How many jobs have ended since the last look. Raises Failure when one has failed."""
        data = self._unfinished + self._status.read(self._read, 8168)
        self._read += len(data) - len(self._unfinished)
        whole, _, self._unfinished = data.rpartition(b"\n")
        found = [step for step in status.steps(whole.decode()) if step.state in ("OK", "ERR")]
        for step in found:
            if step.state == "ERR":
                raise Failure(f"job {step.job} failed: {step.detail}")
        return len(found)

    def whole(self) -> None:
        """One job from its submission until it is read that it is done."""
        self.submit()
        while not self.ended():
            time.sleep(LOOK_S)

    def requests(self, result: bytes) -> None:
        """What a client and a bridge ask of the hive for one job, all by this client: no kernel, no
        waiting."""
        name = self.submit()
        self._client.read(f"{GPU}/queue")
        self._status.write(status.line(name, "RUNNING", status.SCHEDULED).encode() + b"\n")
        if result:
            self._client.append(f"{GPU}/result/{name}", result)
        done = status.completed(sha256(result).hexdigest(), len(result))
        self._status.write(status.line(name, "OK", done).encode() + b"\n")
        while not self.ended():
            pass

    def per_second(self, seconds: float) -> float:
        """Jobs that end in a second while IN_FLIGHT are under way."""
        ended, flying = 0, 0
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            while flying < IN_FLIGHT:
                self.submit()
                flying += 1
            done = self.ended()
            ended += done
            flying -= done
            if not done:
                time.sleep(LOOK_S)
        while flying:
            flying -= self.ended()
        return ended / passed


async def _in_worker(device: LocalDevice, problem: Problem, payload: bytes, rounds: int) -> float:
    streams = Streams(command_for(device))
    taken = []
    for _ in range(rounds + 5):
        began = time.perf_counter()
        await streams.compute(problem, payload)
        taken.append(time.perf_counter() - began)
    await streams.close()
    return median(taken[5:]) * 1e6


def _us(do: Callable[[], object]) -> float:
    """For how many microseconds `do` ran."""
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1e6


@contextmanager
def _hive(into: Path, name: str) -> Iterator[Client]:
    """A hive in memory and a client of it."""
    socket = f"unix:{into / name}"
    words = ["ninedoor.cli.main", "serve", "--manifest", str(TOP / "configs" / "root_task.toml")]
    with _running(into, name, [*words, "--listen", socket]) as process:
        client = _once(lambda: connect(socket), process, into / f"{name}.log")
        with client:
            yield client


@contextmanager
def _bridge(into: Path, options: list[str]) -> Iterator[None]:
    """A bridge of the hive `served` that is ready to compute."""
    words = [
        "ninedoor.gpubridge.main",
        "--run",
        "--url",
        f"unix:{into / 'served'}",
        "--json",
        "--interval",
        "3600",
    ]
    events = into / "bridge.out"
    with _running(into, "bridge", [*words, *options]) as process:

        def ready() -> None:
            if '"gpu": "GPU-0"' not in events.read_text() or '"attached"' not in events.read_text():
                raise ConnectError("the bridge", "not ready")

        _once(ready, process, into / "bridge.log")
        yield


@contextmanager
def _running(into: Path, name: str, words: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    with (into / f"{name}.out").open("wb") as out, (into / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", *words], stdout=out, stderr=log, cwd=TOP)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _once(do: Callable[[], Any], process: "subprocess.Popen[bytes]", log: Path) -> Any:
    """What `do` brings as soon as it does not meet ConnectError. Raises Failure when the process ends
    first."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return do()
        except ConnectError:
            time.sleep(0.01)
    raise Failure(f"not started: {log.read_text()}")


HEADS = (
    "kernel here",
    "in a worker",
    "requests",
    "round trip",
    "times",
    "bridge",
    "jobs/s",
)


def _cells(figures: Figures) -> list[str]:
    taken = (figures.direct, figures.worker, figures.requests, figures.whole)
    times = figures.whole / max(figures.direct, 0.1)
    return [
        *(f"{each:.0f}" for each in taken),
        f"{times:.0f}",
        f"{100 * figures.share:.0f} %",
        f"{figures.jobs_per_s:.0f}",
    ]


def table(figures: Table) -> str:
    """For a terminal."""
    lines = ["".join([f"{'':<44}", *(f"{head:>13}" for head in HEADS)])]
    for (device, case), each in figures.items():
        lines.append("".join([f"{f'{device}, {case}':<44}", *(f"{cell:>13}" for cell in _cells(each))]))
    return "\n".join(lines)


def markdown(figures: Table) -> str:
    """For the document."""
    lines = [f"| device | job | {' | '.join(HEADS)} |", "|---" * (2 + len(HEADS)) + "|"]
    lines += [
        f"| {device} | {case} | {' | '.join(_cells(each))} |" for (device, case), each in figures.items()
    ]
    return "\n".join(lines) + "\n"
