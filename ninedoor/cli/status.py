"""`ninedoor status`: the mounts that run, and those whose server is gone."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ninedoor.cli import probe, registry
from ninedoor.cli.exits import Exit
from ninedoor.cli.umount import hives

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Row:
    """One mount as status shows it. `condition` is `serving`, `stale` (the server is gone), or what went
    wrong when it was asked; None stands for unknown."""

    mountpoint: str
    condition: str
    pid: int | None
    role: str | None
    uptime_s: int | None
    workers: int | None
    state: str | None
    manifest: str | None
    manifest_sha256: str | None


def status(arguments: argparse.Namespace) -> int:
    """Print a table, or with --json a list of objects; nothing mounted is not an error."""
    rows = collect(registry.running(), hives(), time.time())
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    elif rows:
        sys.stdout.write(table(rows))
    else:
        sys.stdout.write("no hive is mounted\n")
    return Exit.OK


def collect(entries: Sequence[registry.Mount], mounted: Sequence[str], now: float) -> list[Row]:
    """A row for each registered mount and for each hive the kernel knows besides."""
    unregistered = sorted(set(mounted) - {entry.mountpoint for entry in entries})
    looks = probe.look([*(entry.mountpoint for entry in entries), *unregistered])
    rows = [
        Row(
            mountpoint=entry.mountpoint,
            condition=look.error or ("serving" if entry.mountpoint in mounted else "not mounted any more"),
            pid=entry.pid,
            role=entry.role,
            uptime_s=int(max(now - entry.started_at, 0)),
            workers=look.workers if entry.mountpoint in mounted else None,
            state=entry.state,
            manifest=entry.manifest,
            manifest_sha256=entry.manifest_sha256,
        )
        for entry, look in zip(entries, looks, strict=False)
    ]
    for mountpoint, look in zip(unregistered, looks[len(entries) :], strict=True):
        condition = "serving" if look.error is None else ("stale" if look.error == probe.GONE else look.error)
        rows.append(Row(mountpoint, condition, None, None, None, look.workers, None, None, None))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows in columns under a header; `-` is what is unknown or, for STATE, kept nowhere."""
    cells: list[tuple[str, ...]] = [
        ("MOUNTPOINT", "CONDITION", "PID", "ROLE", "UPTIME", "WORKERS", "STATE", "MANIFEST")
    ]
    for row in rows:
        uptime = None if row.uptime_s is None else duration(row.uptime_s)
        sha256 = row.manifest_sha256[:12] if row.manifest_sha256 else None
        values = (row.mountpoint, row.condition, row.pid, row.role, uptime, row.workers, row.state, sha256)
        cells.append(tuple("-" if value is None else str(value) for value in values))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def duration(seconds: int) -> str:
    """`seconds` in the two largest units that matter: 42s, 3m07s, 5h01m, 2d04h."""
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    if seconds < _DAY_S:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"
    return f"{seconds // _DAY_S}d{seconds % _DAY_S // 3600:02}h"
