"""`ninedoor gpu status`: how the jobs and the host commands of one GPU go.

All of it is in the GPU's status file, which keeps what was told last.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from ninedoor.cli import gpu, hives, tables
from ninedoor.cli.exits import Exit
from ninedoor.gpu.status import LEASE_ENDED, Heard, Step, commands, heard, is_measurement, steps


def status(arguments: argparse.Namespace) -> int:
    """How the lease and the jobs of one GPU go."""
    path = f"{gpu.ROOT}/{arguments.gpu}/status"
    with hives.opened(arguments) as hive:
        seen = gpu.look(hive, arguments.gpu)
        text = hive.read(path).decode("utf-8", "replace")
    seen = replace(seen, heard=heard(text))
    jobs, ran, measured = latest(steps(text)), commands(text), _measured(text)
    if arguments.json:
        facts = {
            "jobs": [step._asdict() for step in jobs],
            "commands": [command._asdict() for command in ran],
            "device": None if measured is None else json.loads(measured),
        }
        gpu.print_json({**seen.facts(), **facts})
    elif tables.is_terminal():
        sys.stdout.write(gpu.listed([seen]) + ("" if measured is None else _fares(measured)))
        sys.stdout.write(
            "\n" + (tables.table(("JOB", "STATE", "DETAIL"), jobs) if jobs else "no job was run\n")
        )
        if ran:
            sys.stdout.write("\n" + tables.table(("COMMAND", "STATE", "EXIT"), ran))
    else:
        told = [line for line in text.splitlines() if line.strip() and not is_measurement(line)]
        last = told[-1] if told else "EMPTY"
        sys.stdout.write(f"OK CAT path={path}\ngpu id={arguments.gpu} status={last}\n")
    return Exit.OK


def latest(found: Sequence[Step]) -> list[Step]:
    """The latest step of each job, in the order in which the jobs came; ends of leases are none."""
    return list({step.job: step for step in found if step.state != LEASE_ENDED}.values())


def _measured(text: str) -> str | None:
    """The latest measurement in the status file `text`."""
    return next((line for line in reversed(text.splitlines()) if is_measurement(line)), None)


def _fares(measured: str) -> str:
    """A measurement in words; what is not known is left out."""
    facts = json.loads(measured)
    known = {
        key: value
        for key, value in facts.items()
        if key not in ("schema", *Heard._fields) and value is not None
    }
    return "device " + (" ".join(f"{key}={value}" for key, value in known.items()) or "not measured") + "\n"
