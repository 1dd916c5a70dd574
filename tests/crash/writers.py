"""Programs that use a mounted hive until its daemon is gone, and write down what they were promised.

    writers.py append FILE LEDGER PREFIX FIRST LONGEST PAUSE_MS     one numbered line after the other
    writers.py govern MOUNT LEDGER SEED WORKER...                   spawn and kill workers
    writers.py follow WORKER LEDGER OUTPUT NAME                     read telemetry on from the cursor NAME

A ledger lies outside the mount. Each step is there before it is asked for (`try`) and once more when it was
acknowledged (`ack`), so that what was in flight at the end is known to be of unknown outcome. Exit status 0
means that the daemon went away; anything else that happens is an error and ends in a traceback.
"""

import errno
import os
import random
import sys
import time
from pathlib import Path

GONE = (errno.ENOTCONN, errno.ECONNABORTED)
"""What the kernel answers for a mount whose daemon was killed."""

SPAWN = b'{"spawn":"heartbeat","ticks":1000000,"budget":{}}\n'
WORKERS_MOST = 6


def numbered(prefix: str, number: int, longest: int) -> bytes:
    """Line `number`, with up to `longest` bytes of filling, as many as follow from the number: a torn line is
    recognised."""
    return f"{prefix}{number}:{'x' * (number * 37 % (longest + 1))}\n".encode()


class Ledger:
    """An append-only file of steps."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def append(file: str, ledger: Ledger, prefix: str, number: int, longest: int, pause_s: float) -> None:
    """Append lines from `number` on, for ever."""
    target = os.open(file, os.O_WRONLY | os.O_APPEND)
    while True:
        line = numbered(prefix, number, longest)
        ledger.note("try", number)
        taken = os.write(target, line)
        if taken != len(line):
            raise AssertionError(f"{taken} of {len(line)} bytes were taken")
        ledger.note("ack", number)
        number += 1
        time.sleep(pause_s)


def govern(mount: Path, ledger: Ledger, chance: random.Random, living: list[str]) -> None:
    """Spawn and kill heartbeat workers, for ever. `living` are the workers that may be killed."""
    fixed = set(os.listdir(mount / "worker")) - set(living)
    while True:
        if len(living) < 2 or (len(living) < WORKERS_MOST and chance.random() < 0.5):
            ledger.note("try", "spawn")
            _command(mount, SPAWN)
            ledger.note("ack", "spawn")
            (worker,) = set(os.listdir(mount / "worker")) - fixed - set(living)
            ledger.note("named", worker)
            living.append(worker)
        else:
            worker = living.pop(chance.randrange(len(living)))
            ledger.note("try", "kill", worker)
            _command(mount, f'{{"kill":"{worker}"}}\n'.encode())
            ledger.note("ack", "kill", worker)
        time.sleep(chance.random() * 0.02)


def follow(worker: Path, ledger: Ledger, output: str, name: str) -> None:
    """Append to `output` what comes behind the cursor `name`, for ever. What it holds behind where the cursor
    stands was read before the cursor was set, and is read again."""
    copy = os.open(output, os.O_WRONLY | os.O_CREAT)
    telemetry = os.open(worker / "telemetry", os.O_RDONLY)
    base, stands = _standing(worker, name)
    ledger.note("stands", stands)
    while True:
        start = max(base, stands)
        data = os.pread(telemetry, 1 << 16, start)
        base = _standing(worker, name)[0]
        if base > start or (start == stands and not data):
            time.sleep(0.005)  # some of it was dropped while it was read, or there is nothing
            continue
        if start > stands:
            ledger.note("lost", stands, start)
        os.ftruncate(copy, start)
        os.pwrite(copy, data, start)
        stands = start + len(data)
        ledger.note("try", stands)
        _write(worker / "cursors", f"set {name} {stands}\n".encode())
        ledger.note("ack", stands)
        time.sleep(0.005)


def _standing(worker: Path, name: str) -> tuple[int, int]:
    """Where the ring begins, and where the cursor stands."""
    ring, *cursors = (worker / "cursors").read_text().splitlines()
    offsets = {words[1]: int(words[2].partition("=")[2]) for words in map(str.split, cursors)}
    return int(ring.split()[1].partition("=")[2]), offsets.get(f"name={name}", 0)


def _command(mount: Path, line: bytes) -> None:
    """As a shell's `echo > ctl` does it."""
    _write(mount / "queen" / "ctl", line)


def _write(file: Path, line: bytes) -> None:
    control = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_CREAT)
    try:
        os.write(control, line)
    finally:
        os.close(control)


def main(kind: str, place: str, ledger: str, *rest: str) -> None:
    """Run one of the programs until the daemon is gone."""
    try:
        if kind == "append":
            prefix, first, longest, pause_ms = rest
            append(place, Ledger(ledger), prefix, int(first), int(longest), float(pause_ms) / 1000)
        elif kind == "follow":
            output, name = rest
            follow(Path(place), Ledger(ledger), output, name)
        else:
            seed, *living = rest
            govern(Path(place), Ledger(ledger), random.Random(int(seed)), living)
    except OSError as end:
        if end.errno not in GONE:
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
