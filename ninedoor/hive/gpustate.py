"""What the hive keeps of GPUs: who leases them, their files, their unfinished jobs, results, models.

Nothing here decides anything: `handlers` applies what `ninedoor.hive.gpus` has put on record, now or at a
replay. A job that ends, for whatever reason, leaves one line in its GPU's status.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from ninedoor import limits
from ninedoor.gpu import publish
from ninedoor.gpu.jobs import queue_line
from ninedoor.gpu.leases import Lease
from ninedoor.gpu.status import ACCEPTED, lease_ended
from ninedoor.gpu.status import line as status_line
from ninedoor.hive import events as ev
from ninedoor.hive.gpuresults import Results
from ninedoor.hive.lines import line
from ninedoor.hive.parts import Handler
from ninedoor.hive.ring import Ring

FINISHED_MAX = 256
"""Jobs of one GPU that are remembered as ended, to tell a late report from one about a job that never was."""


@dataclass(slots=True)
class HeldJob:
    """An unfinished job. `started` is the unix time of its RUNNING, 0 while it is QUEUED."""

    id: str
    timeout_ms: int
    descriptor: str
    state: str = "QUEUED"
    started: float = 0.0


@dataclass(slots=True)
class Gpu:
    """One GPU. `since` is the unix time at which it was first published; `lease` the one that holds, None
    while nobody has it. Jobs are in the order of their acceptance, and only there while there is a lease."""

    id: str
    memory_mb: int
    info: str
    since: float
    ctl: Ring
    leases: Ring
    status: Ring
    jobs: Ring
    lease: Lease | None = None
    held: dict[str, HeldJob] = field(default_factory=dict)
    finished: dict[str, None] = field(default_factory=dict)

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(job.state == "RUNNING" for job in self.held.values())

    def queue(self) -> bytes:
        """The text of /gpu/<id>/queue."""
        if self.lease is None:
            return b""
        lines = (queue_line(job.id, job.state, self.lease, job.descriptor) for job in self.held.values())
        return "".join(f"{each}\n" for each in lines).encode()

    def enter(self, job: str, state: str, detail: str, now: float) -> None:
        """The job has come to `state`."""
        self.status.append(line(status_line(job, state, detail)), now)
        if state == "RUNNING":
            self.held[job].state, self.held[job].started = state, now
            return
        del self.held[job]
        self.finished.pop(job, None)
        self.finished[job] = None
        while len(self.finished) > FINISHED_MAX:
            del self.finished[next(iter(self.finished))]


class GpuState:
    """Every GPU by its id, the results of jobs, and the models by their ids. `active` and `previous` are
    models, or empty."""

    name = "gpus"
    """See `ninedoor.hive.parts.Part`."""

    def __init__(self) -> None:
        self.gpus: dict[str, Gpu] = {}
        self.results = Results()
        self.models: dict[str, str] = {}
        self.active = ""
        self.previous = ""
        self.telemetry_schema = ""
        self.installed_at: float | None = None
        """Unix time of the latest publication, None before the first."""
        self.installed = publish.IDLE
        """What /gpu/bridge/status says of it."""
        self.outcomes = Ring(limits.CTL_BYTES)

    def handlers(self) -> Mapping[int, Handler]:
        """See `Part.handlers`."""
        return {
            ev.GPUS_INSTALLED: self._apply_installed,
            ev.GPU_PUBLISHED: self._apply_published,
            ev.GPU_LEASED: self._apply_leased,
            ev.GPU_RELEASED: self._apply_released,
            ev.GPU_JOBS_QUEUED: self._apply_queued,
            ev.GPU_JOB_ENTERED: self._apply_entered,
            ev.GPU_STATUS_ADDED: self._apply_status,
            ev.GPU_LEASE_ADDED: self._apply_lease_line,
            ev.GPU_RESULT_ADDED: self._apply_result,
            ev.GPU_MODEL_ACTIVATED: self._apply_activated,
        }

    def _apply_installed(self, now: float, event: Sequence[Any]) -> None:
        _kind, nodes, models, active, schema, told = event
        gpus: dict[str, Gpu] = {}
        for id_, memory_mb, info, *seeds in nodes:
            gpu = self.gpus.get(id_)
            if gpu is None:
                ctl, leases, status = (Ring(limits.GPU_STREAM_BYTES, 0, seed.encode(), now) for seed in seeds)
                gpu = Gpu(
                    id_, memory_mb, info, now, ctl, leases, status, Ring(limits.GPU_JOB_BYTES, mtime=now)
                )
            gpu.memory_mb, gpu.info = memory_mb, info
            gpus[id_] = gpu
        for id_ in self.gpus.keys() - gpus.keys():
            self.results.forget(id_, now)
        self.gpus = gpus
        self.models = dict(models)
        if self.active not in self.models:
            # A publication never undoes what an operator has activated.
            self.active, self.previous = active, ""
        elif self.previous not in self.models:
            self.previous = ""
        self.telemetry_schema = schema
        self.installed, self.installed_at = told, now

    def _apply_published(self, now: float, event: Sequence[Any]) -> None:
        self.outcomes.append(event[1], now)

    def _apply_leased(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, *terms = event
        gpu = self.gpus[id_]
        lease = gpu.lease = Lease(id_, *terms)
        self.results.forget(id_, now)  # they were the last holder's
        gpu.ctl.append(line(lease.granted_line()), now)
        gpu.leases.append(line(lease.line()), now)

    def _apply_released(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, reason = event
        gpu = self.gpus[id_]
        lease, gpu.lease = gpu.lease, None
        if lease is None:
            raise AssertionError("only a lease is released")  # pragma: no cover
        gpu.ctl.append(line(lease.released_line(reason)), now)
        gpu.leases.append(line(lease.ended().line()), now)
        for job in tuple(gpu.held):
            self._came_to(gpu, job, "ERR", f"lease ended: {reason}", now)
        gpu.status.append(line(lease_ended(lease.worker_id, reason)), now)

    def _apply_queued(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, jobs = event
        gpu = self.gpus[id_]
        for job, timeout_ms, descriptor in jobs:
            gpu.jobs.append(line(descriptor), now)
            gpu.held[job] = HeldJob(job, timeout_ms, descriptor)
            gpu.status.append(line(status_line(job, "QUEUED", ACCEPTED)), now)

    def _apply_entered(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, job, state, detail = event
        self._came_to(self.gpus[id_], job, state, detail, now)

    def _came_to(self, gpu: Gpu, job: str, state: str, detail: str, now: float) -> None:
        gpu.enter(job, state, detail, now)
        if state == "RUNNING":
            self.results.begin(gpu.id, job, now)
        elif state == "OK":
            self.results.complete(gpu.id, job, now)
        else:
            self.results.drop(gpu.id, job, now)

    def _apply_status(self, now: float, event: Sequence[Any]) -> None:
        self.gpus[event[1]].status.append(event[2], now)

    def _apply_lease_line(self, now: float, event: Sequence[Any]) -> None:
        self.gpus[event[1]].leases.append(event[2], now)

    def _apply_result(self, now: float, event: Sequence[Any]) -> None:
        _kind, id_, job, data = event
        self.results.append(id_, job, data, now)

    def _apply_activated(self, _now: float, event: Sequence[Any]) -> None:
        self.previous, self.active = self.active, event[1]

    # -- snapshot ---------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """See `Part.dump`."""
        return {
            "gpus": [_dump_gpu(gpu) for gpu in self.gpus.values()],
            "results": self.results.dump(),
            "models": list(self.models.items()),
            "active": [self.active, self.previous],
            "schema": self.telemetry_schema,
            "installed": [self.installed, self.installed_at],
            "outcomes": _dump_ring(self.outcomes),
        }

    def restore(self, value: Any) -> None:
        """See `Part.restore`."""
        gpus = (_load_gpu(values) for values in value["gpus"])
        self.gpus = {gpu.id: gpu for gpu in gpus}
        self.results.restore(value["results"])
        self.models = dict(value["models"])
        self.active, self.previous = value["active"]
        self.telemetry_schema = value["schema"]
        self.installed, self.installed_at = value["installed"]
        self.outcomes = Ring(limits.CTL_BYTES, *value["outcomes"])


def _dump_ring(ring: Ring) -> list[Any]:
    return [ring.base, ring.retained(), ring.mtime]


def _dump_gpu(gpu: Gpu) -> list[Any]:
    streams = [_dump_ring(ring) for ring in (gpu.ctl, gpu.leases, gpu.status, gpu.jobs)]
    lease = None if gpu.lease is None else astuple(gpu.lease)
    held = [astuple(job) for job in gpu.held.values()]
    return [gpu.id, gpu.memory_mb, gpu.info, gpu.since, streams, lease, held, list(gpu.finished)]


def _load_gpu(values: list[Any]) -> Gpu:
    id_, memory_mb, info, since, streams, lease, held, finished = values
    ctl, leases, status, queued = streams
    jobs = (HeldJob(*job) for job in held)
    return Gpu(
        id_,
        memory_mb,
        info,
        since,
        Ring(limits.GPU_STREAM_BYTES, *ctl),
        Ring(limits.GPU_STREAM_BYTES, *leases),
        Ring(limits.GPU_STREAM_BYTES, *status),
        Ring(limits.GPU_JOB_BYTES, *queued),
        lease=None if lease is None else Lease(*lease),
        held={job.id: job for job in jobs},
        finished=dict.fromkeys(finished),
    )
