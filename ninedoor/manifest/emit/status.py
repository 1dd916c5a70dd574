"""The status files below /proc: what they say, how long they may become, which of them this manifest has."""

from collections.abc import Iterator

from ninedoor.manifest import rendered
from ninedoor.manifest.emit import markdown
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.models.base import Table
from ninedoor.manifest.models.observability import ProcIngest


def proc_grammar(manifest: Manifest) -> str:
    """One row for each file of the format, and what besides decides about them."""
    table = markdown.table(("path", "text", "most bytes", "on", "CBOR twin"), _rows(manifest))
    return f"{table}\n{_ingest(manifest.document.observability.proc_ingest)}"


def _rows(manifest: Manifest) -> Iterator[tuple[str, ...]]:
    observability = manifest.document.observability
    twins = manifest.document.ui_providers
    for table in type(observability).model_fields:
        switches: Table = getattr(observability, table)
        for node in type(switches).model_fields:
            served = getattr(switches, node)
            if not isinstance(served, bool):
                continue
            text = "\n".join(map(markdown.code, rendered.grammar(table, node)))
            cap = getattr(switches, "watch_line_bytes" if node == "watch" else f"{node}_bytes")
            twin = getattr(getattr(twins, table, None), node, None)
            yield markdown.code(rendered.path(table, node)), text, str(cap), _yes(served), _yes(twin)


def _ingest(ingest: ProcIngest) -> str:
    return (
        f"`/proc/ingest/watch` keeps {ingest.watch_max_entries} lines, at least "
        f"{ingest.watch_min_interval_ms} ms apart; its bytes are those of one line. Percentiles are taken "
        f"over the last {ingest.latency_samples} operations. Tests grant latencies "
        f"{ingest.latency_tolerance_ms} ms and counters {ingest.counter_tolerance}.\n"
    )


def _yes(switch: bool | None) -> str:
    return "-" if switch is None else ("yes" if switch else "no")
