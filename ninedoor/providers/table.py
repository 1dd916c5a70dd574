"""Which families of nodes there are. A new one is a module, a line here, a manifest section and its tests."""

from ninedoor.providers import (
    fleet,
    gpu,
    ingest,
    latency,
    lifecycle,
    log,
    metrics,
    models,
    proc,
    queen,
    selftests,
    sessions,
    standing,
    updates,
    worker,
)
from ninedoor.providers.ports import Provider, Site

PROVIDERS: dict[str, Provider] = {
    "fleet": fleet.provide,
    "ingest": ingest.provide,
    "gpu": gpu.provide,
    "latency": latency.provide,
    "lifecycle": lifecycle.provide,
    "log": log.provide,
    "metrics": metrics.provide,
    "models": models.provide,
    "proc": proc.provide,
    "queen": queen.provide,
    "selftests": selftests.provide,
    "sessions": sessions.provide,
    "standing": standing.provide,
    "updates": updates.provide,
    "worker": worker.provide,
}
"""Name of a family → what builds it."""


def build(site: Site) -> None:
    """Add every family to `site.tree`."""
    for provide in PROVIDERS.values():
        provide(site)
