"""What a worker's directory holds: its ring, and the cursors of those who read it."""

from collections.abc import Callable

from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.ingest import Ingest
from ninedoor.hive.workers import Worker
from ninedoor.session.ports import Caller, Path
from ninedoor.tree.node import BaseNode
from ninedoor.tree.register import Register
from ninedoor.tree.stream import Stream


def worker_nodes(hive: Hive, directory: Path, worker: Worker, ingest: Ingest) -> tuple[BaseNode, ...]:
    """The nodes of `worker` in its `directory`: `telemetry`, whose appends `ingest` measures, and
    `cursors`."""
    cursors = hive.cursors
    to_ring = hive.append_telemetry

    def append(offset: int, data: bytes, caller: Caller, now: float) -> int:
        try:
            if now < ingest.due:
                taken = to_ring(worker, offset, data, caller.label, now)
            else:
                taken = ingest.timed(now, to_ring, worker, offset, data, caller.label, now)
        except P9Error as refusal:
            ingest.refused(refusal.ecode)
            raise
        ingest.appends += 1
        return taken

    def watch(wake: Callable[[], None]) -> Callable[[], None]:
        stop_ring, stop_cursors = worker.ring.watch(wake), cursors.watch(worker, wake)

        def stop() -> None:
            stop_ring()
            stop_cursors()

        return stop

    return (
        Stream((*directory, "telemetry"), worker.ring, append, cursors=cursors),
        Register(
            (*directory, "cursors"),
            lambda: cursors.text(worker),
            lambda line, now: cursors.command(worker, line, now),
            watch,
            mtime=worker.spawned,
        ),
    )
