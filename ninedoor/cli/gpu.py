"""`ninedoor gpu list|status|lease|release`: GPUs as an operator sees and gives them.

A terminal gets tables; a pipe gets the lines that the original's `coh gpu` prints; --json is for programs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ninedoor.cli import hives, tables
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import Hive
from ninedoor.errors import P9Error
from ninedoor.gpu.devices import RESERVED, Device, parse_info
from ninedoor.gpu.jobs import parse_queue
from ninedoor.gpu.leases import Lease, active_lease
from ninedoor.gpu.status import LEASE_ENDED, Step, is_measurement, steps
from ninedoor.gpu.texts import compact

ROOT = "/gpu"
QUEEN_CTL = "/queen/ctl"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as it is now. `lease` is None while nobody has it; the numbers of jobs are None for whoever may
    not see the queue."""

    device: Device
    lease: Lease | None
    queued: int | None
    running: int | None

    def facts(self) -> dict[str, Any]:
        """For --json."""
        lease = None if self.lease is None else asdict(self.lease)
        return {**asdict(self.device), "lease": lease, "queued": self.queued, "running": self.running}


def list_gpus(arguments: argparse.Namespace) -> int:
    """Every GPU with its device and who has it."""
    with hives.opened(arguments) as hive:
        gpus = [look(hive, gpu) for gpu in names(hive)]
    if arguments.json:
        _print_json([gpu.facts() for gpu in gpus])
    elif tables.is_terminal():
        sys.stdout.write(_listed(gpus) if gpus else "no GPU is published here: gpu-bridge-host does that\n")
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


def _listed(gpus: Sequence[Gpu]) -> str:
    head = ("GPU", "NAME", "MEMORY", "SMS", "DRIVER", "LEASED TO", "LEASED", "STREAMS", "RUNNING", "QUEUED")
    rows = []
    for gpu in gpus:
        device, lease = gpu.device, gpu.lease
        terms = (
            (None, None, None) if lease is None else (lease.worker_id, f"{lease.mem_mb} MiB", lease.streams)
        )
        memory = f"{device.memory_mb} MiB"
        what = (device.id, device.name, memory, device.sm_count, device.driver_version or None)
        rows.append((*what, *terms, gpu.running, gpu.queued))
    return tables.table(head, rows)


def status(arguments: argparse.Namespace) -> int:
    """How the leases and jobs of one GPU go."""
    path = f"{ROOT}/{arguments.gpu}/status"
    with hives.opened(arguments) as hive:
        gpu = look(hive, arguments.gpu)
        text = hive.read(path).decode("utf-8", "replace")
    jobs, measured = latest(steps(text)), _measured(text)
    if arguments.json:
        device = None if measured is None else json.loads(measured)
        _print_json({**gpu.facts(), "jobs": [step._asdict() for step in jobs], "device": device})
    elif tables.is_terminal():
        sys.stdout.write(_listed([gpu]) + ("" if measured is None else _fares(measured)) + "\n")
        rows = [(step.job, step.state, step.detail) for step in jobs]
        sys.stdout.write(tables.table(("JOB", "STATE", "DETAIL"), rows) if rows else "no job was run\n")
    else:
        told = [line for line in text.splitlines() if line.strip() and not is_measurement(line)]
        last = told[-1] if told else "EMPTY"
        sys.stdout.write(f"OK CAT path={path}\ngpu id={arguments.gpu} status={last}\n")
    return Exit.OK


def _measured(text: str) -> str | None:
    """The latest measurement in the status file `text`."""
    return next((line for line in reversed(text.splitlines()) if is_measurement(line)), None)


def _fares(measured: str) -> str:
    """A measurement in words; what is not known is left out."""
    facts = json.loads(measured)
    known = {key: value for key, value in facts.items() if key != "schema" and value is not None}
    return "device " + " ".join(f"{key}={value}" for key, value in known.items()) + "\n"


def lease(arguments: argparse.Namespace) -> int:
    """Give a GPU to a new worker."""
    with hives.opened(arguments) as hive:
        taken, granted = take(hive, arguments)
    if arguments.json:
        _print_json(asdict(granted))
    elif tables.is_terminal():
        sys.stdout.write(
            f"{granted.gpu_id} is leased to {granted.worker_id}: {granted.mem_mb} MiB, "
            f"{granted.streams} streams, {granted.ttl_s} s\n"
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
        _print_json(asdict(ended.ended()))
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
    known = names(hive)
    if gpu not in known:
        there = f"there are {', '.join(known)}" if known else "none is published"
        raise CommandFailure(Exit.FAILED, f"gpu {gpu} not registered: {there}")
    return parse_info(hive.read(f"{ROOT}/{gpu}/info").decode("utf-8", "replace"))


def look(hive: Hive, gpu: str) -> Gpu:
    """The GPU as it is now. Raises CommandFailure, P9Error."""
    device = device_of(hive, gpu)
    try:
        held = [pending.state for pending in parse_queue(hive.read(f"{ROOT}/{gpu}/queue").decode())]
        running, queued = held.count("RUNNING"), held.count("QUEUED")
        return Gpu(device, lease_of(hive, gpu), queued, running)
    except P9Error:  # of both a worker sees neither
        return Gpu(device, None, None, None)


def lease_of(hive: Hive, gpu: str) -> Lease | None:
    """Who has the GPU. Raises P9Error."""
    return active_lease(hive.read(f"{ROOT}/{gpu}/lease").decode("utf-8", "replace"))


def require_lease(hive: Hive, gpu: str) -> Lease:
    """Who has the GPU. Raises CommandFailure when nobody has, in the original's words."""
    device_of(hive, gpu)
    found = lease_of(hive, gpu)
    if found is None:
        raise CommandFailure(Exit.FAILED, f"no active lease for gpu {gpu}")
    return found


def latest(found: Sequence[Step]) -> list[Step]:
    """The latest step of each job, in the order in which the jobs came; ends of leases are none."""
    return list({step.job: step for step in found if step.state != LEASE_ENDED}.values())


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
