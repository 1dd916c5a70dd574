"""Which families of nodes there are. A new one is a module, a line here, a manifest section and its tests."""

from ninedoor.providers import log, proc, queen, worker
from ninedoor.providers.ports import Provider, Site

PROVIDERS: dict[str, Provider] = {
    "log": log.provide,
    "proc": proc.provide,
    "queen": queen.provide,
    "worker": worker.provide,
}
"""Top-level name → what builds it."""


def build(site: Site) -> None:
    """Add every family to `site.tree`."""
    for provide in PROVIDERS.values():
        provide(site)
