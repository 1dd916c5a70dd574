"""`gpu-bridge-host`: what each way to start it does."""

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio

from cohsh.transports.opening import Where as Console
from ninedoor.cli import logs, registry
from ninedoor.cli.completion import script_of
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.main import carry_out
from ninedoor.cli.notify import notify
from ninedoor.cli.secretfiles import read_console_token, read_token
from ninedoor.cli.stopping import signals
from ninedoor.cli.umount import canonical, hives
from ninedoor.client.opening import address_of
from ninedoor.gpu.snapshot import Snapshot
from ninedoor.gpubridge.arguments import default_jobs, describe
from ninedoor.gpubridge.board import Bounds
from ninedoor.gpubridge.bridge import Bridge, Plan
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.discovery import DiscoveryError, discover, has_cupy, mock_devices, opencl_devices
from ninedoor.gpubridge.nvidia import Nvml
from ninedoor.gpubridge.publishing import (
    listing,
    publish_over_9p,
    publish_over_console,
    published_status,
    snapshot_of,
)
from ninedoor.gpubridge.sensing import Sensors
from ninedoor.gpubridge.sessions import Where

_log = logging.getLogger("ninedoor.gpubridge")

PROGRAM = "gpu-bridge-host"

NO_CUPY = (
    "cupy is not installed: install the build that fits this machine's CUDA, or leave out --backend cupy"
)
NO_NVIDIA = "no NVIDIA GPU here ({reason}), and cupy computes on no other: leave out --backend cupy"
NO_DEVICE = "no GPU here ({reason}), and no OpenCL device; for a trial without one: --mock"
NO_CPU = "no GPU here ({reason}), and --cpu no leaves out the CPU"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default that of this process) and return its exit status."""
    return carry_out(_main, describe().parse_args(arguments), PROGRAM)


def _main(arguments: argparse.Namespace) -> int:
    if arguments.completion:
        sys.stdout.write(script_of(describe(), arguments.completion))
        return Exit.OK
    if arguments.run and arguments.url is None:
        raise CommandFailure(Exit.USAGE, _needs_url(arguments))
    log_file = None if arguments.log_file is None else Path(arguments.log_file)
    logs.configure(arguments.log_format, arguments.log_level, log_file, detached=False)
    with _nvml(arguments) as (nvml, reason):
        devices = _devices(arguments, nvml, reason)
        registry = None if arguments.registry is None else Path(arguments.registry)
        snapshot = partial(snapshot_of, devices, registry, mocked=arguments.mock)
        if arguments.list:
            sys.stdout.write(listing(snapshot()))
            return Exit.OK
        if arguments.publish:
            return _publish(arguments, snapshot())
        return _run(arguments, devices, snapshot, nvml)


def _needs_url(arguments: argparse.Namespace) -> str:
    """Why the bridge does not run over what was named, and what to name instead."""
    if arguments.mount is None:
        return "--run needs --url: jobs and results do not fit a console's lines"
    why = "--run needs --url, a session of its own with the hive; --mount is for --publish"
    served = registry.find(canonical(arguments.mount, hives()))
    urls = () if served is None else (served.source, *served.listeners)
    near = next((url for url in urls if url is not None), None)
    return f"{why}; the hive of {arguments.mount} is --url {near}" if near is not None else why


@contextlib.contextmanager
def _nvml(arguments: argparse.Namespace) -> Iterator[tuple[Nvml | None, str]]:
    """NVML, or why there is none."""
    nvml, reason = (None, "not asked for") if arguments.mock else Nvml.open()
    try:
        yield nvml, reason
    finally:
        if nvml is not None:
            nvml.close()


def _devices(arguments: argparse.Namespace, nvml: Nvml | None, reason: str) -> list[LocalDevice]:
    """What is to be published. A machine without any is a failure, so that nobody waits for jobs on it."""
    if arguments.mock:
        return mock_devices()
    if arguments.backend == "cupy" and not has_cupy():
        raise CommandFailure(Exit.FAILED, NO_CUPY)
    if reason:
        _log.info("no NVIDIA GPU: %s", reason)
    try:
        opencl = opencl_devices()
    except DiscoveryError as failure:
        _log.warning("%s", failure)
        opencl = []
    found = discover(nvml, opencl, arguments.backend, arguments.cpu)
    if not found:
        why = NO_NVIDIA if arguments.backend == "cupy" else NO_CPU if opencl else NO_DEVICE
        raise CommandFailure(Exit.FAILED, why.format(reason=reason or "nvml: none"))
    for each in found:
        if not each.backend:
            _log.warning("%s (%s) is shown, but nothing here computes on it", each.id, each.device.name)
    return found


def _publish(arguments: argparse.Namespace, snapshot: Snapshot) -> int:
    data = snapshot.encode()
    ticket = _secret(arguments.ticket, read_token)
    if arguments.url is not None:
        try:
            trio.run(publish_over_9p, Where(address_of(arguments.url), ticket), data)
        except BaseExceptionGroup as failures:
            if failures.split(KeyboardInterrupt)[1] is not None:
                raise
            raise KeyboardInterrupt from None
    else:
        publish_over_console(_console(arguments), ticket, data)
    if arguments.json:
        _event("published", bytes=len(data), sha256=published_status(data).rpartition("=")[2])
    return Exit.OK


def _run(
    arguments: argparse.Namespace,
    devices: Sequence[LocalDevice],
    snapshot: Callable[[], Snapshot],
    nvml: Nvml | None,
) -> int:
    where = Where(address_of(arguments.url), _secret(arguments.ticket, read_token))
    jobs = default_jobs(len(devices)) if arguments.jobs is None else arguments.jobs
    plan = Plan(where, devices, snapshot, Bounds(jobs, arguments.streams), arguments.interval)
    tell = _event if arguments.json else _nothing
    bridge = Bridge(plan, tell, _status)

    async def serve() -> None:
        with signals(bridge.stop, "letting jobs finish", None):
            notify("READY=1", f"MAINPID={os.getpid()}")
            await bridge.run(Sensors(nvml, bridge.load))

    try:
        trio.run(serve)
    except BaseExceptionGroup as failures:
        # Ctrl-C before the handlers are there comes out wrapped, once for each nursery.
        if failures.split(KeyboardInterrupt)[1] is not None:
            raise
        raise KeyboardInterrupt from None
    finally:
        notify("STOPPING=1")
    _log.info("ended")
    return Exit.OK


def _console(arguments: argparse.Namespace) -> Console:
    if arguments.mount is not None:
        return Console("fs", mount=Path(arguments.mount))
    if arguments.line is not None:
        return Console("serial", line=arguments.line)
    given = arguments.auth_token or os.environ.get("COHSH_AUTH_TOKEN", "changeme")
    return Console("tcp", arguments.host, arguments.port, _secret(given, read_console_token))


def _secret(text: str, read: Callable[[str], str]) -> str:
    """What was given, or what is in the file whose name follows an @."""
    return read(text[1:]) if text.startswith("@") else text


def _status(text: str) -> None:
    notify(f"STATUS={text}")


def _event(event: str, **facts: Any) -> None:
    """One object on standard output, at once. When nobody reads there any more, jobs still matter."""
    try:
        sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nothing(_event: str, **_facts: Any) -> None:
    """Nobody wants to know."""


if __name__ == "__main__":
    sys.exit(main())
