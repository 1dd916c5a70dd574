"""A thousand workers through one mount: all spawned, all beating, all gone, and nothing left of them."""

import errno
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ninedoor.cli.locate import stock_manifest
from ninedoor.shards import index, label
from tests.daemons import Daemons

WORKERS = 1000
PATIENCE_S = 60.0
"""Longest wait for what takes a second or two on an idle machine."""

SPAWN_ALL = f'for n in {{1..{WORKERS}}}; do echo \'{{"spawn":"heartbeat","ticks":1000}}\'; done > queen/ctl'
KILL_ALL = f"for n in {{1..{WORKERS}}}; do echo '{{\"kill\":\"worker-'$n'\"}}'; done > queen/ctl"

pytestmark = [pytest.mark.mount, pytest.mark.timeout(300)]


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Daemons]:
    daemons = Daemons(tmp_path, stock_manifest())
    daemons.start()
    yield daemons
    daemons.clean_up()


def _shell(hive: Daemons, script: str) -> None:
    subprocess.run(["bash", "-euc", script], cwd=hive.mountpoint, check=True, timeout=PATIENCE_S)


def _sessions(hive: Daemons) -> tuple[int, int]:
    """Sessions in all, and those of workers."""
    text = (hive.mountpoint / "proc/9p/sessions").read_text()
    total, workers = re.findall(r"(?:total|worker)=(\d+)", text)
    return int(total), int(workers)


def _shards(hive: Daemons) -> dict[str, int]:
    """Sessions of workers by shard, of the shards that have any."""
    text = (hive.mountpoint / "proc/9p/sessions").read_text()
    return {shard: int(count) for shard, count in re.findall(r"(?m)^shard (..) (\d+)$", text) if count != "0"}


def _sizes(hive: Daemons) -> dict[str, int]:
    workers = hive.mountpoint / "worker"
    return {name: (workers / name / "telemetry").stat().st_size for name in os.listdir(workers)}


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_a_thousand_workers_come_beat_and_go(hive: Daemons) -> None:
    tasks = hive.tasks()
    assert _sessions(hive) == (1, 0)

    _shell(hive, SPAWN_ALL)

    assert sorted(os.listdir(hive.mountpoint / "worker")) == sorted(
        f"worker-{n}" for n in range(1, WORKERS + 1)
    )
    _until(lambda: min(_sizes(hive).values()) > 0)
    assert _sessions(hive) == (1 + WORKERS, WORKERS)
    assert _shards(hive) == Counter(label(index(f"worker-{n}", 8)) for n in range(1, WORKERS + 1))
    assert os.listdir(hive.mountpoint / "shard/13/worker").count("worker-1") == 1
    assert hive.tasks().count("heartbeats") == 1
    before = _sizes(hive)
    _until(lambda: all(size > before[name] for name, size in _sizes(hive).items()))
    first = (hive.mountpoint / "worker/worker-1/telemetry").read_text()
    assert first.startswith("heartbeat 1\nheartbeat 2\n")

    with (hive.mountpoint / "worker/worker-7/telemetry").open("rb", buffering=0) as held:
        _shell(hive, KILL_ALL)
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
            held.read(100)

    assert os.listdir(hive.mountpoint / "worker") == []
    assert _sessions(hive) == (1, 0)
    assert sorted(hive.tasks()) == sorted(tasks)
    log = (hive.mountpoint / "log/queen.log").read_text()
    assert log.count("spawned worker-") == log.count("killed worker-") == WORKERS
    assert log.count("denied") == 1, "the stale read"
    assert hive.stop() == 0
    assert hive.mounts() == 0
    assert "ERROR" not in hive.log()


def test_a_thousand_workers_go_on_after_a_kill_of_the_daemon(hive: Daemons) -> None:
    _shell(hive, SPAWN_ALL)
    _until(lambda: min(_sizes(hive).values()) > 0)
    hive.kill()

    hive.start()

    sizes = _sizes(hive)
    assert len(sizes) == WORKERS
    assert min(sizes.values()) > 0
    _until(lambda: all(size > sizes[name] for name, size in _sizes(hive).items()))
    for number in (1, 500, 1000):
        lines = (hive.mountpoint / f"worker/worker-{number}/telemetry").read_text().splitlines()
        assert lines == [f"heartbeat {tick}" for tick in range(1, len(lines) + 1)]
