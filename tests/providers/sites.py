"""A hive shown as files, and a way to reach them without a session.

Shared by the tests of this package; it mirrors no module.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ninedoor.config import Config, Telemetry
from ninedoor.hive.hive import Hive
from ninedoor.hive.ingest import Ingest
from ninedoor.providers.ports import Provider, Site
from ninedoor.session.counters import Counters
from ninedoor.session.ports import READ, WRITE, Node
from ninedoor.store.memory import RetainedJournal
from ninedoor.tree.namespace import Namespace
from tests.callers import RecordingCaller

NOW = 1000.0

CONFIG = Config(
    telemetry=Telemetry(ring_bytes_per_worker=16),
    services={"logs": ("log",)},
    boot_lines=("Cohesix boot: root-task online", "manifest.schema=1.5"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one provider, or the whole table, makes of a hive."""

    site: Site
    journal: RetainedJournal

    @property
    def hive(self) -> Hive:
        return self.site.hive

    def node(self, path: str) -> Node:
        node: Node = self.site.tree.root
        for name in path.split("/"):
            if name:
                node = node.walk(name)
        return node

    def names(self, path: str) -> list[str]:
        return [entry.name for entry in self.node(path).entries()]

    def read(self, path: str) -> bytes:
        opened = self.node(path).open(READ, NOW)
        text = b""
        while part := opened.read(len(text), 8168, NOW):
            text += part
        return text

    def write(
        self, path: str, data: bytes, *, label: str = "queen", offset: int = 0, now: float = NOW
    ) -> int:
        return self.node(path).open(WRITE, now).write(offset, data, RecordingCaller(label), now)


def shown(
    provide: Provider | Callable[[Site], None],
    config: Config = CONFIG,
    journal: RetainedJournal | None = None,
) -> Shown:
    """The nodes of `provide` over the hive that `journal` holds."""
    journal = journal or RetainedJournal()
    hive = Hive(config, journal)
    hive.load()
    counters = Counters()
    ingest = Ingest(config.proc_ingest, counters)
    site = Site(config, hive, counters, Namespace(NOW), NOW, ingest, journal)
    provide(site)
    return Shown(site, journal)
