"""One kernel worker, seen from the bridge: started, given a job, and killed when the job must end.

A worker is a process, so whatever a kernel or a driver does to it, the bridge only sees that it has ended,
or that it does not answer. Then it is killed, and the next job gets another. One that cannot even be killed
(a driver can keep a process in the system) is left behind after a while.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import trio

from ninedoor.errors import NineDoorError
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.kernels.problem import Problem
from ninedoor.gpubridge.pipes import Inbox, PipeError, packed

_log = logging.getLogger("ninedoor.gpubridge")

START_S = 120.0
"""Longest wait for a worker to have its device ready: a driver may compile kernels for the first time, on a
machine that is busy."""

REAP_S = 2.0
"""How long a killed worker may take to be gone, which takes a driver some milliseconds."""


class ComputeError(NineDoorError):
    """There is no result. The text is for the job's status line."""


class KernelWorker:
    """A worker that runs `command` (see `worker`). For one task at a time; `start` first."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._to: trio.lowlevel.FdStream | None = None
        self._from: trio.lowlevel.FdStream | None = None
        self._inbox = Inbox()

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Is it there, as far as anybody has seen?"""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Until the device is ready. Raises ComputeError when it does not get there."""
        # Not in a thread as trio would: a worker asks to die with the thread that has started it.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to = trio.lowlevel.FdStream(os.dup(self._process.stdin.fileno()))
        self._from = trio.lowlevel.FdStream(os.dup(self._process.stdout.fileno()))
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            with trio.move_on_after(START_S) as patience:
                facts, _ = await self._answer()
            if patience.cancelled_caught:
                raise ComputeError(f"the device is not ready after {START_S:g} s")
            if not facts.get("ready"):
                raise ComputeError(f"the device cannot be used: {facts.get('error', 'no word')}")
        except BaseException:
            await self.kill()
            raise

    async def compute(self, problem: Problem, payload: bytes) -> bytes:
        """The result. Raises ComputeError. When it is cancelled, the worker is killed, and so it is whenever
        it is not sure that it is good for another job."""
        assert self._to is not None
        try:
            try:
                await self._to.send_all(packed(asdict(problem), payload))
            except trio.BrokenResourceError:
                raise ComputeError(await self._died()) from None
            facts, result = await self._answer()
        except BaseException:
            await self.kill()
            raise
        if "error" in facts:
            if not facts.get("misfit"):
                await self.kill()  # a driver that has failed may do so again, with the next job's numbers
            raise ComputeError(str(facts["error"]))
        return result

    async def kill(self) -> None:
        """End the process, and wait for a moment that it is gone. Idempotent."""
        process = self._process
        for stream in (self._to, self._from):
            if stream is not None:
                with trio.CancelScope(shield=True):
                    await stream.aclose()
        if process is None or process.poll() is not None:
            return
        process.kill()
        with trio.CancelScope(shield=True):
            if not await _gone(process):
                _log.warning("kernel worker %d was killed and is still there: its driver hangs", process.pid)

    async def _answer(self) -> tuple[dict[str, Any], bytes]:
        assert self._from is not None
        try:
            while (message := self._inbox.next()) is None:
                data = await self._from.receive_some()
                if not data:
                    raise ComputeError(await self._died())
                self._inbox.feed(data)
        except PipeError as wrong:
            raise ComputeError(f"the kernel worker is out of its mind: it sent {wrong}") from wrong
        return message

    async def _died(self) -> str:
        """How the worker ended, whose pipe has."""
        assert self._process is not None
        if not await _gone(self._process):
            return "the kernel worker hung up"
        status = self._process.returncode
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"the kernel worker ended with {how}"


async def _gone(process: "subprocess.Popen[bytes]") -> bool:
    """Wait at most REAP_S for `process` to end."""
    descriptor = os.pidfd_open(process.pid) if process.returncode is None else None
    if descriptor is not None:
        try:
            with trio.move_on_after(REAP_S):
                await trio.lowlevel.wait_readable(descriptor)
        finally:
            trio.lowlevel.notify_closing(descriptor)
            os.close(descriptor)
    return process.poll() is not None


def command_for(device: LocalDevice) -> list[str]:
    """What runs a worker for `device`, which has a backend."""
    words = ["serve", device.backend, device.key, str(os.getpid())]
    return [sys.executable, "-m", "ninedoor.gpubridge.worker", *words]
