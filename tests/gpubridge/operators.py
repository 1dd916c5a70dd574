"""An operator who leases GPUs, writes jobs and reads what becomes of them; and how to find kernel workers.

Shared by the tests of this package; it mirrors no module.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import trio

from ninedoor.client import Client, connect
from ninedoor.client.address import Address
from ninedoor.gpu.jobs import build
from ninedoor.gpu.status import Step, steps

PATIENCE_S = 40.0
"""Longest wait for anything; it takes a fraction of a second on an idle machine."""

WORKER = "ninedoor.gpubridge.worker\0serve\0"


class Operator:
    """The queen at the socket `address`."""

    def __init__(self, address: Address | str) -> None:
        self.client: Client = connect(address)

    def __enter__(self) -> "Operator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, where: TracebackType | None
    ) -> None:
        self.client.close()

    def lease(
        self, gpu: str = "GPU-0", *, mem_mb: int = 64, streams: int = 1, ttl_s: int = 3600, priority: int = 0
    ) -> str:
        """Lease `gpu` to a new worker, which may do as much as it likes; returns its name."""
        before = set(self.client.names("/worker"))
        terms = {"gpu_id": gpu, "mem_mb": mem_mb, "streams": streams, "ttl_s": ttl_s, "priority": priority}
        spawn = {"spawn": "gpu", "lease": terms, "budget": {"ttl_s": ttl_s}}
        self.client.command("/queen/ctl", json.dumps(spawn))
        (worker,) = set(self.client.names("/worker")) - before
        return worker

    def release(self, worker: str) -> None:
        """End the lease with its worker."""
        self.client.command("/queen/ctl", json.dumps({"kill": worker}))

    def submit(self, line: str, gpu: str = "GPU-0") -> None:
        """Write one descriptor."""
        self.client.append(f"/gpu/{gpu}/job", f"{line}\n".encode())

    def add(self, job: str, payload: bytes = b"", gpu: str = "GPU-0", *, timeout_ms: int = 60_000) -> None:
        """Write a job that adds the two halves of `payload`."""
        self.submit(build(job, "vadd", payload, timeout_ms=timeout_ms), gpu)

    def steps(self, job: str, gpu: str = "GPU-0") -> list[Step]:
        """What the status file says of `job`, oldest first."""
        text = self.client.read(f"/gpu/{gpu}/status").decode()
        return [step for step in steps(text) if step.job == job]

    def state(self, job: str, gpu: str = "GPU-0") -> str:
        """To what `job` has come, "" while it is not known."""
        told = self.steps(job, gpu)
        return told[-1].state if told else ""

    def result(self, job: str, gpu: str = "GPU-0") -> bytes:
        """What `job` has computed."""
        return self.client.read(f"/gpu/{gpu}/result/{job}")

    async def wait_state(self, job: str, *states: str, gpu: str = "GPU-0") -> Step:
        """Wait, on trio, until `job` has come to one of `states`; the step to it."""
        await until(lambda: self.state(job, gpu) in states)
        return self.steps(job, gpu)[-1]

    async def ended(self, job: str, gpu: str = "GPU-0") -> Step:
        """Wait, on trio, until `job` is OK or ERR."""
        return await self.wait_state(job, "OK", "ERR", gpu=gpu)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait on trio; the bridge under test runs meanwhile."""
    with trio.fail_after(PATIENCE_S):
        while not is_so():
            await trio.sleep(0.005)


def wait_until(is_so: Callable[[], bool], why: Callable[[], str] = str) -> None:
    """Wait for other processes; `why` says what is wrong when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, why()
        time.sleep(0.01)


def workers_of(bridge: int, key: str = "") -> list[int]:
    """Process numbers of the kernel workers of the bridge with that number; with `key`, of that device."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_text() if entry.name.isdigit() else ""
            if WORKER in command and f"\0{key}" in command:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == bridge:
                    found.append(int(entry.name))
        except OSError:
            continue  # it has ended
    return found


def own_workers() -> list[int]:
    """Those of a bridge in this process."""
    return workers_of(os.getpid())
