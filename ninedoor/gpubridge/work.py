"""One job as the bridge knows it, from the first sight of it in a queue to its outcome."""

from dataclasses import dataclass, field

import trio

from ninedoor.gpu import status
from ninedoor.gpu.jobs import Job, Pending
from ninedoor.gpubridge.kernels.problem import Misfit, Problem, pose

MIB = 1 << 20

STOPPED = "bridge stopped"
RESTARTED = "bridge restarted"
"""Details of ERR for jobs that did not survive their bridge."""


@dataclass(eq=False)
class Work:
    """`gpu` and the job's own name together are unique among the unfinished. `scope` is what is cancelled
    when the hive has ended the job; `computing` when only the computation is to end."""

    gpu: str
    pending: Pending
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    computing: trio.CancelScope = field(default_factory=trio.CancelScope)
    is_started: bool = False
    is_claimed: bool = False
    is_reporting: bool = False
    """The outcome is on its way, and nothing but the hive's answer says what becomes of it."""
    listed: str = ""
    """Its state when the queue was last read, "" where it was not in it."""
    problem: Problem | None = None
    """What is being computed."""

    @property
    def job(self) -> Job:
        return self.pending.job

    @property
    def key(self) -> tuple[str, str]:
        return self.gpu, self.job.id

    @property
    def shown(self) -> str:
        """For log lines."""
        return f"{self.gpu}/{self.job.id}"

    def pose(self, payload: bytes) -> Problem:
        """The computation of `payload`. Raises Misfit for what cannot be computed, or not within the
        lease."""
        job = self.job
        problem = pose(job.kernel, len(payload), job.grid, job.block, job.shape)
        if problem.memory_bytes > self.pending.mem_mb * MIB:
            raise Misfit(
                f"the job needs {problem.memory_bytes} bytes of device memory, over the lease's "
                f"{self.pending.mem_mb} MiB"
            )
        self.problem = problem
        return problem

    def running_line(self) -> str:
        """The status line that claims it."""
        return status.line(self.job.id, "RUNNING", status.SCHEDULED)

    def failed_line(self, why: str) -> str:
        """The status line for no result."""
        return status.line(self.job.id, "ERR", why)

    def done_line(self, sha256: str, size: int, took_us: int) -> str:
        """The status line for a result."""
        return status.line(self.job.id, "OK", status.completed(sha256, size, us=took_us))
