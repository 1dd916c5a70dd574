"""The contenders: a mount of NineDoor and what it is measured against, each with the same few files."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SHARED_MEMORY = Path("/dev/shm")

WORKERS = 1000
LINE = b"q" * 127 + b"\n"
TEXT = b"b" * 400

PATIENCE_S = 30.0

SILENT = "heartbeat_ms = 3600000", "heartbeat_ms = 1000"
"""Workers that do not beat while something else is measured: what the stock manifest is made to say."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where a contender keeps what is measured: an appendable file of at least 128 bytes, a text that never
    changes, a directory of `WORKERS` directories and one of those."""

    log: Path
    boot: Path
    workers: Path
    worker: Path


class Failure(Exception):
    """One line for the person at the terminal."""


def compile_c(name: str, into: Path, *flags: str) -> Path:
    """The program made from `name`.c. Raises Failure with the compiler's first words."""
    program = into / name
    command = ["gcc", "-O2", "-o", str(program), str(HERE / f"{name}.c"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"gcc cannot make {name}: {done.stderr.strip().splitlines()[0]}")
    return program


def fuse_flags() -> list[str]:
    """What a program over libfuse is compiled with. Raises Failure without its headers."""
    done = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failure("libfuse3-dev is missing: run scripts/setup")
    return done.stdout.split()


@contextmanager
def tmpfs() -> Iterator[Files]:
    """No server at all: what the kernel itself takes."""
    top = Path(mkdtemp(prefix="ninedoor-bench-", dir=SHARED_MEMORY))
    files = Files(top / "log", top / "boot", top / "worker", top / "worker" / "worker-17")
    try:
        for number in range(1, WORKERS + 1):
            (files.workers / f"worker-{number}").mkdir(parents=True)
        files.log.write_bytes(LINE)
        files.boot.write_bytes(TEXT)
        yield files
    finally:
        subprocess.run(["rm", "-rf", "--", str(top)], check=True)


@contextmanager
def c_server(into: Path, cpu: int) -> Iterator[Files]:
    """The same answers from C: the floor of a FUSE server."""
    program = compile_c("fuse_server", into, *fuse_flags())
    with _served(into / "c", [str(program), "-f", "-s", "-o", "default_permissions"], cpu) as place:
        yield _plain(place)


@contextmanager
def stock_pyfuse3(into: Path, cpu: int) -> Iterator[Files]:
    """The same answers from Python with pyfuse3 as it comes."""
    with _served(into / "stock", [sys.executable, str(HERE / "stock_server.py")], cpu) as place:
        yield _plain(place)


@contextmanager
def ninedoor(into: Path, cpu: int, state: bool, workers: int = WORKERS) -> Iterator[Files]:
    """A hive as `ninedoor mount` serves it, with policy, budgets, audit and journal; on disk if `state`."""
    stock = (TOP / "configs" / "root_task.toml").read_text()
    manifest = into / "root_task.toml"
    manifest.write_text(stock.replace(SILENT[1], SILENT[0]))
    name = "ninedoor-state" if state else "ninedoor"
    command = [sys.executable, "-m", "ninedoor.cli.main", "mount", "--manifest", str(manifest)]
    if state:
        command += ["--state", str(into / "state")]
    with _served(into / name, command, cpu) as place:
        control = place / "queen" / "ctl"
        _command(control, '{"budget":{"ttl_s":86400,"ops":1000000000}}')
        for _ in range(workers):
            _command(control, '{"spawn":"heartbeat","ticks":100}')
        log = place / "log" / "queen.log"
        log.write_bytes(LINE)
        shown = place / "worker"
        yield Files(log, place / "proc" / "boot", shown, shown / "worker-17")


def _plain(place: Path) -> Files:
    return Files(place / "log", place / "boot", place / "worker", place / "worker" / "worker-17")


def _command(control: Path, line: str) -> None:
    with control.open("ab", buffering=0) as opened:
        opened.write(line.encode() + b"\n")


@contextmanager
def _served(place: Path, command: list[str], cpu: int) -> Iterator[Path]:
    """A server pinned to `cpu`, mounted on `place` for as long as this lasts."""
    place.mkdir()
    environment = os.environ | {"PYTHONPATH": str(TOP), "NINEDOOR_RUNTIME_DIR": str(place.parent / "run")}
    with ExitStack() as stack:
        messages = stack.enter_context((place.parent / f"{place.name}.log").open("w+"))
        server = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command, str(place)],
            env=environment,
            stdout=messages,
            stderr=subprocess.STDOUT,
        )
        stack.callback(_stop, server, place)
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.ismount(place):
            if server.poll() is not None or time.monotonic() > deadline:
                messages.seek(0)
                raise Failure(f"{place.name} did not mount: {messages.read().strip() or 'no word of it'}")
            time.sleep(0.01)
        yield place


def _stop(server: "subprocess.Popen[bytes]", place: Path) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    subprocess.run(["fusermount3", "-u", "-q", "-z", "--", str(place)], check=False)
