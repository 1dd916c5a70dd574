"""What a hive on disk promises when the disk, its clock or its memory fail, through the protocol.

It mirrors no module: writes that could not be made durable are refused, never acknowledged, many at a time as
well as one by one; what was acknowledged is there after a restart, and no more than that.
"""

import errno
import logging
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ninedoor.config import Config, Store
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.session import SessionLimits
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.types import Fid
from tests.store.faults import Faults

BATCH = SessionLimits(batch_frames=16)
LOG = Fid(1)
RUN = 16


class Peer:
    """A trusted queen with /log/queen.log open, who sends many requests at a time."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._connection = Connection(app.session(trusted=True), BATCH, app.counters)
        version, attach = m.Tversion(8192, "9P2000.L"), m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", 0)
        self.ask(version)
        self.ask(attach, m.Twalk(Fid(0), LOG, ("log", "queen.log")), m.Tlopen(LOG, 2))

    def ask(self, *requests: m.Message) -> list[m.Message]:
        frames = b"".join(encode(tag, request) for tag, request in enumerate(requests))
        answered = self._connection.receive(frames, self._app.clock())
        while self._connection.more:
            answered += self._connection.receive(b"", self._app.clock())
        replies = []
        at = 0
        while at < len(answered):
            end = at + int.from_bytes(answered[at : at + 4], "little")
            replies.append(decode_reply(answered, at, end)[1])
            at = end
        return replies

    def append(self, *lines: bytes) -> list[m.Message]:
        return self.ask(*(m.Twrite(LOG, 0, line) for line in lines))


def refusals(replies: Sequence[m.Message]) -> set[str]:
    return {errno.errorcode[reply.ecode] for reply in replies if isinstance(reply, m.Rlerror)}


@pytest.mark.parametrize("size", [100, 8000])
def test_a_full_disk_refuses_what_it_cannot_hold_and_keeps_what_was_acknowledged(
    small_disk: Path, size: int
) -> None:
    app = App.open(Config(store=Store(segment_bytes=16 << 20)), small_disk / "state")
    again: App | None = None
    try:
        peer = Peer(app)
        acknowledged: list[int] = []
        refused = number = 0
        while refused < 3 * RUN:
            run = range(number, number := number + RUN)
            replies = peer.append(*(b"%08d" % line + b"x" * size + b"\n" for line in run))
            assert refusals(replies) <= {"ENOSPC"}
            taken = [line for line, reply in zip(run, replies, strict=True) if isinstance(reply, m.Rwrite)]
            acknowledged += taken
            refused += RUN - len(taken)
        app.close()
        again = App.open(Config(), small_disk / "state")
        lines = again.hive.log.retained().splitlines()
        kept = [int(line[:8]) for line in lines if len(line) == size + 8 and line.endswith(b"x" * size)]

        assert kept == acknowledged[-len(kept) :]
        assert len(kept) > (again.hive.log.capacity // 2) // (size + 9)
    finally:
        app.close()
        if again is not None:
            again.close()


def test_no_reply_of_a_turn_claims_success_when_its_sync_failed(tmp_path: Path, faults: Faults) -> None:
    app = App.open(Config(store=Store(fsync="always")), tmp_path / "state")
    peer = Peer(app)
    assert not refusals(peer.append(*[b"durable\n"] * RUN))
    faults.fail(1, errno.EIO, only="fdatasync")

    replies = peer.append(*[b"not durable\n"] * RUN)

    assert len(replies) == RUN
    assert all(isinstance(reply, m.Rlerror) and reply.ecode == errno.EIO for reply in replies)
    faults.disarm()
    app.close()


def test_a_store_that_can_no_longer_be_synced_takes_no_run_of_writes_and_is_read_as_before(
    tmp_path: Path, faults: Faults
) -> None:
    app = App.open(Config(store=Store(fsync="batch")), tmp_path / "state")
    peer = Peer(app)
    peer.append(*[b"kept\n"] * RUN)
    faults.fail(1, errno.EIO, only="fdatasync")
    assert refusals(peer.ask(m.Tfsync(LOG, 0))) == {"EIO"}
    faults.disarm()
    before = app.hive.log.next

    replies = peer.append(*[b"refused\n"] * RUN)

    assert all(isinstance(reply, m.Rlerror) and reply.ecode == errno.EIO for reply in replies)
    assert app.hive.log.next == before
    (read,) = peer.ask(m.Tread(LOG, 0, 5))
    assert read == m.Rread(b"kept\n")
    app.close()


def test_a_clock_that_was_set_back_lengthens_no_ttl_and_reorders_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = App.open(Config(), tmp_path / "state")
    spawn = '{"spawn":"heartbeat","ticks":1,"budget":{"ttl_s":3600}}'
    app.hive.command(spawn, app.session(trusted=True), app.clock())
    (worker,) = app.hive.workers.values()
    deadline, last = worker.deadline, app.hive.last_time
    app.close()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86400)
    with caplog.at_level(logging.WARNING):
        again = App.open(Config(), tmp_path / "state")

    (worker,) = again.hive.workers.values()
    again.hive.note("after", again.clock())

    assert "in the future" in caplog.text
    assert last <= again.hive.last_time <= last + 3600
    assert worker.deadline == deadline
    again.hive.expire(again.clock() + 3600)
    assert not again.hive.workers
    again.close()


MEMORY = 48 << 20
HISTORY = 3 * MEMORY


def test_a_history_larger_than_memory_is_kept_and_read_back_within_little(tmp_path: Path) -> None:
    """Compaction bounds the disk, and with it what a start has to read."""
    state = tmp_path / "state"
    for step in ("write", "read"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.store.test_durability", step, str(state)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == HISTORY
    assert sum(file.stat().st_size for file in state.iterdir()) < MEMORY


def _with_little_memory(step: str, state: Path) -> None:
    """In a process of its own: `HISTORY` bytes of appends, or their number as a start finds it."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
    app = App.open(Config(store=Store(segment_bytes=1 << 20)), state)
    line = b"x" * 8191 + b"\n"
    if step == "write":
        for _ in range(HISTORY // len(line)):
            app.hive.append_log(line, app.clock())
            app.hive.compact()
    os.write(1, b"%d\n" % app.hive.log.next)
    app.close()


if __name__ == "__main__":
    _with_little_memory(sys.argv[1], Path(sys.argv[2]))
