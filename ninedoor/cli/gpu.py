"""`ninedoor gpu list|lease|release`: GPUs as an operator sees and gives them.

A terminal gets tables; a pipe gets the lines that the original's `coh gpu` prints; --json is for programs.
"""

import argparse
import errno
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ninedoor.cli import hives, tables
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import Hive
from ninedoor.cli.status import duration
from ninedoor.errors import P9Error
from ninedoor.gpu.devices import RESERVED, Device, parse_info
from ninedoor.gpu.jobs import parse_queue
from ninedoor.gpu.leases import Lease, active_lease
from ninedoor.gpu.status import Heard, heard
from ninedoor.gpu.texts import compact

ROOT = "/gpu"
QUEEN_CTL = "/queen/ctl"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as it is now. `lease` is None while nobody has it; the numbers of jobs are None for whoever may
    not see the queue. `heard` is None when its bridge does not say when it wrote, or has only published."""

    device: Device
    lease: Lease | None
    queued: int | None
    running: int | None
    heard: Heard | None = None

    def facts(self) -> dict[str, Any]:
        """For --json."""
        lease = None if self.lease is None else asdict(self.lease)
        heard = self.heard
        return {
            **asdict(self.device),
            "lease": lease,
            "queued": self.queued,
            "running": self.running,
            "bridge_seen_ms": None if heard is None else heard.at_ms,
            "bridge_silent": None if heard is None else heard.is_silent(time.time()),
        }


def list_gpus(arguments: argparse.Namespace) -> int:
    """Every GPU with its device and who has it."""
    with hives.opened(arguments) as hive:
        gpus = [look(hive, gpu) for gpu in names(hive)]
    if arguments.json:
        print_json([gpu.facts() for gpu in gpus])
    elif tables.is_terminal():
        sys.stdout.write(listed(gpus) if gpus else "no GPU is published here: gpu-bridge-host does that\n")
    else:
        sys.stdout.write(f"OK LS path={ROOT}\n")
        for gpu in gpus:
            sys.stdout.write(f"OK CAT path={ROOT}/{gpu.device.id}/info\n{_line(gpu.device)}\n")
    return Exit.OK


def _line(device: Device) -> str:
    return (
        f"gpu id={device.id} name={device.name} mem_mb={device.memory_mb} sm={device.sm_count} "
        f"driver={device.driver_version} runtime={device.runtime_version}"
    )


def listed(gpus: Sequence[Gpu]) -> str:
    """`gpus` in a table."""
    head = (
        *("GPU", "NAME", "MEMORY", "SMS", "DRIVER"),
        *("LEASED TO", "LEASED", "STREAMS", "RUNNING", "QUEUED", "SEEN"),
    )
    now = time.time()
    rows = []
    notes = []
    for gpu in gpus:
        device, lease = gpu.device, gpu.lease
        terms = (
            (None, None, None) if lease is None else (lease.worker_id, f"{lease.mem_mb} MiB", lease.streams)
        )
        memory = f"{device.memory_mb} MiB"
        what = (device.id, device.name, memory, device.sm_count, device.driver_version or None)
        seen = None if gpu.heard is None else duration(max(int(now - gpu.heard.at_ms / 1000), 0))
        rows.append((*what, *terms, gpu.running, gpu.queued, None if seen is None else f"{seen} ago"))
        if gpu.heard is not None and gpu.heard.is_silent(now):
            notes.append(f"{device.id}: its bridge is silent for {seen}; is gpu-bridge-host still running?\n")
    return tables.table(head, rows) + "".join(notes)


def lease(arguments: argparse.Namespace) -> int:
    """Give a GPU to a new worker."""
    with hives.opened(arguments) as hive:
        taken, granted = take(hive, arguments)
    if arguments.json:
        print_json(asdict(granted))
    elif tables.is_terminal():
        sys.stdout.write(
            f"{granted.gpu_id} is leased to {granted.worker_id}: {granted.mem_mb} MiB, "
            f"{tables.counted(granted.streams, 'stream')}, {granted.ttl_s} s\n"
        )
    else:
        sys.stdout.write(
            f"OK ECHO path={QUEEN_CTL} bytes={taken}\n"
            f"lease requested gpu_id={granted.gpu_id} mem_mb={granted.mem_mb} "
            f"streams={granted.streams} ttl_s={granted.ttl_s}\n"
        )
    return Exit.OK


def take(hive: Hive, arguments: argparse.Namespace) -> tuple[int, Lease]:
    """Lease the GPU on the terms of `arguments`: the bytes it took to ask, and the lease. All of its memory
    unless they name less. Raises P9Error with the hive's reason."""
    memory = arguments.mem_mb
    if memory is None:
        memory = device_of(hive, arguments.gpu).memory_mb
    command: dict[str, Any] = {
        "spawn": "gpu",
        "lease": {
            "gpu_id": arguments.gpu,
            "mem_mb": memory,
            "streams": arguments.streams,
            "ttl_s": arguments.ttl_s,
            "priority": arguments.priority,
        },
    }
    if arguments.ops is not None:
        command["budget"] = {"ttl_s": arguments.ttl_s, "ops": arguments.ops}
    taken = hives.write(hive, QUEEN_CTL, compact(command), told=QUEEN_CTL)
    return taken, require_lease(hive, arguments.gpu)


