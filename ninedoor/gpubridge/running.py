"""One job, carried out: claimed, computed, reported. Each step may have to wait for the hive to come back.

The claim is a status line that the hive takes from one bridge only. From then on the job ends in exactly one
of three ways: the bridge reports OK or ERR, the hive has ended it (a lease that is over, a bridge that was
silent for too long), or the bridge is gone, which the next one reports.
"""

import errno
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import trio

from ninedoor.errors import P9Error
from ninedoor.gpubridge.computing import ComputeError
from ninedoor.gpubridge.inputs import payload_of
from ninedoor.gpubridge.kernels.problem import Misfit
from ninedoor.gpubridge.sessions import Link, is_lost
from ninedoor.gpubridge.streams import Streams
from ninedoor.gpubridge.work import STOPPED, Work

_log = logging.getLogger("ninedoor.gpubridge")

NOT_OURS = frozenset({errno.EBUSY, errno.ESTALE, errno.ENOENT})
"""Refusals of a claim that are final: another bridge has it, it has ended, it never was."""

AGAIN_S = 1.0
"""After another refusal (the hive's life cycle may be against it for now) the claim is repeated so late."""

NO_BACKEND = "nothing here computes on this device: install its OpenCL driver, or cupy"

Tell = Callable[..., None]
"""Takes the name of an event and facts about it, for programs that watch the bridge."""


class Runner:
    """Carries out jobs. `streams` compute, by GPU; those of a device without a backend are missing."""

    def __init__(self, link: Link, streams: Mapping[str, Streams], tell: Tell) -> None:
        self._link = link
        self._streams = streams
        self._tell = tell

    async def carry_out(self, work: Work) -> None:
        """From claim to report. Raises nothing that is the job's; ends early when `work.scope` is
        cancelled."""
        with work.scope:
            if await self._claim(work):
                result, why, took_us = await self._result(work)
                await self._report(work, result, why, took_us)
        if work.scope.cancelled_caught:
            _log.info("job %s was ended by the hive", work.shown)
            self._tell("cancelled", gpu=work.gpu, job=work.job.id)

    async def _claim(self, work: Work) -> bool:
        """Until it is known whose the job is; True for ours."""
        while True:
            session = await self._link.live()
            if work.listed == "RUNNING":
                break  # a claim whose answer did not come was taken
            try:
                await session.tell(work.gpu, work.running_line())
                break
            except P9Error as failure:
                if is_lost(failure):
                    self._link.lost(session)
                elif failure.ecode in NOT_OURS:
                    _log.debug("job %s is not for this bridge: %s", work.shown, failure)
                    return False
                else:
                    _log.warning("job %s cannot be claimed now: %s", work.shown, failure)
                    await trio.sleep(AGAIN_S)
        work.is_claimed = True
        return True

    async def _result(self, work: Work) -> tuple[bytes, str, int]:
        """The result; why there is none, "" when there is; and for how many microseconds it was computed."""
        began = time.perf_counter()
        result, why = b"", ""
        try:
            with work.computing, trio.fail_after(work.job.timeout_ms / 1000):
                payload = await self._payload(work)
                began = time.perf_counter()
                result = await self._compute(work, payload)
        except trio.TooSlowError:
            why = f"timed out after {work.job.timeout_ms} ms"
        except (Misfit, ComputeError) as failure:
            why = str(failure)
        except P9Error as refusal:
            why = f"an input cannot be read: {refusal}"
        if work.computing.cancelled_caught:
            why = STOPPED
        return result, why, round((time.perf_counter() - began) * 1e6)

    async def _payload(self, work: Work) -> bytes:
        if work.job.payload is not None:
            return work.job.payload
        while True:
            session = await self._link.live()
            try:
                return await payload_of(work.job, session)
            except P9Error as failure:
                if not is_lost(failure):
                    raise
                self._link.lost(session)

    async def _compute(self, work: Work, payload: bytes) -> bytes:
        problem = work.pose(payload)
        streams = self._streams.get(work.gpu)
        if streams is None:
            raise ComputeError(NO_BACKEND)
        return await streams.compute(problem, payload)

    async def _report(self, work: Work, result: bytes, why: str, took_us: int) -> None:
        """Until the hive has taken the outcome, or says that the job is none any more."""
        sha256 = hashlib.sha256(result).hexdigest()
        is_repeated = False
        while True:
            session = await self._link.live()
            if is_repeated and not work.listed:
                break  # a report whose answer did not come was taken
            line = work.failed_line(why) if why else work.done_line(sha256, len(result), took_us)
            try:
                if result and not why and is_repeated:
                    await session.append_result(work.gpu, work.job.id, result)
                work.is_reporting = True
                if result and not why and not is_repeated:
                    await session.report(work.gpu, work.job.id, result, line)
                else:
                    await session.tell(work.gpu, line)
                break
            except P9Error as failure:
                work.is_reporting = False
                if is_lost(failure):
                    is_repeated = True
                    self._link.lost(session)
                elif failure.ecode in NOT_OURS or why:
                    _log.info("job %s: its outcome is not wanted any more: %s", work.shown, failure)
                    return
                else:
                    why = f"the result was refused: {failure}"
        self._said(work, why, sha256, len(result), took_us)

    def _said(self, work: Work, why: str, sha256: str, size: int, took_us: int) -> None:
        facts: dict[str, Any] = {"gpu": work.gpu, "job": work.job.id, "worker": work.pending.worker_id}
        if why:
            _log.warning("job %s of %s failed: %s", work.shown, work.pending.worker_id, why)
            self._tell("failed", **facts, reason=why)
        else:
            _log.debug("job %s of %s: %d bytes in %d us", work.shown, work.pending.worker_id, size, took_us)
            self._tell("completed", **facts, sha256=sha256, bytes=size, us=took_us)
