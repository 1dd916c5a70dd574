"""/proc/9p/session: how many sessions are active or draining, and each of them by its number.

A session is SETUP until somebody attached, then ACTIVE, or DRAINING while the life cycle closes the hive to
new work; who holds its files open beyond its end reads CLOSED there.
"""

from collections.abc import Callable, Iterable, Mapping

from ninedoor.providers.ports import Site
from ninedoor.providers.status import status
from ninedoor.session.ports import Path
from ninedoor.session.roster import SessionRecord
from ninedoor.tree.directory import Directory
from ninedoor.tree.lazy import LazyDirectory

ROOT: Path = ("proc", "9p", "session")

DRAINING = frozenset({"DRAINING", "QUIESCED", "OFFLINE"})
"""States of the life cycle in which a session that is attached drains."""


def provide(site: Site) -> None:
    """What `[observability.proc_9p_session]` enables."""
    shown = site.config.proc_9p_session
    nodes = (
        ("state", shown.state, shown.state_bytes),
        ("since_ms", shown.since_ms, shown.since_ms_bytes),
        ("owner", shown.owner, shown.owner_bytes),
    )
    caps = {name: cap_bytes for name, enabled, cap_bytes in nodes if enabled}
    if caps:
        site.tree.add(_Sessions(site, caps))
    if shown.active:
        site.tree.add(status(site, (*ROOT, "active"), shown.active_bytes, lambda: _active(site)))


class _Sessions(LazyDirectory):
    """Follows the roster. `caps` are the bytes of each file of a session by its name."""

    def __init__(self, site: Site, caps: Mapping[str, int]) -> None:
        super().__init__(ROOT, self._open, self._one, mtime=site.now, removed=site.tree.left)
        self._site = site
        self._caps = caps
        self._roster = site.counters.sessions
        self._roster.changed = self._follow

    def _follow(self, serial: int, is_open: bool) -> None:
        now = self._roster.clock()
        if is_open:
            self.arrived(now)
        else:
            self.went(str(serial), now)

    def _open(self) -> Iterable[tuple[str, float]]:
        for serial in self._roster:
            record = self._roster.get(serial)
            if record is not None:
                yield str(serial), record.opened

    def _one(self, name: str) -> Directory | None:
        serial = int(name) if name.isascii() and name.isdecimal() else -1
        record = self._roster.get(serial)
        if record is None or str(serial) != name:
            return None
        directory = Directory((*ROOT, name), mtime=record.since, born=record.opened)
        texts = _texts(self._site, record)
        for node, cap_bytes in self._caps.items():
            directory.add(status(self._site, (*directory.path, node), cap_bytes, texts[node]), record.since)
        return directory


def _texts(site: Site, record: SessionRecord) -> Mapping[str, Callable[[], str]]:
    return {
        "state": lambda: f"state={_state(site, record)}\n",
        "since_ms": lambda: f"since_ms={int(record.since * 1000)}\n",
        "owner": lambda: f"owner={record.label if record.state == 'ACTIVE' else 'none'}\n",
    }


def _state(site: Site, record: SessionRecord) -> str:
    draining = record.state == "ACTIVE" and site.hive.lifecycle.state in DRAINING
    return "DRAINING" if draining else record.state


def _active(site: Site) -> str:
    attached = site.counters.sessions.attached
    if site.hive.lifecycle.state in DRAINING:
        return f"active=0 draining={attached}\n"
    return f"active={attached} draining=0\n"
