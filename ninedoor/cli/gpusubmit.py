"""`ninedoor gpu submit`: hand jobs to a GPU that is leased, and wait for what becomes of them if asked to."""

import argparse
import hashlib
import json
import secrets
import sys
import time
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

STANDARD_INPUT = "-"

ENDED = ("OK", "ERR")


def submit(arguments: argparse.Namespace) -> int:
    """Write the descriptors; with --wait or --out, FAILED unless every job comes to an OK."""
    with hives.opened(arguments) as hive:
        gpu.device_of(hive, arguments.gpu)
        wanted = jobs.parse_jobs(_descriptors(hive, arguments))
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
        ends = [_wait(hive, path, before, job) for job in wanted]
        if arguments.out is not None and ends[0].state == "OK":
            _save(hive, arguments, ends[0])
    for end in ends:
        _tell_ended(arguments, end)
    return Exit.OK if all(end.state == "OK" for end in ends) else Exit.FAILED


def _descriptors(hive: Hive, arguments: argparse.Namespace) -> bytes:
    """What is to be written: the lines of a file, or one made from the options. Raises CommandFailure."""
    if arguments.kernel is None:
        if arguments.descriptor is None:
            raise CommandFailure(
                Exit.USAGE, "name a file with job descriptors, or a --kernel and its --payload"
            )
        return _content(arguments.descriptor)
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
    return line.encode()


def _lease(hive: Hive, name: str) -> int | None:
    """Streams of the lease; None for whoever may not read it."""
    try:
        lease = gpu.lease_of(hive, name)
    except P9Error:
        return None
    return None if lease is None else lease.streams


def _content(source: str) -> bytes:
    return sys.stdin.buffer.read() if source == STANDARD_INPUT else Path(source).read_bytes()


def _wait(hive: Hive, path: str, before: int, job: Job) -> Step:
    """The last step of `job`. A lease that ends brings one too, so this ends at the latest with the lease."""
    pause = POLL_FIRST_S
    while True:
        text = hive.read(path, before).decode("utf-8", "replace")
        for step in steps(text):
            if step.job == job.id and step.state in ENDED:
                return step
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
