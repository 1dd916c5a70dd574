"""The daemon is killed with SIGKILL at random moments while programs write through its mount.

After each restart on the same state: what was acknowledged is there, nothing is there twice or in part, no id
is used again, a reader goes on at the exact byte its cursor stood at, and the mount that the dead daemon left
is replaced. `scripts/crash` runs it for longer:
NINEDOOR_CRASH_CYCLES kills, drawn from NINEDOOR_CRASH_SEED.
"""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli.locate import stock_manifest
from tests.crash import writers
from tests.crash.promises import Lines, Reader, Workers
from tests.daemons import Daemons

FEW = 10
"""Kills of the version that always runs."""
CYCLES = int(os.environ.get("NINEDOOR_CRASH_CYCLES", "200"))
SEED = int(os.environ.get("NINEDOOR_CRASH_SEED", "9"))

SECONDS_EACH = 15.0
"""Bound on one cycle on a loaded machine; one takes about a second."""

RUN_S = (0.02, 0.6)
"""How long a daemon serves before it is killed."""

LAUNCH_S = (0.0, 0.9)
"""How long after its launch a daemon is killed that is not waited for: it may still load its state."""

SETTINGS = {
    "ring_bytes_per_worker = 1024": "ring_bytes_per_worker = 4096",
    "heartbeat_ms = 1000": "heartbeat_ms = 10",
    "segment_bytes = 16777216": "segment_bytes = 1048576",
}
"""Changes to the stock manifest that make more happen in a short life."""

LOG_LINE = re.compile(
    rb"(log-[ab]-\d+:x*"
    rb"|spawned worker-\d+ ticks=\d+ ttl=\S+ ops=\S+"
    rb"|killed worker-\d+"
    rb"|lifecycle transition old=BOOTING new=ONLINE reason=boot-complete"
    rb"|\[audit\] telemetry cursor stale requested=\d+ rewind_to=\d+ retain_on_boot=true"
    rb"|manifest changed old=[0-9a-f]{12} new=[0-9a-f]{12}"
    rb"|revoked worker-\d+: killed by queen"
    rb"|\[audit\] telemetry ring wrap dropped_bytes=\d+ new_base=\d+"
    rb"|denied who=worker-heartbeat:worker-\d+ .* error=ESTALE reason=killed by queen)\n"
)
OUTCOME = re.compile(rb"(OK \{.*\}|ERR [A-Z]+ .*)\n")

pytestmark = pytest.mark.mount


def _manifest(place: Path, fsync: str) -> Path:
    text = stock_manifest().read_text()
    for old, new in {**SETTINGS, 'fsync = "batch"': f'fsync = "{fsync}"'}.items():
        assert text.count(old) == 1, f"the stock manifest no longer says {old}"
        text = text.replace(old, new)
    path = place / f"{fsync}.toml"
    path.write_text(text)
    return path


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    daemons = Daemons(tmp_path, _manifest(tmp_path, "batch"))
    yield daemons
    daemons.clean_up()


def _lines(file: Path) -> list[bytes]:
    """The whole lines that a file retains. A first line that the ring has cut is left out."""
    text = file.read_bytes()
    assert text.endswith(b"\n") or not text, f"{file.name} ends in the middle of a line: {text[-80:]!r}"
    cut = file.stat().st_size > len(text)
    return text.splitlines(keepends=True)[cut:]


