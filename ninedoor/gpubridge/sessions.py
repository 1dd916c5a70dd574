"""One session of the bridge with a hive: what it reads and writes there, and nothing of what it is for.

A session lasts as long as its connection. What is to be done when that is lost depends on how far a job has
come, so the bridge decides it and not the client: `is_lost` tells such an end from a refusal, and a `Link`
says when there is another session.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import trio

from ninedoor import limits
from ninedoor.client.address import Address
from ninedoor.client.aio.channel import TrioChannel, connect_socket
from ninedoor.client.aio.client import AsyncClient
from ninedoor.client.aio.driver import run
from ninedoor.client.failures import Unanswered
from ninedoor.client.operations import APPEND, Attached, Handle, attach, open_, write
from ninedoor.errors import P9Error
from ninedoor.gpu import publish
from ninedoor.gpu.jobs import Pending, parse_queue_line
from ninedoor.gpubridge import operations

CALL_S = 10.0
"""Longest wait for one answer. A hive that is busy for so long is as good as gone, and is attached to
anew."""


class Where(NamedTuple):
    """Which hive, and as whom. Without a ticket it is the queen of a unix socket of her own."""

    address: Address
    ticket: str


class Sizes(NamedTuple):
    """How far two files of a GPU have grown: bytes that were ever appended to each, but for what the session
    itself has."""

    job: int
    status: int


class _Files(NamedTuple):
    job: Handle
    status: Handle
    queue: Handle


class HiveSession:
    """An attached session. Everything raises P9Error: see `is_lost`."""

    def __init__(self, channel: TrioChannel, session: Attached) -> None:
        self._channel = channel
        self._session = session
        self._client = AsyncClient(channel, session)
        self._files: dict[str, _Files] = {}
        self._told: Counter[str] = Counter()
        """Bytes that this session has appended to the status of each GPU."""
        self._queues: dict[str, dict[str, Pending]] = {}
        """What each queue said when it was read last."""

    async def publish(self, snapshot: bytes) -> None:
        """Have `snapshot` installed. The refusal has the hive's own reason."""
        text = "".join(f"{line}\n" for line in publish.lines(snapshot)).encode()
        try:
            async with await self._client.open("/gpu/bridge/ctl", APPEND) as ctl:
                await ctl.write_all(text)
        except P9Error as refusal:
            if is_lost(refusal):
                raise
            reason = (await self.bridge_status()).partition("reason=")[2]
            raise P9Error(refusal.ecode, reason or refusal.reason) from refusal

    async def bridge_status(self) -> str:
        """The line of /gpu/bridge/status."""
        return (await self._client.read("/gpu/bridge/status")).decode(errors="replace").strip()

    async def watch(self, gpus: Sequence[str]) -> None:
        """Open what is used again and again of each GPU. Raises ENOENT for one that the hive does not
        know."""
        for gpu in gpus:
            self._files[gpu] = _Files(
                await self._open(f"/gpu/{gpu}/job", os.O_RDONLY),
                await self._open(f"/gpu/{gpu}/status", APPEND),
                await self._open(f"/gpu/{gpu}/queue", os.O_RDONLY),
            )

    async def sizes(self) -> dict[str, Sizes]:
        """How far the files of each watched GPU have grown; one round trip for all."""
        handles = [handle for files in self._files.values() for handle in (files.job, files.status)]
        found = await run(self._channel, operations.sizes(handles))
        return {
            gpu: Sizes(job, status - self._told[gpu])
            for gpu, job, status in zip(self._files, found[::2], found[1::2], strict=True)
        }

    async def queue(self, gpu: str) -> list[Pending]:
        """The unfinished jobs of a watched GPU, oldest first."""
        text = await run(self._channel, operations.read_anew(self._files[gpu].queue))
        known = self._queues.get(gpu, {})
        lines = [line for line in text.decode(errors="replace").split("\n") if line]
        # Most lines are those of the last time, and parsing one that holds a payload takes a while.
        self._queues[gpu] = {line: known.get(line) or parse_queue_line(line) for line in lines}
        return list(self._queues[gpu].values())

    async def tell(self, gpu: str, line: str) -> None:
        """Append `line` to the status of a watched GPU."""
        data = f"{line}\n".encode()
        handle = self._files[gpu].status
        self._told[gpu] += await run(self._channel, write(handle, data, limits.APPEND_OFFSET))

    async def report(self, gpu: str, job: str, result: bytes, line: str) -> None:
        """Append `result` to the result of `job`, where there is nothing yet, and then `line` to the status
        of its GPU; in one round trip, unless the result is large."""
        handle = self._files[gpu].status
        if len(result) > operations.PIECES_MAX * handle.iounit:
            await self.append_result(gpu, job, result)
            await self.tell(gpu, line)
            return
        path, data = f"/gpu/{gpu}/result/{job}", f"{line}\n".encode()
        reporting = operations.report(self._session, handle, path, result, data)
        self._told[gpu] += await run(self._channel, reporting)

    async def append_result(self, gpu: str, job: str, result: bytes) -> None:
        """Append to the result of `job` what of `result` is not there yet."""
        path = f"/gpu/{gpu}/result/{job}"
        there = (await self._client.stat(path)).size
        if there < len(result):
            async with await self._client.open(path, APPEND) as file:
                await file.write_all(result[there:])

    def close(self) -> None:
        """Hang up: whoever waits for an answer meets the end of the session."""
        self._channel.close()

    async def _open(self, path: str, flags: int) -> Handle:
        return await run(self._channel, open_(self._session, path, flags))

    async def read_up_to(self, path: str, most: int) -> bytes:
        """What `path` holds, or its first `most` + 1 bytes."""
        data = bytearray()
        async with await self._client.open(path) as file:
            while len(data) <= most:
                piece = await file.read(len(data), most + 1 - len(data))
                if not piece:
                    break
                data += piece
        return bytes(data)


class Link:
    """The present session, for tasks that outlive it."""

    def __init__(self) -> None:
        self._session: HiveSession | None = None
        self._changed = trio.Event()

    def be(self, session: HiveSession | None) -> None:
        """This is the session now, or there is none."""
        self._session = session
        self._changed.set()
        self._changed = trio.Event()

    async def live(self) -> HiveSession:
        """The session, once there is one."""
        while self._session is None:
            await self._changed.wait()
        return self._session

    def lost(self, session: HiveSession) -> None:
        """An answer of `session` did not come, so that nothing can be known but by another one."""
        session.close()
        if self._session is session:
            self.be(None)


def is_lost(failure: P9Error) -> bool:
    """Did the session end, or its answer not come? Then nobody knows whether what was asked has been done.
    Everything else is a refusal."""
    return isinstance(failure, Unanswered) or isinstance(failure.__cause__, Unanswered)


@asynccontextmanager
async def attached(where: Where) -> AsyncIterator[HiveSession]:
    """A session of its own connection. Raises ConnectError when nobody is there, P9Error when the hive does
    not let the bridge in."""
    connected = await connect_socket(where.address)
    channel = TrioChannel(connected, str(where.address), timeout_s=CALL_S)
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(channel.run)
        try:
            session = await run(channel, attach("queen", where.ticket, limits.MSIZE_MAX))
            yield HiveSession(channel, session)
        except BaseException as failure:
            # Raised outside, so that the nursery does not wrap into a group what is not its own.
            raised = failure
        finally:
            channel.close()
            nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised
