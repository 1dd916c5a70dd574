"""What a provider gets to build its nodes from."""

from collections.abc import Callable
from dataclasses import dataclass

from ninedoor.config import Config
from ninedoor.hive.hive import Hive
from ninedoor.session.counters import Counters
from ninedoor.tree.namespace import Namespace


@dataclass(frozen=True, slots=True)
class Site:
    """One hive about to be shown as files. `now` is the unix time of the building."""

    config: Config
    hive: Hive
    counters: Counters
    tree: Namespace
    now: float


Provider = Callable[[Site], None]
"""Adds a family of nodes to `site.tree` and keeps it in step with the hive."""
