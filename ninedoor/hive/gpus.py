"""GPUs: what may happen to them, and the only code that makes it happen.

The hive owns no device. A bridge publishes what there is, claims jobs one by one and reports how they end;
the hive says who may have a GPU, what is a job, and which step of a job may follow which, so that a job is
run at most once whatever restarts. docs/GPU.md has the protocol.
"""

import errno
from collections.abc import Callable, Mapping

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu import models
from ninedoor.gpu.devices import parse_info
from ninedoor.gpu.jobs import Job, parse_jobs
from ninedoor.gpu.leases import parse_lease
from ninedoor.gpu.snapshot import Snapshot
from ninedoor.gpu.status import COMPLETED, Step, claimed, parse_line
from ninedoor.gpu.status import line as status_line
from ninedoor.hive import commands
from ninedoor.hive import events as ev
from ninedoor.hive.events import Event
from ninedoor.hive.gpupublications import Publications
from ninedoor.hive.gpustate import Gpu, GpuState, HeldJob
from ninedoor.hive.lifecycle import WORKER_JOB, Gate
from ninedoor.hive.lines import clean, line
from ninedoor.hive.parts import Happened
from ninedoor.session.ports import Path

REMOVED = "gpu removed"
RELEASED = "released by queen"
"""Why a lease ends, besides what ends its worker."""

GRACE_S = 10.0
"""How long after a job's time limit its bridge may still report; then nobody will."""

QUEEN = "queen"
ROLE = "worker-gpu"


