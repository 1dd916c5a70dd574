"""`ninedoor gpu submit`: hand jobs to a GPU that is leased, and wait for what becomes of them if asked to."""

import argparse
import errno
import hashlib
import json
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

from ninedoor import limits
from ninedoor.cli import gpu, hives, outputs, tables
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import Hive
from ninedoor.errors import P9Error
from ninedoor.gpu import jobs
from ninedoor.gpu.jobs import Job
from ninedoor.gpu.status import Step, claimed, steps

POLL_FIRST_S = 0.01
POLL_MOST_S = 0.25
"""Pauses between two looks at the status, each twice as long as the one before."""

PATIENCE_S = 5.0
"""How long nothing may run before that is told."""

STANDARD_INPUT = "-"

ENDED = ("OK", "ERR")


def submit(arguments: argparse.Namespace) -> int:
    """Write the descriptors; with --wait or --out, FAILED unless every job comes to an OK."""
    with hives.opened(arguments) as hive:
        gpu.device_of(hive, arguments.gpu)
        wanted = _jobs(hive, arguments)
        if not wanted:
            raise CommandFailure(Exit.USAGE, "there is no job descriptor in what was given")
        if arguments.out is not None and len(wanted) > 1:
            raise CommandFailure(Exit.USAGE, f"--out takes one result, and there are {len(wanted)} jobs")
        path = f"{gpu.ROOT}/{arguments.gpu}/status"
        before = hive.size(path)
        for job in wanted:
            taken = hives.write(hive, f"{gpu.ROOT}/{arguments.gpu}/job", job.line)
            _tell_submitted(arguments, job, taken)
        if not arguments.wait and arguments.out is None:
            return Exit.OK
        ends = _ends(hive, path, before, wanted)
        if arguments.out is not None and ends[0].state == "OK":
            _save(hive, arguments, ends[0])
    for end in ends:
        _tell_ended(arguments, end)
    return Exit.OK if all(end.state == "OK" for end in ends) else Exit.FAILED


def _jobs(hive: Hive, arguments: argparse.Namespace) -> list[Job]:
    """The jobs that are to be submitted. Raises CommandFailure, and P9Error for a descriptor that is none,
    with its place in the file."""
    if arguments.kernel is not None:
        return [jobs.parse_job(_made(hive, arguments))]
    if arguments.descriptor is None:
        raise CommandFailure(Exit.USAGE, "name a file with job descriptors, or a --kernel and its --payload")
    file = "standard input" if arguments.descriptor == STANDARD_INPUT else arguments.descriptor
    wanted: list[Job] = []
    for number, line in enumerate(_content(arguments.descriptor).split(b"\n"), start=1):
        try:
            wanted += jobs.parse_jobs(line)
        except P9Error as bad:
            raise P9Error(bad.ecode, f"{file} line {number}: {bad.reason}") from None
    return wanted


def _made(hive: Hive, arguments: argparse.Namespace) -> str:
    """A descriptor made from the options. Raises CommandFailure."""
    if arguments.descriptor is not None or arguments.payload is None:
        raise CommandFailure(Exit.USAGE, "--kernel takes a --payload, and no file with descriptors")
    streams = arguments.streams
    if streams is None:
        lease = _lease(hive, arguments.gpu)
        streams = 1 if lease is None else lease
    line = jobs.build(
        arguments.job or f"job-{secrets.token_hex(8)}",
        arguments.kernel,
        _content(arguments.payload),
        streams=streams,
        inputs=arguments.inputs or None,
        timeout_ms=arguments.timeout_ms,
        shape=arguments.shape,
    )
    if len(line) >= limits.LINE_MAX:
        raise CommandFailure(
            Exit.USAGE,
            f"a descriptor of {len(line)} bytes is over {limits.LINE_MAX - 1}: upload the payload as an "
            "update and name it with --input",
        )
    return line


def _lease(hive: Hive, name: str) -> int | None:
    """Streams of the lease; None for whoever may not read it."""
    try:
        lease = gpu.lease_of(hive, name)
    except P9Error as refusal:
        if refusal.ecode != errno.EPERM:
            raise
        return None
    return None if lease is None else lease.streams


def _content(source: str) -> bytes:
    """What is in the file `source`. Raises CommandFailure for more than any job may have."""
    with open(0 if source == STANDARD_INPUT else source, "rb", closefd=source != STANDARD_INPUT) as file:
        content = file.read(limits.GPU_PAYLOAD_BYTES + 1)
    if len(content) > limits.GPU_PAYLOAD_BYTES:
        raise CommandFailure(Exit.USAGE, f"{source} has over {limits.GPU_PAYLOAD_BYTES} bytes")
    return content


def _ends(hive: Hive, path: str, at: int, wanted: Sequence[Job]) -> list[Step]:
    """The last step of each job, as the status file tells it from offset `at` on. A lease that ends brings
    one too, so this ends at the latest with the lease."""
    ids = [job.id for job in wanted]
    ends: dict[str, Step] = {}
    patience = time.monotonic() + PATIENCE_S
    for told in _growth(hive, path, at):
        ours = [step for step in steps(told) if step.job in ids]
        for step in ours:
            if step.state in ENDED:
                ends.setdefault(step.job, step)
        if len(ends) == len(ids):
            break
        if any(step.state == "RUNNING" for step in ours):
            patience = inf
        elif time.monotonic() > patience:
            patience = inf
            sys.stderr.write("ninedoor gpu submit: nothing runs yet; is there a gpu-bridge-host?\n")
    return [ends[job] for job in ids]


def _growth(hive: Hive, path: str, at: int) -> Iterator[str]:
    """Lines of `path` from offset `at` on, as they come, again and again. Raises CommandFailure when some of
    them were gone before they could be read."""
    pause = POLL_FIRST_S
    while True:
        data = hive.read(path, at)
        if len(data) > limits.GPU_STREAM_BYTES:
            raise CommandFailure(Exit.FAILED, f"{path} has lines faster than they can be read: look there")
        told = data[: data.rfind(b"\n") + 1]
        at += len(told)
        yield told.decode("utf-8", "replace")
        time.sleep(pause)
        pause = min(2 * pause, POLL_MOST_S)


def _save(hive: Hive, arguments: argparse.Namespace, end: Step) -> None:
    """Put the result into the file of --out, whole or not at all. Raises CommandFailure when it is not what
    the bridge computed."""
    result = hive.read(f"{gpu.ROOT}/{arguments.gpu}/result/{end.job}")
    expected = claimed(end.detail).get("sha256", hashlib.sha256(b"").hexdigest())
    if hashlib.sha256(result).hexdigest() != expected:
        raise CommandFailure(Exit.FAILED, f"the result of {end.job} is not the one with sha256 {expected}")
    outputs.write_all([outputs.Output(Path(arguments.out), result)])


def _tell_submitted(arguments: argparse.Namespace, job: Job, taken: int) -> None:
    if arguments.json:
        return
    if not tables.is_terminal():
        sys.stdout.write(f"OK ECHO path={gpu.ROOT}/{arguments.gpu}/job bytes={taken}\n")
    sys.stdout.write(f"job submitted gpu_id={arguments.gpu} job={job.id}\n")
    sys.stdout.flush()


def _tell_ended(arguments: argparse.Namespace, end: Step) -> None:
    if arguments.json:
        sys.stdout.write(json.dumps(end._asdict()) + "\n")
    else:
        sys.stdout.write(f"job id={end.job} state={end.state} detail={end.detail}\n")