def release(arguments: argparse.Namespace) -> int:
    """End the lease of a GPU; the worker that has it is killed."""
    with hives.opened(arguments) as hive:
        ended = require_lease(hive, arguments.gpu)
        taken = give_back(hive, ended)
    if arguments.json:
        print_json(asdict(ended.ended()))
    elif tables.is_terminal():
        sys.stdout.write(f"{ended.gpu_id} is free: {ended.worker_id} had it\n")
    else:
        sys.stdout.write(
            f"OK ECHO path={QUEEN_CTL} bytes={taken}\n"
            f"lease released gpu_id={ended.gpu_id} worker_id={ended.worker_id}\n"
        )
    return Exit.OK


def give_back(hive: Hive, ended: Lease) -> int:
    """Kill the worker that holds the lease; the bytes it took to say so. Raises P9Error."""
    return hives.write(hive, QUEEN_CTL, compact({"kill": ended.worker_id}), told=QUEEN_CTL)


# -- looking -------------------------------------------------------------------------------------------------


def names(hive: Hive) -> list[str]:
    """The ids of the GPUs. Raises CommandFailure where there is no /gpu."""
    try:
        return [name for name in hive.names(ROOT) if name not in RESERVED]
    except P9Error as missing:
        raise CommandFailure(Exit.FAILED, f"this hive shows no {ROOT}: {missing.reason}") from None


def device_of(hive: Hive, gpu: str) -> Device:
    """The device called `gpu`. Raises CommandFailure with those that there are."""
    # A worker's operations are counted: what is there is listed only when the GPU is not.
    try:
        text = hive.read(f"{ROOT}/{gpu}/info")
    except P9Error as refusal:
        if refusal.ecode != errno.ENOENT:
            raise
        known = names(hive)
        there = f"there are {', '.join(known)}" if known else "none is published"
        raise CommandFailure(Exit.FAILED, f"gpu {gpu} not registered: {there}") from None
    return parse_info(text.decode("utf-8", "replace"))


def look(hive: Hive, gpu: str) -> Gpu:
    """The GPU as it is now. Raises CommandFailure, P9Error."""
    device = device_of(hive, gpu)
    try:
        held = [pending.state for pending in parse_queue(hive.read(f"{ROOT}/{gpu}/queue").decode())]
        running, queued = held.count("RUNNING"), held.count("QUEUED")
        told = hive.read(f"{ROOT}/{gpu}/status").decode("utf-8", "replace")
        return Gpu(device, lease_of(hive, gpu), queued, running, heard(told))
    except P9Error as refusal:
        if refusal.ecode != errno.EPERM:
            raise
        return Gpu(device, None, None, None)  # of both a worker sees neither


def lease_of(hive: Hive, gpu: str) -> Lease | None:
    """Who has the GPU. Raises P9Error."""
    return active_lease(hive.read(f"{ROOT}/{gpu}/lease").decode("utf-8", "replace"))


def require_lease(hive: Hive, gpu: str) -> Lease:
    """Who has the GPU. Raises EPERM when nobody has, in the original's words and as the hive does; and
    CommandFailure when there is no such GPU."""
    device_of(hive, gpu)
    found = lease_of(hive, gpu)
    if found is None:
        raise P9Error(errno.EPERM, f"no active lease for gpu {gpu}")
    return found


def print_json(value: object) -> None:
    """For programs."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
