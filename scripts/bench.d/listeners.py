"""Servers of 9P2000.L on TCP: NineDoor and diod, each with the same few files."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contenders import LINE, PATIENCE_S, TEXT, TOP, Failure

from ninedoor import shards
from ninedoor.client import connect
from ninedoor.config import Sharding

WORKERS = 100
DIRECTORY = "worker"
TELEMETRY = f"{DIRECTORY}/worker-17/telemetry"
WALK = "/".join(shards.worker_path(Sharding(enabled=True, shard_bits=8), "worker-17"))
"""Four names, those of a worker in its shard."""

OPERATIONS_PAID = 10**12
"""Budget of the tickets: spent one by one, and never used up."""

BUDGET = '{"budget":{"ttl_s":86400,"ops":%d}}'
SPAWN = '{"spawn":"heartbeat","ticks":1000000000}'

UNLIMITED = {"bandwidth_bytes": "0", "cursor_resumes": "0", "cursor_advances": "0"}
"""Quotas of a ticket, which a benchmark has used up in a moment: settings of the manifest."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, how to attach, and the paths of what is measured."""

    name: str
    address: str
    attach: tuple[str, ...]
    process: int
    file: str
    log: str
    opened: str = TELEMETRY
    walk: str = WALK
    directory: str = DIRECTORY


