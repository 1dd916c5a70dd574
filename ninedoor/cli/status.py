"""`ninedoor status`: the mounts and hives that are served, and the mounts whose server is gone."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass

from ninedoor.cli import probe, registry, tables
from ninedoor.cli.exits import Exit
from ninedoor.cli.values import URLS
from ninedoor.doors.fuse.mounts import is_ours, mounts

_DAY_S = 86400

HEAD = (
    "MOUNTPOINT", "KIND", "CONDITION", "PID", "ROLE", "UPTIME", "WORKERS", "STATE", "MANIFEST", "SOCKETS",
    "CONSOLES",
)  # fmt: skip
"""SOCKETS is where a hive speaks 9P; of a remote mount, the hive behind it."""

DISPENSABLE = ("MANIFEST", "STATE", "ROLE", "UPTIME", "KIND", "CONSOLES", "PID", "WORKERS", "SOCKETS")
"""What a narrow terminal does without, the first of them first. `--json` and a pipe have all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One service as status shows it. `condition` is `serving`, `stale` (the server of a mount is gone), or
    what went wrong when it was asked; None, and no listeners or consoles, stand for unknown or none."""

    kind: str
    mountpoint: str | None
    condition: str
    source: str | None = None
    listeners: tuple[str, ...] = ()
    consoles: tuple[str, ...] = ()
    pid: int | None = None
    role: str | None = None
    uptime_s: int | None = None
    workers: int | None = None
    state: str | None = None
    manifest: str | None = None
    manifest_sha256: str | None = None


def status(arguments: argparse.Namespace) -> int:
    """Print a table, or with --json a list of objects; nothing that runs is not an error."""
    mounted = {mount.directory: mount.source for mount in mounts() if is_ours(mount)}
    rows = collect(registry.running(), mounted, time.time())
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    elif rows:
        width = shutil.get_terminal_size().columns if tables.is_terminal() else None
        sys.stdout.write(table(rows, width))
    else:
        sys.stdout.write("no hive is mounted or served\n")
    return Exit.OK


def collect(entries: Sequence[registry.Service], mounted: Mapping[str, str], now: float) -> list[Row]:
    """A row for each registered service, and for each hive that the kernel says is mounted besides. `mounted`
    has the source of every mount by its directory."""
    unregistered = sorted(set(mounted) - {entry.mountpoint for entry in entries})
    asked = [_door_of(entry) for entry in entries]
    places = [place for place in (*asked, *unregistered) if place is not None]
    looks = dict(zip(places, probe.look(places), strict=True))
    rows = [
        _row(entry, NOT_ASKED if place is None else looks[place], mounted, now)
        for entry, place in zip(entries, asked, strict=True)
    ]
    for mountpoint in unregistered:
        look = looks[mountpoint]
        condition = "serving" if look.error is None else ("stale" if look.error == probe.GONE else look.error)
        source = mounted[mountpoint] if mounted[mountpoint].startswith(URLS) else None
        kind = "mount" if source is None else "remote"
        rows.append(Row(kind, mountpoint, condition, source, workers=look.workers))
    return rows


NOT_ASKED = probe.Look(None)


def _door_of(entry: registry.Service) -> str | None:
    """Where to ask what serves: its mount, else a unix socket it listens on; None where there is neither, or
    where no answer is to be expected."""
    if entry.lost_since is not None:
        return None
    if entry.mountpoint is not None:
        return entry.mountpoint
    return next((url for url in entry.listeners if url.startswith("unix:")), None)


def _row(entry: registry.Service, look: probe.Look, mounted: Container[str], now: float) -> Row:
    is_there = entry.mountpoint is None or entry.mountpoint in mounted
    return Row(
        kind=entry.kind,
        mountpoint=entry.mountpoint,
        condition=_condition(entry, look, is_there, now),
        source=entry.source,
        listeners=entry.listeners,
        consoles=entry.consoles,
        pid=entry.pid,
        role=entry.role,
        uptime_s=int(max(now - entry.started_at, 0)),
        workers=look.workers if is_there else None,
        state=entry.state,
        manifest=entry.manifest,
        manifest_sha256=entry.manifest_sha256,
    )


def _condition(entry: registry.Service, look: probe.Look, is_there: bool, now: float) -> str:
    if not is_there:
        return "not mounted any more"
    if entry.lost_since is not None:
        since = duration(int(max(now - entry.lost_since, 0)))
        return f"reconnecting for {since}: {entry.lost_why}"
    return look.error or "serving"


def table(rows: Sequence[Row], width: int | None = None) -> str:
    """The rows in columns under a header; `-` is what is unknown or none. Within `width` characters, where
    that is given and can be had: columns of DISPENSABLE are left out, those first that say nothing."""
    cells: list[tuple[str, ...]] = [HEAD]
    for row in rows:
        uptime = None if row.uptime_s is None else duration(row.uptime_s)
        sha256 = row.manifest_sha256[:12] if row.manifest_sha256 else None
        sockets = row.source or " ".join(row.listeners) or None
        consoles = " ".join(row.consoles) or None
        facts = (row.pid, row.role, uptime, row.workers, row.state, sha256, sockets, consoles)
        values = (row.mountpoint, row.kind, row.condition, *facts)
        cells.append(tuple("-" if value is None else str(value) for value in values))
    columns = list(zip(*cells, strict=True))
    if width is not None:
        columns = _fitting(columns, width)
    head, *body = zip(*columns, strict=True)
    return tables.table(head, body)


def _fitting(columns: list[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """`columns`, each with its head, without what `width` has no room for."""
    columns = list(columns)
    places = {column[0]: column for column in columns if column[0] in DISPENSABLE}
    empty = [name for name in DISPENSABLE if set(places[name][1:]) == {tables.UNKNOWN}]
    for name in (*empty, *(name for name in DISPENSABLE if name not in empty)):
        if sum(max(map(len, column)) + 2 for column in columns) - 2 <= width:
            break
        columns.remove(places[name])
    return columns


def duration(seconds: int) -> str:
    """`seconds` in the two largest units that matter: 42s, 3m07s, 5h01m, 2d04h."""
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    if seconds < _DAY_S:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"
    return f"{seconds // _DAY_S}d{seconds % _DAY_S // 3600:02}h"
