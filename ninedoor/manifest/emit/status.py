"""The status files below /proc: what they say, how long they may become, which of them this manifest has."""

from collections.abc import Collection, Iterator
from typing import get_args

from ninedoor.config import Config, LifecycleState
from ninedoor.hive.hive import Hive
from ninedoor.hive.lifecycle import OPEN_IN, TRANSITIONS
from ninedoor.manifest import rendered
from ninedoor.manifest.emit import markdown
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.models.base import Table
from ninedoor.manifest.models.observability import ProcIngest
from ninedoor.providers.exposition import Family
from ninedoor.providers.lifecycle import STATE_BYTES
from ninedoor.providers.metrics import METRICS_BYTES, families
from ninedoor.providers.ports import Site
from ninedoor.providers.proc import REFUSED_BYTES
from ninedoor.session.counters import Counters
from ninedoor.store.memory import MemoryJournal
from ninedoor.tree.namespace import Namespace

STATES: tuple[LifecycleState, ...] = get_args(LifecycleState)


def proc_grammar(manifest: Manifest) -> str:
    """One row for each file of the format, and what besides decides about them."""
    table = markdown.table(
        ("path", "text", "most bytes", "on", "CBOR twin"), [*_rows(manifest), *_fixed_rows()]
    )
    return f"{table}\n{_ingest(manifest.document.observability.proc_ingest)}"


def metric_table() -> str:
    """Every family of /proc/metrics, read off those of a hive in memory."""
    config = Config()
    hive = Hive(config, MemoryJournal())
    site = Site(config, hive, Counters(), Namespace(0.0), 0.0, journal=MemoryJournal())
    rows = [
        (markdown.code(family.name), family.kind, _label(family), family.help) for family in families(site)
    ]
    return markdown.table(("name", "type", "label", "meaning"), rows)


def lifecycle_tables() -> str:
    """What each command does, and which gates each state leaves open."""
    commands = [
        (markdown.code(word), ", ".join(_in_order(step.allowed)), step.to, "yes" if step.idle else "")
        for word, step in TRANSITIONS.items()
    ]
    gates = [
        (gate, *("open" if state in states else "" for state in STATES)) for gate, states in OPEN_IN.items()
    ]
    return (
        markdown.table(("command", "allowed from", "leads to", "refused while workers live"), commands)
        + "\n"
        + markdown.table(("gate", *STATES), gates)
    )


def _in_order(states: Collection[LifecycleState]) -> list[LifecycleState]:
    return [state for state in STATES if state in states]


def _label(family: Family) -> str:
    """The label and its values, which are the same for every hive but for hashes."""
    names = {name for labels, _value in family.samples for name in labels}
    values = [value for labels, _value in family.samples for value in labels.values() if value]
    return "".join(f"{markdown.code(name)}: {', '.join(values) or 'hash'}" for name in names)


def _fixed_rows() -> Iterator[tuple[str, ...]]:
    caps = {"/proc/9p/refused": REFUSED_BYTES}
    for path, text in rendered.ALWAYS.items():
        lines = "\n".join(map(markdown.code, rendered.shown(text)))
        yield markdown.code(path), lines, str(caps.get(path, STATE_BYTES)), "always", "-"
    yield markdown.code("/proc/metrics"), "see below", str(METRICS_BYTES), "always", "-"


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