@contextmanager
def diod(into: Path, cpu: int) -> Iterator[Server]:
    """Debian's diod, exporting a directory in memory. Raises Failure where it is not installed."""
    program = shutil.which("diod", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise Failure("diod is missing: apt-get install diod")
    export = Path("/dev/shm") / f"ninedoor-bench-{os.getpid()}"
    try:
        for number in range(1, WORKERS + 1):
            worker = export / DIRECTORY / f"worker-{number}"
            worker.mkdir(parents=True)
            (worker / "telemetry").write_bytes(LINE)
        (export / WALK).mkdir(parents=True)
        (export / "boot").write_bytes(TEXT)
        (export / "log").write_bytes(LINE)
        port = _free_port()
        command = [program, "-f", "-n", "-N", "-c", "/dev/null", "-l", f"127.0.0.1:{port}", "-e", str(export)]
        with _running("diod", command, into, cpu) as process:
            _await_port("diod", process, port, into)
            attach = ("--uname", "root", "--aname", str(export))
            yield Server("diod", f"127.0.0.1:{port}", attach, process.pid, "boot", "log")
    finally:
        shutil.rmtree(export, ignore_errors=True)


def compiled() -> Path:
    """Where the compiled package is. Raises Failure when there is none."""
    package = TOP / "build" / "compiled"
    if not list(package.glob("*__mypyc.*.so")):
        raise Failure("nothing is compiled: run scripts/compile")
    return package


@contextmanager
def hive(into: Path, cpu: int, fsync: str, package: Path = TOP, workers: int = WORKERS) -> Iterator[Server]:
    """`ninedoor serve` out of `package`, with tickets, gate, audit, budgets and its journal on disk."""
    folder = into / f"hive-{fsync}"
    folder.mkdir()
    manifest = folder / "root_task.toml"
    manifest.write_text(_changed((TOP / "configs" / "root_task.toml").read_text(), fsync))
    ticket = _minted(manifest, "queen")
    port = _free_port()
    command = [sys.executable, "-P", "-m", "ninedoor.cli.main", "serve", "--manifest", str(manifest)]
    command += ["--state", str(folder / "state"), "--listen", f"tcp://127.0.0.1:{port}?profile=linux"]
    with _running(folder.name, command, into, cpu, package) as process:
        _await_port(folder.name, process, port, into)
        with connect(f"tcp://127.0.0.1:{port}", ticket=ticket) as queen:
            queen.command("/queen/ctl", BUDGET % OPERATIONS_PAID)
            for _ in range(workers):
                queen.command("/queen/ctl", SPAWN)
            queen.append("/log/queen.log", LINE)
        attach = ("--uname", "queen", "--aname", ticket)
        address = f"127.0.0.1:{port}"
        yield Server("NineDoor", address, attach, process.pid, "proc/boot", "log/queen.log")


@dataclass(frozen=True, slots=True)
class ConsoleHive:
    """A hive with a console on TCP at `port`, and where it serves 9P to who has the `ticket`."""

    port: int
    token: str
    url: str
    ticket: str


@contextmanager
def console(into: Path, cpu: int) -> Iterator[ConsoleHive]:
    """`ninedoor serve` with a console on TCP, its journal on disk."""
    folder = into / "console"
    folder.mkdir()
    manifest = folder / "root_task.toml"
    manifest.write_text(_changed((TOP / "configs" / "root_task.toml").read_text(), "batch"))
    token = folder / "token"
    token.touch(0o600)
    token.write_text("a-token-of-a-benchmark\n")
    port, console_port = _free_port(), _free_port()
    url = f"tcp://127.0.0.1:{port}"
    command = [sys.executable, "-P", "-m", "ninedoor.cli.main", "serve", "--manifest", str(manifest)]
    command += ["--state", str(folder / "state"), "--listen", url]
    command += ["--console", f"tcp://127.0.0.1:{console_port}", "--console-token-file", str(token)]
    with _running(folder.name, command, into, cpu) as process:
        _await_port(folder.name, process, console_port, into)
        yield ConsoleHive(console_port, token.read_text().strip(), url, _minted(manifest, "queen"))


@contextmanager
def line_echo(into: Path, cpu: int) -> Iterator[int]:
    """A server that sends back every line as it came; its port."""
    port = _free_port()
    command = [sys.executable, str(Path(__file__).with_name("line_echo.py")), str(port)]
    with _running("line-echo", command, into, cpu) as process:
        _await_port("line-echo", process, port, into)
        yield port


def as_worker(server: Server, into: Path) -> Server:
    """The hive as its worker 17 sees it, who appends to its own ring and pays for that."""
    ticket = _minted(into / "hive-batch" / "root_task.toml", "worker-heartbeat", "worker-17")
    attach = ("--uname", "worker-heartbeat:worker-17", "--aname", ticket)
    return Server("as a worker", server.address, attach, server.process, TELEMETRY, TELEMETRY)


def _changed(manifest: str, fsync: str) -> str:
    """The stock manifest with what a benchmark needs, and nothing else of it."""
    for key, value in (UNLIMITED | {"heartbeat_ms": "3600000", "fsync": f'"{fsync}"'}).items():
        manifest, times = re.subn(rf"(?m)^{key} = \S+", f"{key} = {value}", manifest)
        if times != 1:
            raise Failure(f"the stock manifest has {key} {times} times")
    return manifest


def _minted(manifest: Path, role: str, subject: str | None = None) -> str:
    command = [sys.executable, "-m", "ninedoor.cli.main", "ticket", "mint", "--manifest", str(manifest)]
    command += ["--role", role, "--ops", str(OPERATIONS_PAID), "--ttl-s", "86400", "--ticks", "none"]
    command += [] if subject is None else ["--subject", subject]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(TOP))
    if done.returncode != 0:
        raise Failure(f"no ticket for {role}: {done.stderr.strip()}")
    return done.stdout.strip()


def _environment(package: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(package)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(
    name: str, command: list[str], into: Path, cpu: int, package: Path = TOP
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server pinned to `cpu` for as long as this lasts."""
    environment = _environment(package) | {"NINEDOOR_RUNTIME_DIR": str(into / "run")}
    with (into / f"{name}.log").open("w") as messages:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command], env=environment, stdout=messages, stderr=messages
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(name: str, process: "subprocess.Popen[bytes]", port: int, into: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (into / f"{name}.log").read_text().strip()
                raise Failure(f"{name} does not listen: {said or 'no word of it'}") from None
            time.sleep(0.01)
        else:
            return
