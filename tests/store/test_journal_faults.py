"""Every system call of the journal fails once, or is the last one of its process.

A file of its own beside test_journal.py, because these tests share a model: a hive whose state is every
record it ever got.
"""

import errno
import os
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL

import pytest

from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Store
from ninedoor.errors import P9Error, StoreError
from ninedoor.runtime.app import App
from ninedoor.store.directory import StateDirectory
from ninedoor.store.journal import DiskJournal
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid
from tests.deployment import CONFIG, client, spawn
from tests.store.faults import Faults, run_to_its_death

SMALL = Store(segment_bytes=4096)


class Model:
    """A hive whose state is all records it ever got, and whose snapshot is that list."""

    def __init__(self, place: Path) -> None:
        self.journal = DiskJournal(place, SMALL)
        self.acknowledged: list[bytes] = []

    def load(self) -> list[bytes]:
        snapshot, records = self.journal.load()
        self.acknowledged = (snapshot or b"").split() + list(records)
        return self.acknowledged

    def append(self, record: bytes) -> None:
        self.journal.append(record)
        self.acknowledged.append(record)

    def compact(self) -> None:
        self.journal.compact(b" ".join(self.acknowledged))


def steps_of_compact(place: Path, faults: Faults) -> int:
    model = Model(place)
    model.load()
    model.append(b"one")
    faults.arm(99, lambda: None)
    model.compact()
    faults.disarm()
    model.journal.close()
    return len(faults.calls)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_compact_survives_a_failure_at_every_step(tmp_path: Path, faults: Faults, code: int) -> None:
    steps = steps_of_compact(tmp_path / "count", faults)
    endings = []
    for step in range(1, steps + 1):
        place = tmp_path / str(step)
        model = Model(place)
        model.load()
        model.append(b"one")
        faults.fail(step, code)
        try:
            model.compact()
            ending = "done"
        except P9Error as exc:
            ending = f"{errno.errorcode[exc.ecode]} {exc.reason.split(':')[0]}"
        struck = faults.calls[step - 1]
        faults.disarm()
        try:
            model.append(b"two")
        except P9Error as exc:
            ending += " " + errno.errorcode[exc.ecode]
        endings.append((struck, ending))
        model.journal.close()
        again = Model(place)

        assert again.load() == model.acknowledged
        again.append(b"three")
        again.compact()
        again.journal.close()
        assert sorted(path.name for path in place.iterdir())[-1] == "lock"
        assert len(list(place.iterdir())) == 2

    refused = f"{errno.errorcode[code]} no snapshot written"
    assert endings == [
        ("unlink", refused),
        ("open", refused),
        ("posix_fallocate", refused),
        ("pwrite", refused),
        ("pwrite", refused),
        ("fsync", refused),
        ("mmap", refused),
        ("rename", refused),
        ("fsync", "EIO sync of the directory failed EIO"),
        ("unlink", "done"),
    ]


def test_rename_of_unknown_outcome_is_final(tmp_path: Path, faults: Faults) -> None:
    model = Model(tmp_path / "state")
    model.load()
    model.append(b"one")
    faults.fail(1, errno.EIO, only="rename", after=True)
    with pytest.raises(P9Error, match="EIO: cannot tell which generation is in use"):
        model.compact()
    faults.disarm()
    with pytest.raises(P9Error, match="EIO: cannot tell which generation is in use"):
        model.append(b"two")
    model.journal.close()

    assert Model(tmp_path / "state").load() == [b"one"]


