"""`ninedoor gpu run -- CMD`: a command of this machine under a lease, with breadcrumbs in the GPU's status.

The command keeps standard input, output and error to itself. It may last as long as it likes; the lease does
not, and tells nobody here when it ends.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ninedoor.cli import gpu, hives
from ninedoor.cli.hives import Hive
from ninedoor.errors import P9Error
from ninedoor.gpu.leases import Lease
from ninedoor.gpu.status import breadcrumb_exit, breadcrumb_start

NOT_FOUND = 127
NOT_EXECUTABLE = 126
BY_SIGNAL = 128
"""How a shell tells what became of a command."""


class _Signals:
    """Hands SIGTERM and SIGHUP on to the command, so that what comes after it is still done. What comes
    before there is a command is kept for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def follow(self, child: "subprocess.Popen[bytes]") -> None:
        """`child` is the command."""
        self._child = child
        for number in self._early:
            child.send_signal(number)


@contextmanager
def _signals() -> Iterator[_Signals]:
    handler = _Signals()
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield handler
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def run(arguments: argparse.Namespace) -> int:
    """Lease, run, release; the exit status is the command's, as a shell would tell it."""
    with hives.opened(arguments) as hive, _signals() as signals, _leased(hive, arguments) as lease:
        path = f"{gpu.ROOT}/{lease.gpu_id}/status"
        command = shlex.join(arguments.argv)
        hives.write(hive, path, breadcrumb_start(command))
        code = NOT_FOUND
        try:
            code = _carry_out(arguments.argv, lease, signals)
        finally:
            _leave(lambda: hives.write(hive, path, breadcrumb_exit(command, code)), "breadcrumb")
    return code


@contextmanager
def _leased(hive: Hive, arguments: argparse.Namespace) -> Iterator[Lease]:
    """A lease of one's own, which ends with the command; with --existing the one there is, which stays."""
    if arguments.existing:
        yield gpu.require_lease(hive, arguments.gpu)
        return
    lease = gpu.take(hive, arguments)[1]
    try:
        yield lease
    finally:
        _leave(lambda: gpu.give_back(hive, lease), "release")


def _leave(action: Callable[[], object], what: str) -> None:
    """Do what comes after the command. Its failure is told, and does not hide how the command ended."""
    try:
        action()
    except (P9Error, OSError) as failure:
        sys.stderr.write(f"ninedoor gpu run: {what}: {failure}\n")


def _carry_out(argv: list[str], lease: Lease, signals: _Signals) -> int:
    """Run the command. SIGINT from a terminal reaches it by itself, and it decides what to make of that."""
    environment = {**os.environ, "NINEDOOR_GPU": lease.gpu_id, "NINEDOOR_WORKER": lease.worker_id}
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        child = subprocess.Popen(argv, env=environment)
        signals.follow(child)
        code = child.wait()
    except OSError as failure:
        sys.stderr.write(f"ninedoor gpu run: {argv[0]}: {(failure.strerror or '').lower()}\n")
        return NOT_FOUND if isinstance(failure, FileNotFoundError) else NOT_EXECUTABLE
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else BY_SIGNAL - code
