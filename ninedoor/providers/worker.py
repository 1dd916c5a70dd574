"""/worker/<id>: there while the worker lives, gone with it."""

from ninedoor.hive.workers import Worker
from ninedoor.providers.ports import Site
from ninedoor.session.ports import Caller
from ninedoor.tree.directory import Directory
from ninedoor.tree.stream import Stream


class WorkerDirectory:
    """Follows the hive (`ninedoor.hive.hive.Observer`)."""

    def __init__(self, site: Site) -> None:
        self._hive = site.hive
        self._directory = site.tree.directory(("worker",))
        for worker in site.hive.workers.values():
            self.spawned(worker, worker.spawned)
        site.hive.observers.append(self)

    def spawned(self, worker: Worker, now: float) -> None:
        directory = Directory(("worker", worker.id), mtime=now, born=worker.spawned)

        def append(offset: int, data: bytes, caller: Caller, at: float) -> int:
            return self._hive.append_telemetry(worker, offset, data, caller.label, at)

        directory.add(Stream((*directory.path, "telemetry"), worker.ring, append), now)
        self._directory.add(directory, now)

    def revoked(self, worker: Worker, reason: str, now: float) -> None:
        self._directory.remove(worker.id, reason, now)


def provide(site: Site) -> None:
    WorkerDirectory(site)
