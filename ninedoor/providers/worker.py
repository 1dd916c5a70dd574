"""Workers' directories: there while the worker lives, gone with it.

/shard/<xx>/worker/<id> where the manifest shards them, else /worker/<id>. A sharded worker may have
/worker/<id> as a second name: a directory of its own, because a kernel allows a directory only one place,
whose files are the same nodes to every client, and which the gate judges by the name that was used.
"""

from ninedoor import shards
from ninedoor.hive.workers import Worker
from ninedoor.providers.ports import Site
from ninedoor.providers.telemetry import worker_nodes
from ninedoor.session.ports import Path
from ninedoor.tree.directory import Directory
from ninedoor.tree.node import BaseNode

ALIASES: Path = ("worker",)


class WorkerDirectories:
    """Follows the hive (`ninedoor.hive.hive.Observer`)."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sharding = site.config.sharding
        self._homes = {path: site.tree.directory(path) for path in _homes(site)}
        self._aliases = site.tree.directory(ALIASES) if shards.has_alias(self._sharding) else None
        for worker in site.hive.workers.values():
            self.spawned(worker, worker.spawned)
            site.ingest.bytes_gone -= worker.ring.next  # appended before the daemon started
        site.hive.observers.append(self)

    def spawned(self, worker: Worker, now: float) -> None:
        path = shards.worker_path(self._sharding, worker.id)
        nodes = self._show(self._homes[path[:-1]], worker, now)
        if self._aliases is not None:
            self._show(self._aliases, worker, now, nodes)

    def revoked(self, worker: Worker, reason: str, now: float) -> None:
        self._site.ingest.bytes_gone += worker.ring.next
        path = shards.worker_path(self._sharding, worker.id)
        self._homes[path[:-1]].remove(worker.id, reason, now)
        if self._aliases is not None:
            self._aliases.remove(worker.id, reason, now)

    def _show(
        self, home: Directory, worker: Worker, now: float, originals: tuple[BaseNode, ...] = ()
    ) -> tuple[BaseNode, ...]:
        directory = Directory((*home.path, worker.id), mtime=now, born=worker.spawned)
        nodes = worker_nodes(self._site.hive, directory.path, worker, self._site.ingest)
        for node, original in zip(nodes, originals, strict=False):
            node.same_as = original
        for node in nodes:
            directory.add(node, now)
        home.add(directory, now)
        return nodes


def _homes(site: Site) -> list[Path]:
    """The directories that hold workers, all of them from the start."""
    sharding = site.config.sharding
    if not sharding.enabled:
        return [ALIASES]
    return [("shard", shards.label(number), "worker") for number in range(shards.count(sharding))]


def provide(site: Site) -> None:
    WorkerDirectories(site)