class _Siege:
    """Writers on a mount, and what they were promised so far."""

    def __init__(self, daemons: Daemons, place: Path, chance: random.Random) -> None:
        self.daemons = daemons
        self.chance = chance
        self._mount = daemons.mountpoint
        self._log = [Lines(f"log-{name}-", 210, place / f"log-{name}") for name in "ab"]
        self._telemetry = Lines("t-", 28, place / "telemetry")
        self._reader = Reader("t-", 28, place / "reader", place / "copy")
        self.read = 0
        self._workers = Workers(place / "workers", {"worker-1"})
        self._writers: list[subprocess.Popen[bytes]] = []
        self.promises = 0

    def begin(self) -> None:
        """Spawn the worker whose telemetry is written by hand: it never beats and nobody kills it."""
        with (self._mount / "queen/ctl").open("w") as control:
            control.write('{"spawn":"heartbeat","ticks":0,"budget":{}}\n')

    def send_writers(self) -> None:
        for lines in self._log:
            self._send_appender("log/queen.log", lines, 1)
        self._send_appender("worker/worker-1/telemetry", self._telemetry, 8)
        worker = self._mount / "worker/worker-1"
        self._send("follow", worker, self._reader.ledger, self._reader.output, "siege")
        living = sorted(self._workers.living)
        self._send("govern", self._mount, self._workers.ledger, self.chance.randrange(1 << 30), *living)

    def _send_appender(self, file: str, lines: Lines, pause_ms: int) -> None:
        what = (lines.prefix, lines.next_number, lines.longest, pause_ms)
        self._send("append", self._mount / file, lines.ledger, *what)

    def _send(self, *words: object) -> None:
        command = [sys.executable, "-I", writers.__file__, *map(str, words)]
        self._writers.append(subprocess.Popen(command, stderr=subprocess.PIPE))

    def await_writers(self) -> None:
        """All writers have noticed that the daemon is gone; then their ledgers are complete."""
        for writer in self._writers:
            _none, complaint = writer.communicate(timeout=SECONDS_EACH)
            assert writer.returncode == 0, complaint.decode()
        self._writers.clear()

    def check(self) -> None:
        """A restarted hive against all promises."""
        log = _lines(self._mount / "log/queen.log")
        strange = [line for line in log if not LOG_LINE.fullmatch(line)]
        assert not strange, f"log: {strange[:3]}"
        for lines in self._log:
            self._keep(lines, log)
        self._keep(self._telemetry, _lines(self._mount / "worker/worker-1/telemetry"))
        self._check_reader()
        unknown = self._workers.read_ledger()
        names = set(os.listdir(self._mount / "worker"))
        self._workers.check(names, unknown)
        self._workers.check_log(log)
        for worker in names - {"worker-1"}:
            self._check_heartbeats(_lines(self._mount / "worker" / worker / "telemetry"))
        assert all(OUTCOME.fullmatch(line) for line in _lines(self._mount / "queen/ctl"))

    def _keep(self, lines: Lines, found: list[bytes]) -> None:
        acknowledged = lines.read_ledger()
        self.promises += len(acknowledged)
        lines.check(found, acknowledged)

    def _check_reader(self) -> None:
        cursors = (self._mount / "worker/worker-1/cursors").read_text()
        stands = re.search(r"cursor name=siege offset=(\d+) ", cursors)
        self._reader.check(int(stands[1]) if stands else 0)
        if self._reader.stands:
            self.read = self._reader.check_output(self._telemetry.promised)

    @staticmethod
    def _check_heartbeats(lines: list[bytes]) -> None:
        ticks = [int(line.removeprefix(b"heartbeat ")) for line in lines]
        assert ticks == list(range(ticks[0], ticks[0] + len(ticks))) if ticks else True


@pytest.mark.timeout(FEW * SECONDS_EACH)
def test_what_was_acknowledged_survives_a_few_kills(daemons: Daemons, tmp_path: Path) -> None:
    _kill_again_and_again(daemons, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.timeout(CYCLES * SECONDS_EACH)
def test_what_was_acknowledged_survives_any_kill(daemons: Daemons, tmp_path: Path) -> None:
    _kill_again_and_again(daemons, tmp_path, CYCLES)


def _kill_again_and_again(daemons: Daemons, tmp_path: Path, cycles: int) -> None:
    print(f"{cycles} kills, seed {SEED}")
    chance = random.Random(SEED)
    siege = _Siege(daemons, tmp_path, chance)
    policies = [_manifest(tmp_path, fsync) for fsync in ("batch", "always")]
    daemons.start()
    siege.begin()
    left_behind = 0

    for kill in range(cycles):
        siege.send_writers()
        time.sleep(chance.uniform(*RUN_S))
        daemons.kill()
        siege.await_writers()
        left_behind += daemons.mounts()
        daemons.manifest = policies[kill % 2]
        if chance.random() < 0.2:
            daemons.launch()
            time.sleep(chance.uniform(*LAUNCH_S))
            daemons.kill()
        daemons.start()

        assert daemons.mounts() == 1, "the stale mount was not replaced"
        siege.check()

    # `doctor --repair`, run by anybody on this machine, may have been quicker once or twice.
    assert left_behind > cycles // 2
    assert siege.promises > 10 * cycles
    assert siege.read > cycles
    assert daemons.stop() == 0
    assert daemons.mounts() == 0
    daemons.start()
    siege.check()