def test_failure_is_final_when_the_outcome_cannot_be_seen(
    tmp_path: Path, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    model = Model(tmp_path / "state")
    model.load()
    monkeypatch.setattr(StateDirectory, "exists", fail)
    faults.fail(1, errno.EIO, only="rename")

    with pytest.raises(P9Error, match="EIO: cannot tell which generation is in use: input/output error"):
        model.compact()
    model.journal.close()


@pytest.mark.parametrize("policy", ["always", "batch"])
def test_hive_whose_store_failed_is_read_as_before_and_takes_no_more(
    tmp_path: Path, faults: Faults, policy: str
) -> None:
    config = replace(CONFIG, store=Store(fsync=policy))  # type: ignore[arg-type]
    app = App.open(config, tmp_path / "state")
    channel = LocalChannel(app.session(trusted=True), app.clock)
    queen = Client(channel)
    spawn(queen)
    log = queen.open("/log/queen.log")
    faults.fail(1, errno.EIO, only="fdatasync")

    def append_and_sync() -> None:
        queen.append("/log/queen.log", b"not durable\n")
        channel.call(m.Tfsync(Fid(queen.root), 0))

    with pytest.raises(P9Error, match="EIO"):
        append_and_sync()
    for _ in range(2):
        for path in ("/log/queen.log", "/queen/ctl", "/worker/worker-1/telemetry"):
            with pytest.raises(P9Error, match="EIO"):
                queen.append(path, b'{"budget":{}}\n')
        with pytest.raises(P9Error, match="ENOENT"):
            queen.walk("/nobody")
        assert log.read(0, 100).startswith(b"spawned worker-1 ")
        assert queen.read("/queen/ctl") == b'OK {"spawn":"heartbeat","ticks":100}\n'
        assert queen.names("/worker") == ["worker-1"]
        assert queen.stat("/worker/worker-1/telemetry").size == 0
        assert client(app).read("/proc/boot")
    app.close()


def test_load_tells_a_failure_at_every_step_and_works_afterwards(tmp_path: Path, faults: Faults) -> None:
    told = []
    for step in range(1, 30):
        place = tmp_path / str(step)
        journal = DiskJournal(place, SMALL)
        faults.fail(step, errno.EIO)
        try:
            journal.load()
        except StoreError as exc:
            told.append(str(exc))
        count = len(faults.calls)
        faults.disarm()
        journal.close()

        assert Model(place).load() == []
        if count < step:
            break

    assert told == [f"cannot load state from {tmp_path / str(n)}: input/output error" for n in range(1, step)]


# The last system call of a process


@pytest.mark.parametrize("after", [False, True])
def test_compact_survives_a_kill_at_every_step(tmp_path: Path, faults: Faults, *, after: bool) -> None:
    steps = steps_of_compact(tmp_path / "count", faults)
    for step in range(1, steps + 2):
        place = tmp_path / str(step)

        def work(place: Path = place, step: int = step) -> None:
            model = Model(place)
            model.load()
            model.append(b"one")
            model.append(b"two")
            faults.kill(step, after=after)
            model.compact()

        killed = run_to_its_death(work)
        again = Model(place)

        assert killed == (step <= steps)
        assert again.load() == [b"one", b"two"]
        again.append(b"three")
        again.compact()
        again.journal.close()
        assert len(list(place.iterdir())) == 2


@pytest.mark.parametrize("after", [False, True])
def test_load_survives_a_kill_at_every_step(tmp_path: Path, faults: Faults, *, after: bool) -> None:
    """With everything to mend: an older generation, an unfinished one and an interrupted append."""
    place = tmp_path / "state"
    model = Model(place)
    model.load()
    model.append(b"one")
    old = (place / "journal-0000000000000001").read_bytes()
    model.compact()
    model.append(b"two")
    model.journal.sync()
    model.append(b"three")
    end = model.journal._end
    newest = bytearray((place / "journal-0000000000000002").read_bytes())
    newest[end - 1] ^= 1
    model.journal.close()
    killed, step = True, 0
    while killed:
        step += 1
        (place / "journal-0000000000000001").write_bytes(old)
        (place / "journal-0000000000000003.tmp").write_bytes(b"half")
        (place / "journal-0000000000000002").write_bytes(newest)

        def work(step: int = step) -> None:
            again = Model(place)
            faults.kill(step, after=after)
            again.load()

        killed = run_to_its_death(work)
        again = Model(place)
        assert again.load() == [b"one", b"two"]
        again.journal.close()

    assert step > 5


@pytest.mark.parametrize("cycle", range(4))
def test_every_acknowledged_record_outlives_sigkill(tmp_path: Path, cycle: int) -> None:
    """A child appends numbers, compacts when asked to, and says each number once its append has returned."""
    place = tmp_path / "state"
    heard = 0
    for _ in range(2):
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                append_numbers(place, sending)
            finally:
                os._exit(1)
        os.close(sending)
        with open(receiving, "rb") as stream:
            for _ in range(400 + 700 * cycle):
                heard = int(stream.readline())
            os.kill(child, SIGKILL)
            os.waitpid(child, 0)
            for line in stream:
                if line.endswith(b"\n"):
                    heard = int(line)
        model = Model(place)
        numbers = [int(record) for record in model.load()]
        model.journal.close()

        assert numbers == list(range(1, len(numbers) + 1))
        assert heard <= len(numbers) <= heard + 1
    assert sorted(path.name for path in place.iterdir())[0] >= "journal-0000000000000002"


def append_numbers(place: Path, sending: int) -> None:
    model = Model(place)
    model.load()
    while True:
        number = len(model.acknowledged) + 1
        model.append(b"%06d" % number)
        os.write(sending, b"%d\n" % number)
        if model.journal.wants_snapshot():
            model.compact()