class Gpus(GpuState):
    """The GPUs of a hive, and all that may happen to them. Satisfies `ninedoor.hive.parts.Part`."""

    def __init__(
        self,
        happened: Happened,
        require: Callable[[Gate, float], None],
        revoke: Callable[[str, str, float], None],
        heard: Callable[[str, bytes, float], tuple[Event, ...]],
    ) -> None:
        """
        Args:
            happened: journals and applies.
            require: raises EPERM where the life cycle closes a gate.
            revoke: ends the worker of that id, for that reason.
            heard: the events of a line that the server appends to that worker's telemetry.
        """
        super().__init__()
        self._happened = happened
        self._require = require
        self._revoke = revoke
        self._heard = heard
        self.publications = Publications(self, happened, require, self._install)
        self.observers: list[Callable[[float], None]] = []
        """Called after another snapshot was installed, or another model activated."""

    def _install(self, found: Snapshot, told: str, now: float) -> None:
        named = {node.id for node in found.nodes}
        for gpu in tuple(self.gpus.values()):
            if gpu.lease is not None and gpu.id not in named:
                self._revoke(gpu.lease.worker_id, REMOVED, now)
        nodes = [[node.id, parse_info(node.info).memory_mb, *node[1:]] for node in found.nodes]
        known = [list(model) for model in found.models]
        installed = (ev.GPUS_INSTALLED, nodes, known, found.active, found.telemetry_schema, told)
        summary = f"gpu snapshot installed gpus={len(nodes)} models={len(known)}"
        self._happened(now, installed, (ev.LOGGED, line(summary)))
        self._changed(now)

    # -- leases -----------------------------------------------------------------------------------------

    def grant(self, wanted: commands.Lease, worker: str) -> Event:
        """The event of a lease for `worker`. Raises EINVAL for no streams, ENOENT, EBUSY while it is leased,
        EMSGSIZE for more memory than the GPU has."""
        if wanted.streams < 1:
            raise P9Error(errno.EINVAL, "lease streams must be at least 1")
        gpu = self._gpu(wanted.gpu_id)
        if gpu.lease is not None:
            raise P9Error(errno.EBUSY, f"gpu {gpu.id} already leased")
        if wanted.mem_mb > gpu.memory_mb:
            reason = f"lease exceeds gpu memory: {wanted.mem_mb} MiB of {gpu.memory_mb} on {gpu.id}"
            raise P9Error(errno.EMSGSIZE, reason)
        terms = (wanted.mem_mb, wanted.streams, wanted.ttl_s, wanted.priority)
        return (ev.GPU_LEASED, gpu.id, worker, *terms)

    def released(self, worker: str, reason: str) -> list[Event]:
        """What goes with the end of `worker`: that of its lease."""
        gpu = self.held_by(worker)
        return [] if gpu is None else [(ev.GPU_RELEASED, gpu.id, reason)]

    def held_by(self, worker: str) -> Gpu | None:
        """The GPU that `worker` has leased."""
        leased = (gpu for gpu in self.gpus.values() if gpu.lease is not None)
        return next((gpu for gpu in leased if gpu.lease and gpu.lease.worker_id == worker), None)

    def places(self, role: str, name: str | None) -> Mapping[str, tuple[Path, ...]]:
        """The placeholder `lease` of `ninedoor.policy.rules` for one identity."""
        gpu = self.held_by(name) if role == ROLE and name is not None else None
        return {} if gpu is None else {"lease": ((gpu.id,),)}

    def control(self, id_: str, data: bytes, now: float) -> int:
        """Take lines of /gpu/<id>/ctl: `RELEASE <worker> [reason]` ends its lease. Raises EINVAL for anything
        else, ENOENT when that worker does not hold it."""
        gpu = self._gpu(id_)
        for text in _lines(data):
            verb, _, rest = text.partition(" ")
            worker, _, reason = rest.strip().partition(" ")
            if verb != "RELEASE" or not worker:
                raise P9Error(errno.EINVAL, f"gpu ctl takes RELEASE worker-N [reason], not {clean(text)}")
            if gpu.lease is None or gpu.lease.worker_id != worker:
                raise P9Error(errno.ENOENT, f"gpu {id_} is not leased to {clean(worker)}")
            self._revoke(worker, clean(reason.strip()) or RELEASED, now)
        return len(data)

    def append_lease(self, id_: str, data: bytes, now: float) -> int:
        """Take lease lines that a tool tells by itself; they grant nothing. Raises EBUSY while the hive has
        given the GPU to somebody, whose lines none may contradict; EINVAL, EMSGSIZE for what is no lease line
        of this GPU."""
        gpu = self._gpu(id_)
        if gpu.lease is not None:
            raise P9Error(errno.EBUSY, f"gpu {id_} is leased to {gpu.lease.worker_id}")
        told = [parse_lease(text) for text in _lines(data)]
        for lease in told:
            if lease.gpu_id != id_:
                raise P9Error(errno.EINVAL, f"lease line of gpu {clean(lease.gpu_id)} in the file of {id_}")
        if told:
            lines = b"".join(line(text) for text in _lines(data))
            self._happened(now, (ev.GPU_LEASE_ADDED, id_, lines))
        return len(data)

    # -- jobs -------------------------------------------------------------------------------------------

    def submit(self, id_: str, data: bytes, caller: str, now: float) -> int:
        """Queue the jobs in one write, or none of them.

        Raises:
            P9Error: EPERM where the life cycle is against it, without an active lease, and for whoever does
                not hold it (the queen may act for the holder); EINVAL, EMSGSIZE as `parse_jobs`; EINVAL for
                an id that is in use; EBUSY when too many jobs are unfinished.
        """
        self._require(WORKER_JOB, now)
        gpu = self._gpu(id_)
        if gpu.lease is None:
            raise P9Error(errno.EPERM, f"no active lease for gpu {id_}")
        if caller not in (QUEEN, f"{ROLE}:{gpu.lease.worker_id}"):
            raise P9Error(errno.EPERM, f"gpu {id_} is leased to {gpu.lease.worker_id}")
        jobs = parse_jobs(data)
        self._refuse_jobs(gpu, jobs)
        if jobs:
            queued = [[job.id, job.timeout_ms, job.line] for job in jobs]
            self._happened(now, (ev.GPU_JOBS_QUEUED, id_, queued))
        return len(data)

    def _refuse_jobs(self, gpu: Gpu, jobs: list[Job]) -> None:
        ids = [*gpu.held, *(job.id for job in jobs)]
        twice = next((each for each in ids if ids.count(each) > 1), None)
        if twice is not None:
            raise P9Error(errno.EINVAL, f"gpu job validation failed: job {twice} is unfinished already")
        if len(ids) > limits.GPU_PENDING_MAX:
            raise P9Error(
                errno.EBUSY, f"gpu {gpu.id} has {len(gpu.held)} unfinished jobs: wait until some have ended"
            )

    def report(self, id_: str, data: bytes, now: float) -> int:
        """Take lines of /gpu/<id>/status, in order, up to the first that is refused: steps of jobs, and what
        else has a schema. Raises EINVAL, EMSGSIZE for what is neither; ENOENT for a job that never was,
        ESTALE for one that has ended, EBUSY for a RUNNING too many."""
        gpu = self._gpu(id_)
        for text in _lines(data):
            step = parse_line(text)
            if step is None:
                self._happened(now, (ev.GPU_STATUS_ADDED, id_, line(text)))
            else:
                self._check_step(gpu, step)
                self._enter(gpu, step, now)
        return len(data)

    def _check_step(self, gpu: Gpu, step: Step) -> None:
        job = gpu.held.get(step.job)
        if job is None:
            if step.job in gpu.finished:
                raise P9Error(errno.ESTALE, f"job {step.job} has ended already")
            raise P9Error(errno.ENOENT, f"no job {clean(step.job)} on gpu {gpu.id}")
        if step.state == "RUNNING":
            self._check_claim(gpu, job)
        elif step.state == "OK":
            if job.state != "RUNNING":
                raise P9Error(errno.EINVAL, f"job {job.id} is {job.state}: only a RUNNING one can be OK")
            if step.detail.partition(" ")[0] != COMPLETED:
                raise P9Error(errno.EINVAL, f"detail of an OK must begin with {COMPLETED}")
            self.results.check(gpu.id, job.id, claimed(step.detail))
        elif step.state != "ERR":
            raise P9Error(errno.EINVAL, f"job state {clean(step.state)} is none of RUNNING, OK, ERR")

    def _check_claim(self, gpu: Gpu, job: HeldJob) -> None:
        if job.state == "RUNNING":
            raise P9Error(errno.EBUSY, f"job {job.id} is running already")
        streams = gpu.lease.streams if gpu.lease is not None else 0
        if gpu.running >= streams:
            raise P9Error(errno.EBUSY, f"lease of gpu {gpu.id} has {streams} streams, all of them running")

    def _enter(self, gpu: Gpu, step: Step, now: float) -> None:
        """The job comes to a state, and its worker hears of it."""
        assert gpu.lease is not None, "only leased GPUs have jobs"
        heard = self._heard(gpu.lease.worker_id, line(status_line(*step)), now)
        self._happened(now, (ev.GPU_JOB_ENTERED, gpu.id, *step), *heard)

    def expire(self, now: float) -> None:
        """End the jobs of which no bridge has told within their time."""
        for gpu in self.gpus.values():
            for job in [job for job in gpu.held.values() if job.started and _deadline(job) <= now]:
                self._enter(gpu, Step(job.id, "ERR", "timed out: no bridge reported"), now)

    def next_deadline(self) -> float | None:
        """Unix time at which `expire` has something to do, None when that is not known."""
        held = (job for gpu in self.gpus.values() for job in gpu.held.values() if job.started)
        return min(map(_deadline, held), default=None)

    # -- results ----------------------------------------------------------------------------------------

    def append_result(self, id_: str, job: str, offset: int, data: bytes, now: float) -> int:
        """Append to a running job's result. Raises as `Results.refuse_write`."""
        self.results.refuse_write(self._gpu(id_).id, job, offset, len(data))
        if data:
            self._happened(now, (ev.GPU_RESULT_ADDED, id_, job, data))
        return len(data)

    # -- models -----------------------------------------------------------------------------------------

    def activate(self, text: str, now: float) -> None:
        """Make the model of that name the active one. Raises EINVAL, ENOENT."""
        model = models.model_id(text)
        if model not in self.models:
            raise P9Error(errno.ENOENT, f"model {clean(model)} is not available")
        if model != self.active:
            told = line(f"model activated old={self.active or '-'} new={model}")
            self._happened(now, (ev.GPU_MODEL_ACTIVATED, model), (ev.LOGGED, told))
            self._changed(now)

    def _gpu(self, id_: str) -> Gpu:
        gpu = self.gpus.get(id_)
        if gpu is None:
            raise P9Error(errno.ENOENT, f"gpu {clean(id_)} not registered")
        return gpu

    def _changed(self, now: float) -> None:
        for observer in tuple(self.observers):
            observer(now)


def _deadline(job: HeldJob) -> float:
    return job.started + job.timeout_ms / 1000 + GRACE_S


def _lines(data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise P9Error(errno.EINVAL, f"line is not UTF-8 at byte {bad.start}") from None
    return [each.strip() for each in text.split("\n") if each.strip()]
