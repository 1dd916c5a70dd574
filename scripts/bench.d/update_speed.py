"""Updates up and down, over a unix socket and through a mount, beside cp to tmpfs and sha256sum.

Everything lies in memory: payload, bundle, the hive's state and what comes back, so that no disk is measured.
One daemon serves the mount and the socket. Each round has payloads of its own: what a hive has already is not
sent.
The client is `cas-tool` as a process, from its start to its end.
"""

import filecmp
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from typing import NamedTuple

from contenders import PATIENCE_S, SHARED_MEMORY, TOP, Failure

CHUNK_BYTES = 8168
"""The payload of a message of 8192 bytes."""

LOOK_S = 0.02
"""Pause between two looks at a process's memory."""

READS = 9
"""Of how many reads of what lies in memory the fastest counts."""

PEER = "peer of"
"""Begins the name of what an operation is compared with: a copy and its hash, or a read of tmpfs."""

AIMS = {"up 9p": 2.5, "down 9p": 2.5, "re-read fuse": 1.3}
"""Operation → the most that its time may be as a multiple of its peer's."""

NAMES = {
    f"{PEER} up 9p": "cp to tmpfs, then sha256sum",
    "pack": "pack (chunks of 8,168 bytes, signed)",
    "up 9p": "upload over a unix socket",
    "down 9p": "download over a unix socket",
    "up fuse": "upload into a mount",
    "down fuse": "download from a mount",
    f"{PEER} re-read fuse": "read a file of tmpfs",
    "read fuse": "first read of the payload in a mount",
    "re-read fuse": "second read of it",
}
"""What is measured, in the order of the table."""


class Run(NamedTuple):
    """One process to its end: wall seconds, and the most memory it had, in MiB."""

    seconds: float
    memory: float


Figures = dict[str, list[Run]]


class Place(NamedTuple):
    """A directory in memory with the hive that is served there."""

    top: Path
    mount: Path
    url: str
    daemon: int


def measure(mib: int, rounds: int, package: Path) -> tuple[Figures, list[float]]:
    """The figures by operation, one for each round, of a hive out of `package`; and the daemon's peak memory
    of each round in MiB."""
    figures: Figures = {}
    peaks = []
    for number in range(rounds):
        with _hive(mib, package) as place:
            for name, run in _round(place, mib, number):
                figures.setdefault(name, []).append(run)
            peaks.append(_peak(place.daemon) or 0.0)
    return figures, peaks


def _round(place: Place, mib: int, number: int) -> Iterator[tuple[str, Run]]:
    """Each operation directly behind its peer, so that what else the machine does meets both."""
    top = place.top
    payload, bundle, back = top / "payload", top / "bundle", top / "back"
    copy = "sh", "-c", f"cp {payload} {top}/copy && sha256sum {top}/copy >/dev/null"
    for way, epoch, where in (
        ("9p", f"{number}1", ["--url", place.url]),
        ("fuse", f"{number}2", ["--mount", str(place.mount)]),
    ):
        _random(payload, mib)
        pack = ["--epoch", epoch, "--input", payload, "--out-dir", bundle, "--chunk-bytes", str(CHUNK_BYTES)]
        packing = "pack", *pack, "--signing-key", top / "key", "--force"
        fetch = "download", "--epoch", epoch, "--output", back, "--force", *where
        for name, words in (
            ("pack", packing),
            (f"up {way}", ("upload", "--bundle", bundle, *where)),
            (f"down {way}", fetch),
        ):
            yield f"{PEER} {name}", _timed(*copy)
            yield name, _tool(*words)
        if not filecmp.cmp(back, payload, shallow=False):
            raise Failure(f"what came back over {way} is not what went up")
        if way == "9p":
            # An epoch that nobody has read through the mount yet.
            served = place.mount / "updates" / epoch / "payload"
            yield f"{PEER} read fuse", _timed(*_read(payload))
            yield "read fuse", _timed(*_read(served))
            # Both are over in some 30 ms, which anything disturbs, and nothing makes shorter.
            pairs = [(_timed(*_read(payload)), _timed(*_read(served))) for _ in range(READS)]
            yield f"{PEER} re-read fuse", min(own for own, _other in pairs)
            yield "re-read fuse", min(other for _own, other in pairs)
        for used in (payload, back):
            used.unlink()


def _read(file: Path) -> tuple[str, ...]:
    """A program that reads `file`, always on the same CPU: it is the last that this process may use."""
    cpu = max(os.sched_getaffinity(0))
    return ("taskset", "-c", str(cpu), "dd", f"if={file}", "bs=128k", "of=/dev/null", "status=none")


