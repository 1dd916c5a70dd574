"""A crowd of workers on one socket: all attach at once, each reaches its own shard, and all are counted.

It mirrors no module: it is what door, gate and roster do together.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from ninedoor import limits, shards
from ninedoor.config import Listener, Sharding, Workers
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid
from tests.deployment import CONFIG, client, ticket
from tests.doors.stream.harness import VERSION, Peer, Served, attach, serving, unix, walk

SHARDED = replace(CONFIG, sharding=Sharding(True, 8, True), workers=Workers(max_workers=limits.WORKERS_MAX))


def crowded(tmp_path: Path) -> Listener:
    """A listener on which a crowd may take its time, on a machine that is busy with others."""
    return replace(unix(tmp_path), sessions=2048, handshake_ms=60_000)


async def work(served: Served, name: str, attached: trio.Event) -> None:
    """Attach as a worker, wait for all others, append once in its own shard."""
    peer = await served.connect()
    label = shards.label(shards.index(name, 8))
    uname, token = f"worker-heartbeat:{name}", ticket("worker-heartbeat", name)
    replies = await peer.ask(VERSION, attach(uname=uname, aname=token))
    assert [type(reply) for reply in replies] == [m.Rversion, m.Rattach], name
    await attached.wait()
    append = m.Twrite(Fid(1), limits.APPEND_OFFSET, f"{name}\n".encode())
    replies = await peer.ask(
        walk(1, "shard", label, "worker", name, "telemetry"), m.Tlopen(Fid(1), 1), append
    )
    assert replies[-1] == m.Rwrite(len(name) + 1)


async def crowd(tmp_path: Path, workers: int) -> None:
    async with serving(crowded(tmp_path), config=SHARDED) as served:
        queen = client(served.app)
        for _ in range(workers):
            queen.append("/queen/ctl", b'{"spawn":"heartbeat","ticks":9}\n')
        names = list(served.app.hive.workers)
        attached = trio.Event()
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(work, served, name, attached)
            while served.app.counters.sessions.workers < workers:
                await trio.sleep(0.01)
            head, *counts = queen.read("/proc/9p/sessions").decode().splitlines()
            attached.set()

        expected = Counter(shards.label(shards.index(name, 8)) for name in names)
        assert head == f"sessions total={workers + 1} worker={workers} shard_bits=8 shard_count=256"
        assert counts == [f"shard {number:02x} {expected[f'{number:02x}']}" for number in range(256)]
        assert queen.read("/proc/9p/session/active") == b"active=%d draining=0\n" % (workers + 1)
        assert all(
            worker.ring.retained() == f"{worker.id}\n".encode() for worker in served.app.hive.workers.values()
        )
        assert served.refused == {}
        queen.close()


async def test_a_hundred_workers_attach_at_once(tmp_path: Path) -> None:
    await crowd(tmp_path, 100)


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_a_thousand_workers_attach_at_once(tmp_path: Path) -> None:
    await crowd(tmp_path, 1000)


async def test_a_worker_whose_hive_is_quiesced_is_not_let_in(tmp_path: Path) -> None:
    async with serving(crowded(tmp_path), config=SHARDED) as served:
        queen = client(served.app)
        queen.append("/queen/lifecycle/ctl", b"quiesce\n")
        peer: Peer = await served.connect()

        replies = await peer.ask(VERSION, attach(uname="worker-heartbeat:worker-1", aname="x"))

        assert replies[1] == m.Rlerror(1)
        told = served.app.hive.log.retained().decode()
        assert "lifecycle denied action=worker-attach state=QUIESCED reason=gate-denied\n" in told
        queen.close()
