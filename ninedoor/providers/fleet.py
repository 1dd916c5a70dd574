"""/proc/workers: all workers at a glance, for who would otherwise read a file of each.

One line for all, then one for each worker, the oldest first. Grammar: docs/INTERFACES.md.
"""

from ninedoor.hive.workers import Worker
from ninedoor.providers.ports import Site
from ninedoor.tree.text import RenderedText

WORKERS_SHOWN = 1000
"""Workers that have a line. The text is made for every open and every stat, and must hold up nobody."""

LINE_BYTES = 256
"""Longer than any line: seven numbers of 64 bits, an id and a role."""


def provide(site: Site) -> None:
    hive = site.hive

    def text() -> bytes:
        shown = list(hive.workers.values())[:WORKERS_SHOWN]
        lines = [f"workers total={len(hive.workers)} shown={len(shown)}\n"]
        lines += [_line(worker) for worker in shown]
        return "".join(lines).encode()

    cap = (WORKERS_SHOWN + 1) * LINE_BYTES
    site.tree.add(RenderedText(("proc", "workers"), text, cap_bytes=cap, mtime=site.now))


def _line(worker: Worker) -> str:
    ring = worker.ring
    deadline = None if worker.deadline is None else int(worker.deadline * 1000)
    return (
        f"worker id={worker.id} role={worker.role} ring_bytes={ring.capacity} ring_base={ring.base} "
        f"ring_next={ring.next} beats={worker.beats} ticks_left={_or_none(worker.ticks_left)} "
        f"ops_left={_or_none(worker.ops_left)} ends_ms={_or_none(deadline)}\n"
    )


def _or_none(number: int | None) -> str:
    return "none" if number is None else str(number)