@contextmanager
def _hive(mib: int, package: Path = TOP) -> Iterator[Place]:
    """A hive with room for two payloads, mounted and on a socket. Raises Failure."""
    with ExitStack() as stack:
        top = Path(mkdtemp(prefix="ninedoor-bench-", dir=SHARED_MEMORY))
        stack.callback(shutil.rmtree, top, ignore_errors=True)
        _tool("keygen", top / "key")
        manifest = top / "root_task.toml"
        manifest.write_text(_manifest(mib, top / "key.pub"))
        mount, socket = top / "mnt", top / "sock"
        mount.mkdir()
        command = [sys.executable, "-P", "-m", "ninedoor.cli.main", "mount", "--manifest", str(manifest)]
        command += ["--state", str(top / "state"), "--listen", f"unix:{socket}", str(mount)]
        log = stack.enter_context((top / "log").open("w+"))
        environment = _environment(package) | {"NINEDOOR_RUNTIME_DIR": str(top / "run")}
        daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        stack.callback(_stop, daemon, mount)
        deadline = time.monotonic() + PATIENCE_S
        while not (os.path.ismount(mount) and socket.exists()):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"the hive does not start: {(top / 'log').read_text().strip()}")
            time.sleep(0.01)
        yield Place(top, mount, f"unix:{socket}", daemon.pid)


def _manifest(mib: int, public_key: Path) -> str:
    """The stock manifest with updates that are signed, in chunks as large as a message carries."""
    text = (TOP / "configs" / "root_task.toml").read_text()
    tables = re.split(r"(?m)^(?=\[)", text)
    kept = [table for table in tables if not re.match(r"\[(cas|cas\..*)\]", table)]
    return (
        "".join(kept).rstrip()
        + f"""

[cas]
enable = true

[cas.store]
chunk_bytes = {CHUNK_BYTES}
budget_bytes = {(2 * mib + 64) << 20}
max_chunks = {(mib << 20) // CHUNK_BYTES + 1}

[cas.delta]
enable = true

[cas.signing]
required = true
key_path = "{public_key}"
"""
    )


def _stop(daemon: "subprocess.Popen[bytes]", mount: Path) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
    subprocess.run(["fusermount3", "-u", "-q", "-z", "--", str(mount)], check=False)


def _tool(*words: str | Path) -> Run:
    return _timed(sys.executable, "-P", "-m", "ninedoor.castool.main", *words)


def _timed(*words: str | Path) -> Run:
    """Raises Failure with what the program complained of."""
    began = time.monotonic()
    process = subprocess.Popen(
        words,
        cwd=SHARED_MEMORY,  # where no template is
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    memory = _Memory(process.pid)
    _said, complaint = process.communicate()
    taken = time.monotonic() - began
    if process.returncode:
        raise Failure(f"{' '.join(map(str, words[3:6]))}: {complaint.decode(errors='replace').strip()}")
    return Run(taken, memory.peak())


class _Memory:
    """Looks at the peak memory of a process until it ends. What wait4(2) tells begins with that of whoever
    started it."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._peak = 0.0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def peak(self) -> float:
        """In MiB. Precondition: the process has ended."""
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while (now := _peak(self._process)) is not None:
            self._peak = max(self._peak, now)
            time.sleep(LOOK_S)


def _environment(package: Path = TOP) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(package)}


def _random(file: Path, mib: int) -> None:
    with file.open("wb") as opened:
        for _ in range(mib):
            opened.write(os.urandom(1 << 20))


def _peak(process: int) -> float | None:
    """The most memory that a process has had, in MiB; None when it has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if found is None else int(found[1]) / 1024


def rows(figures: Figures) -> list[list[str]]:
    """The table, heads first: seconds, how many times the peer's, the aim, and the tool's peak memory."""
    lines = [["", "seconds", "times its peer", "aim", "peak MiB"]]
    for name, words in NAMES.items():
        if name in figures:
            runs = figures[name]
            ratio = "" if name.startswith(PEER) else f"{_ratio(figures, name):.2f}"
            aim = f"{AIMS[name]}" if name in AIMS else ""
            memory = f"{max(run.memory for run in runs):.0f}"
            lines.append([words, f"{median(run.seconds for run in runs):.2f}", ratio, aim, memory])
    return lines


def _ratio(figures: Figures, name: str) -> float:
    """The median of the ratios to the peer that was measured directly before."""
    pairs = zip(figures[name], figures[f"{PEER} {name}"], strict=True)
    return float(median(own.seconds / other.seconds for own, other in pairs))


def table(figures: Figures) -> str:
    """For a terminal."""
    lines = rows(figures)
    return "\n".join(f"{line[0]:<40}" + "".join(f"{cell:>16}" for cell in line[1:]) for line in lines)


def markdown(figures: Figures) -> str:
    """For docs/PERFORMANCE.md."""
    heads, *lines = rows(figures)
    return "\n".join(_row(line) for line in (heads, ["---"] * len(heads), *lines))


def verdicts(figures: Figures) -> str:
    """One line for each aim."""
    lines = []
    for name, most in AIMS.items():
        ratio = _ratio(figures, name)
        lines.append(f"{'met' if ratio <= most else 'missed':<7}{NAMES[name]}: {ratio:.2f} of at most {most}")
    return "\n".join(lines)


def memory(peaks: Sequence[float], mib: int) -> str:
    """What the daemon needed."""
    return f"peak memory of the daemon: {max(peaks):.0f} MiB, with payloads of {mib} MiB"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
