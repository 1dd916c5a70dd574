"""What a provider gets to build its nodes from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ninedoor.config import Config
from ninedoor.hive.hive import Hive
from ninedoor.hive.ingest import Ingest
from ninedoor.session.counters import Counters
from ninedoor.store.ports import Size
from ninedoor.tree.namespace import Namespace
from ninedoor.updates.updates import Updates


class Sized(Protocol):
    """A journal, as far as it is watched (`ninedoor.store.ports.Journal`)."""

    def size(self) -> Size: ...


@dataclass(frozen=True, slots=True)
class Site:
    """One hive about to be shown as files. `now` is the unix time of the building; `ingest` measures what is
    appended to telemetry, `journal` is what the state is kept in, `updates` what /updates and /models show,
    None where there are none."""

    config: Config
    hive: Hive
    counters: Counters
    tree: Namespace
    now: float
    ingest: Ingest = field(default_factory=Ingest)
    journal: Sized | None = None
    updates: Updates | None = None


Provider = Callable[[Site], None]
"""Adds a family of nodes to `site.tree` and keeps it in step with the hive."""
