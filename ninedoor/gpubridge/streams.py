"""The workers of one device: one for each stream that is in use, kept for the next job, replaced when they
die."""

from collections.abc import Callable, Sequence

import trio

from ninedoor.gpubridge.computing import ComputeError, KernelWorker
from ninedoor.gpubridge.kernels.problem import Problem


class Streams:
    """Computes any number of problems at a time; who asks decides how many. `command` runs a worker; `made`
    is told of every new one."""

    def __init__(
        self, command: Sequence[str], made: Callable[[KernelWorker], None] = lambda _worker: None
    ) -> None:
        self._command = command
        self._made = made
        self._idle: list[KernelWorker] = []
        self._closed = False

    async def warm(self) -> None:
        """Have one worker ready. Raises ComputeError."""
        await self._put(await self._get())

    async def compute(self, problem: Problem, payload: bytes) -> bytes:
        """See `KernelWorker.compute`. A worker that is found dead is replaced before it is given anything."""
        worker = await self._get()
        try:
            return await worker.compute(problem, payload)
        finally:
            await self._put(worker)

    async def keep(self, most: int) -> None:
        """Let go of idle workers beyond `most`: each holds a driver's memory."""
        while len(self._idle) > most:
            await self._idle.pop(0).kill()

    async def close(self) -> None:
        """Kill every worker. Those that compute are killed by the cancellation of who asked."""
        self._closed = True
        await self.keep(0)

    async def _get(self) -> KernelWorker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await worker.kill()
        if self._closed:
            raise ComputeError("the bridge is ending")
        worker = KernelWorker(self._command)
        await worker.start()
        self._made(worker)
        return worker

    async def _put(self, worker: KernelWorker) -> None:
        if self._closed:
            await worker.kill()
        elif worker.alive:
            self._idle.append(worker)


async def close_all(streams: Sequence[Streams]) -> None:
    """Close all of `streams` at once."""
    async with trio.open_nursery() as nursery:
        for each in streams:
            nursery.start_soon(each.close)
