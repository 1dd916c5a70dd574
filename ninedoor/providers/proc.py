"""/proc: the boot text and what the sessions do. Formats are in docs/INTERFACES.md."""

from functools import partial

from ninedoor.providers.ports import Site
from ninedoor.tree.text import RenderedText, StaticText

REFUSED_BYTES = 1024
"""Room for every kind of refusal with a count as long as any."""


def provide(site: Site) -> None:
    """/proc/boot always; the /proc/9p nodes that `[observability.proc_9p]` enables, and with any of them
    `refused`, which has no switch of its own."""
    boot = "".join(f"{line}\n" for line in site.config.boot_lines)
    site.tree.add(StaticText(("proc", "boot"), boot.encode(), mtime=site.now))
    shown = site.config.proc_9p
    nodes = (
        ("sessions", shown.sessions, shown.sessions_bytes, _sessions),
        ("outstanding", shown.outstanding, shown.outstanding_bytes, _outstanding),
        ("short_writes", shown.short_writes, shown.short_writes_bytes, _short_writes),
    )
    for name, enabled, cap_bytes, render in nodes:
        if enabled:
            node = RenderedText(
                ("proc", "9p", name), partial(render, site), cap_bytes=cap_bytes, mtime=site.now
            )
            site.tree.add(node)
    if any(enabled for _name, enabled, _cap, _render in nodes):
        counts = partial(_refused, site)
        site.tree.add(
            RenderedText(("proc", "9p", "refused"), counts, cap_bytes=REFUSED_BYTES, mtime=site.now)
        )


def _sessions(site: Site) -> bytes:
    labels = site.counters.sessions.values()
    workers = sum(label.startswith("worker-") for label in labels)
    return (
        f"sessions total={len(labels)} worker={workers} shard_bits=0 shard_count=1\nshard 00 {len(labels)}\n"
    ).encode()


def _outstanding(site: Site) -> bytes:
    limit = site.config.secure9p.tags_per_session
    return f"outstanding current={site.counters.outstanding} limit={limit}\n".encode()


def _short_writes(site: Site) -> bytes:
    return f"short_writes total={site.counters.short_writes} retries={site.counters.retries}\n".encode()


def _refused(site: Site) -> bytes:
    counts = " ".join(f"{kind}={number}" for kind, number in site.counters.refused.items())
    return f"refused {counts}\n".encode()
