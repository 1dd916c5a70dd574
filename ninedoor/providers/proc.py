"""/proc/boot and /proc/9p: what the hive was started from, and what its sessions do. Formats are in
docs/INTERFACES.md."""

from collections.abc import Callable, Mapping
from functools import partial

from ninedoor import shards
from ninedoor.providers.ports import Site
from ninedoor.providers.standing import in_hand
from ninedoor.providers.status import Values, show, status
from ninedoor.session.counters import Refusal
from ninedoor.tree.text import StaticText

REFUSED_BYTES = 1024
"""Room for every kind of refusal with a count as long as any."""


def provide(site: Site) -> None:
    """/proc/boot always; the /proc/9p nodes that `[observability.proc_9p]` enables, and with any of them
    `refused`, which has no switch of its own."""
    boot = "".join(f"{line}\n" for line in site.config.boot_lines)
    site.tree.add(StaticText(("proc", "boot"), boot.encode(), mtime=site.now))
    shown, twins = site.config.proc_9p, site.config.twins
    nodes = (
        ("sessions", shown.sessions, shown.sessions_bytes, twins.sessions),
        ("outstanding", shown.outstanding, shown.outstanding_bytes, twins.outstanding),
        ("short_writes", shown.short_writes, shown.short_writes_bytes, twins.short_writes),
    )
    for name, enabled, cap_bytes, has_twin in nodes:
        if enabled:
            text, values = _FAMILY[name]
            twin = partial(values, site) if has_twin else None
            show(site, ("proc", "9p", name), cap_bytes, partial(text, site), twin)
    if any(enabled for _name, enabled, _cap, _twin in nodes):
        site.tree.add(status(site, ("proc", "9p", "refused"), REFUSED_BYTES, partial(_refused, site)))


def _sessions(site: Site) -> Values:
    sessions = site.counters.sessions
    return {
        "total": len(sessions),
        "worker": sessions.workers,
        "shard_bits": sessions.shard_bits,
        "shard_count": len(sessions.shards),
        "shards": [
            {"label": shards.label(number), "count": workers}
            for number, workers in enumerate(sessions.shards)
        ],
    }


def _sessions_text(site: Site) -> str:
    sessions = site.counters.sessions
    head = (
        f"sessions total={len(sessions)} worker={sessions.workers} shard_bits={sessions.shard_bits} "
        f"shard_count={len(sessions.shards)}\n"
    )
    each = (f"shard {shards.label(number)} {workers}\n" for number, workers in enumerate(sessions.shards))
    return head + "".join(each)


def _outstanding(site: Site) -> Values:
    return {"current": in_hand(site), "limit": site.config.secure9p.tags_per_session}


def _short_writes(site: Site) -> Values:
    return {"total": site.counters.short_writes, "retries": site.counters.retries}


def _refused(site: Site) -> str:
    return _line("refused", site.counters.refused)


def _line(name: str, values: Mapping[Refusal, int] | Values) -> str:
    return " ".join((name, *(f"{key}={value}" for key, value in values.items()))) + "\n"


_FAMILY: Mapping[str, tuple[Callable[[Site], str], Callable[[Site], Values]]] = {
    "sessions": (_sessions_text, _sessions),
    "outstanding": (lambda site: _line("outstanding", _outstanding(site)), _outstanding),
    "short_writes": (lambda site: _line("short_writes", _short_writes(site)), _short_writes),
}
"""Node → its text, and what its twin holds."""
