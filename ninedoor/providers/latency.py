"""/proc/ingest: what appends to telemetry cost lately, and what was refused of them."""

from collections.abc import Callable, Mapping
from functools import partial

from ninedoor.hive.ingest import Ingest
from ninedoor.providers.ports import Site
from ninedoor.providers.status import Values, show
from ninedoor.session.counters import Counters
from ninedoor.session.ports import Opened, Path
from ninedoor.tree.stream import Stream

ROOT: Path = ("proc", "ingest")

NUMBERS: Mapping[str, Callable[[Ingest], int]] = {
    "p50_ms": lambda ingest: ingest.percentile_ms(50),
    "p95_ms": lambda ingest: ingest.percentile_ms(95),
    "backpressure": lambda ingest: ingest.backpressure,
    "dropped": lambda ingest: ingest.dropped,
    "queued": lambda ingest: ingest.queued,
}
"""Node → its number."""


def provide(site: Site) -> None:
    """What `[observability.proc_ingest]` enables."""
    shown, ingest = site.config.proc_ingest, site.ingest
    twins = site.config.twins
    nodes = (
        ("p50_ms", shown.p50_ms, shown.p50_ms_bytes, twins.p50_ms),
        ("p95_ms", shown.p95_ms, shown.p95_ms_bytes, twins.p95_ms),
        ("backpressure", shown.backpressure, shown.backpressure_bytes, twins.backpressure),
        ("dropped", shown.dropped, shown.dropped_bytes, False),
        ("queued", shown.queued, shown.queued_bytes, False),
    )
    for name, enabled, cap_bytes, has_twin in nodes:
        if enabled:
            number = NUMBERS[name]
            twin = partial(_values, name, number, ingest) if has_twin else None
            show(site, (*ROOT, name), cap_bytes, partial(_text, name, number, ingest), twin)
    if shown.watch:
        site.tree.add(_Watch(ingest, site.counters))


class _Watch(Stream):
    """/proc/ingest/watch: a line is taken when an append was measured, and when the file is opened."""

    def __init__(self, ingest: Ingest, counters: Counters) -> None:
        super().__init__((*ROOT, "watch"), ingest.lines, None, permissions=0o444)
        self._ingest = ingest
        self._counters = counters

    def open(self, access: int, now: float) -> Opened:
        opened = super().open(access, now)
        self._counters.ui_reads += 1
        self._ingest.snapshot(now)
        return opened


def _text(name: str, number: Callable[[Ingest], int], ingest: Ingest) -> str:
    return f"{name}={number(ingest)}\n"


def _values(name: str, number: Callable[[Ingest], int], ingest: Ingest) -> Values:
    return {name: number(ingest)}
