"""The bridge at work: it publishes, looks for jobs, has them run and measures devices, until it is told to
stop.

The hive decides what a job's state is (docs/GPU.md); the bridge claims, computes and reports. Three things
go on side by side. One keeps a session: it publishes, and then looks again and again whether something has
changed. Each job that runs has a task, which outlives sessions: what it computes goes on while the hive is
away. A third measures.
"""

import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import trio

from ninedoor.client.failures import ConnectError
from ninedoor.errors import NineDoorError, P9Error
from ninedoor.gpu import status
from ninedoor.gpu.snapshot import Snapshot
from ninedoor.gpubridge.board import Board, Bounds
from ninedoor.gpubridge.computing import ComputeError, command_for
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.measuring import keep_measuring
from ninedoor.gpubridge.publishing import published_status
from ninedoor.gpubridge.registry import RegistryError
from ninedoor.gpubridge.running import NOT_OURS, Runner, Tell
from ninedoor.gpubridge.sensing import Load, Sensors
from ninedoor.gpubridge.sessions import HiveSession, Link, Sizes, Where, attached, is_lost
from ninedoor.gpubridge.streams import Streams, close_all
from ninedoor.gpubridge.work import RESTARTED, Work

_log = logging.getLogger("ninedoor.gpubridge")

POLL_MIN_S = 0.0002
POLL_MAX_S = 0.1
POLL_SHARE = 1 / 20
"""The hive is asked for changes after a pause that is this share of the time since the last one: often while
jobs come and go, ten times a second when nothing happens."""

BACKLOG = 16
BACKLOG_S = 0.05
"""While so many jobs wait for a device, its queue is read no more often than that: there is enough to do."""

LOOK_S = 5.0
"""A queue is read at least that often, whatever was seen of it: what is wrong here for once is right again
then."""

AGAIN_MIN_S = 0.1
AGAIN_MAX_S = 2.0
"""Pauses between attempts to attach: the first, then twice the one before, up to the last."""

PASSING = frozenset({errno.EMFILE, errno.EBUSY, errno.EAGAIN, errno.EIO})
"""Refusals of an attach that another attempt may not meet: the hive is full, or not ready."""

DRAIN_S = 5.0
"""How long jobs may go on when the bridge is to end."""

REPORT_S = 2.0
"""How long reporting their outcome may take then."""


class BridgeError(NineDoorError):
    """The bridge cannot go on. One line that says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bridge does. `snapshot` is asked again and again for what to publish, and may raise
    RegistryError. `interval_s` is between two measurements."""

    where: Where
    devices: Sequence[LocalDevice]
    snapshot: Callable[[], Snapshot]
    bounds: Bounds
    interval_s: float


class Bridge:
    """Runs once. `tell` takes events for programs, `show` a line about how it stands."""

    def __init__(self, plan: Plan, tell: Tell, show: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._show = show
        self._link = Link()
        self._streams = {each.id: Streams(command_for(each)) for each in plan.devices if each.backend}
        self._runner = Runner(self._link, self._streams, tell)
        self._board = Board(plan.bounds, self._begin)
        self._nursery: trio.Nursery
        self._stopping = trio.Event()
        self._leaving = trio.Event()
        self._left = trio.Event()
        self._snapshot = plan.snapshot().encode()
        self._adopted: set[str] = set()
        """GPUs whose queue this process has read; what ran there before was another's."""
        self._complaint = ""
        self._wrong = ""
        """What is wrong with what is to be published; said once."""
        self._failure: BridgeError | None = None

    def stop(self) -> None:
        """Take no job any more, and end when those that run have, soon."""
        self._stopping.set()

    def load(self, gpu: str) -> Load:
        """What runs on `gpu` now."""
        problems = [work.problem for work in self._board.running(gpu) if work.problem is not None]
        return Load(len(problems), sum(problem.memory_bytes for problem in problems))

    async def run(self, sensors: Sensors) -> None:
        """Until `stop`. Raises BridgeError when the hive does not want this bridge."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._keep_session)
                self._nursery.start_soon(
                    keep_measuring,
                    self._link,
                    self._plan.devices,
                    sensors,
                    self._plan.interval_s,
                    self._tend,
                )
                for gpu, streams in self._streams.items():
                    self._nursery.start_soon(self._warm, gpu, streams)
                await self._stopping.wait()
                await self._finish()
                # Let go of the hive between two calls, so that it does not answer to nobody.
                self._leaving.set()
                with trio.move_on_after(REPORT_S):
                    await self._left.wait()
                self._nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await close_all(list(self._streams.values()))
        if self._failure is not None:
            raise self._failure

    async def _finish(self) -> None:
        self._board.close()
        with trio.move_on_after(DRAIN_S):
            await self._board.wait_idle()
        for work in self._board.running():
            work.computing.cancel()
        with trio.move_on_after(REPORT_S):
            await self._board.wait_idle()

    # -- the session ------------------------------------------------------------------------------------

    async def _keep_session(self) -> None:
        """A session after the other, until one is refused for good."""
        pause = AGAIN_MIN_S
        while not self._leaving.is_set():
            is_in = False
            try:
                async with attached(self._plan.where) as session:
                    is_in = True
                    sizes = await self._settle(session)
                    pause = AGAIN_MIN_S
                    await self._look_out(session, sizes)
            except ConnectError as nobody:
                self._complain(str(nobody))
            except P9Error as failure:
                if not is_in and not is_lost(failure) and failure.ecode not in PASSING:
                    self._failure = BridgeError(
                        f"the hive does not let the bridge in: {failure}; `ninedoor ticket show` tells what "
                        "its ticket claims"
                    )
                    self._nursery.cancel_scope.cancel()
                    return
                self._complain(str(failure))
            finally:
                self._link.be(None)
            await self._wait(pause)
            pause = min(2 * pause, AGAIN_MAX_S)
        self._left.set()

    async def _wait(self, seconds: float) -> None:
        """Sleep, but not beyond the moment at which the bridge leaves."""
        with trio.move_on_after(seconds):
            await self._leaving.wait()

    async def _settle(self, session: HiveSession) -> dict[str, Sizes]:
        """Have the hive know the devices, and read every queue. Returns how far the files had grown
        before."""
        if await session.bridge_status() != published_status(self._snapshot):
            await self._publish(session)
        gpus = [each.id for each in self._plan.devices]
        await session.watch(gpus)
        sizes = await session.sizes()
        for gpu in gpus:
            await self._look(session, gpu)
        self._complaint = ""
        _log.info("attached to %s with %s", self._plan.where.address, ", ".join(gpus))
        self._tell("attached", hive=str(self._plan.where.address), gpus=gpus)
        self._show(f"serving {len(gpus)} GPUs to {self._plan.where.address}")
        self._link.be(session)
        return sizes

    async def _look_out(self, session: HiveSession, sizes: dict[str, Sizes]) -> None:
        """Read queues when something has changed, until the bridge leaves; raises P9Error when the session
        ends before."""
        changed_at = trio.current_time()
        looked_at = dict.fromkeys(sizes, changed_at)
        due: set[str] = set()
        while not self._leaving.is_set():
            self._board.dispatch()
            idle_s = trio.current_time() - changed_at
            await self._wait(max(POLL_MIN_S, min(POLL_MAX_S, idle_s * POLL_SHARE)))
            before, sizes = sizes, await session.sizes()
            now = trio.current_time()
            changed = {gpu for gpu, size in sizes.items() if size != before[gpu]}
            if changed:
                due |= changed
                changed_at = now
            due |= {gpu for gpu, at in looked_at.items() if now - at > LOOK_S}
            for gpu in tuple(due):
                if self._board.waiting(gpu) < BACKLOG or now - looked_at[gpu] > BACKLOG_S:
                    due.discard(gpu)
                    looked_at[gpu] = now
                    await self._look(session, gpu)

    async def _look(self, session: HiveSession, gpu: str) -> None:
        """Read the queue of `gpu`."""
        claimed = self._board.claimed(gpu)
        listing = await session.queue(gpu)
        elsewhere = self._board.read(gpu, listing, claimed, trio.current_time())
        if gpu in self._adopted:
            return
        for pending in elsewhere:
            _log.warning("job %s/%s ran when its bridge ended", gpu, pending.job.id)
            try:
                await session.tell(gpu, status.line(pending.job.id, "ERR", RESTARTED))
            except P9Error as failure:
                if failure.ecode not in NOT_OURS or is_lost(failure):
                    raise
        self._adopted.add(gpu)

    async def _publish(self, session: HiveSession) -> None:
        await session.publish(self._snapshot)
        told = published_status(self._snapshot)
        _log.info("published: %s", told)
        self._tell("published", bytes=len(self._snapshot), sha256=told.rpartition("=")[2])

    async def _tend(self, session: HiveSession) -> None:
        """What is to be done now and then: let go of workers that a lease of many streams has left, and
        publish again when there is something else to publish."""
        for gpu, streams in self._streams.items():
            if not self._board.running(gpu):
                await streams.keep(1)
        try:
            snapshot = self._plan.snapshot().encode()
        except RegistryError as wrong:
            if str(wrong) != self._wrong:
                _log.warning("%s; what was published before stays", wrong)
            self._wrong = str(wrong)
            return
        self._wrong = ""
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            await self._publish(session)

    def _complain(self, why: str) -> None:
        """Say what is wrong, once."""
        if why != self._complaint:
            self._complaint = why
            _log.warning("%s; trying again", why)
            self._tell("lost", reason=why)
            self._show(f"no hive: {why}")

    # -- jobs -------------------------------------------------------------------------------------------

    def _begin(self, work: Work) -> None:
        self._nursery.start_soon(self._carry_out, work)

    async def _carry_out(self, work: Work) -> None:
        try:
            await self._runner.carry_out(work)
        finally:
            self._board.over(work)

    async def _warm(self, gpu: str, streams: Streams) -> None:
        """Have a worker ready before the first job wants one."""
        try:
            await streams.warm()
            _log.info("%s is ready to compute", gpu)
            self._tell("ready", gpu=gpu)
        except ComputeError as failure:
            _log.warning("%s: %s", gpu, failure)
