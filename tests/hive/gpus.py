"""A hive with the two GPUs of the mock, one of them leased.

Shared by the tests of GPUs in any package; it mirrors no module.
"""

import hashlib

from ninedoor import limits
from ninedoor.config import Config, Telemetry
from ninedoor.gpu import mock, publish
from ninedoor.gpu.jobs import build
from ninedoor.gpu.snapshot import Snapshot
from ninedoor.gpu.status import completed, line
from ninedoor.hive.gpustate import Gpu
from ninedoor.hive.hive import Hive
from ninedoor.hive.ring import Ring
from ninedoor.store.memory import RetainedJournal
from tests.callers import QUEEN
from tests.hive.hives import NOW, opened, run

CONFIG = Config(telemetry=Telemetry(ring_bytes_per_worker=1024))

LEASE = '{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":4096,"streams":2,"ttl_s":120,"priority":1}}'

WORKER = "worker-gpu:worker-1"


def published(hive: Hive, snapshot: Snapshot | None = None, now: float = NOW) -> Hive:
    """`hive`, after a bridge has published there."""
    for text in publish.lines((snapshot or mock.snapshot()).encode()):
        hive.gpus.publications.take(text, QUEEN, now)
    return hive


def gpu_hive(journal: RetainedJournal | None = None) -> Hive:
    """A hive with GPU-0 and GPU-1."""
    return published(opened(journal or RetainedJournal(), CONFIG))


def leased(journal: RetainedJournal | None = None) -> Hive:
    """The same, with GPU-0 leased to worker-1."""
    hive = gpu_hive(journal)
    run(hive, LEASE)
    return hive


def gpu_0(hive: Hive) -> Gpu:
    return hive.gpus.gpus["GPU-0"]


def results(hive: Hive) -> dict[str, bytes]:
    """What there is of each job of GPU-0, those that are complete first."""
    kept = hive.gpus.results.all()
    return {job: result.content.retained() for (gpu, job), result in kept if gpu == "GPU-0"}


def text(ring: Ring) -> list[str]:
    """Its lines."""
    return ring.retained().decode().splitlines()


def submit(hive: Hive, *ids: str, caller: str = WORKER, now: float = NOW, timeout_ms: int = 5000) -> None:
    """Jobs in one write."""
    lines = "".join(f"{build(each, 'vadd', b'', timeout_ms=timeout_ms)}\n" for each in ids)
    hive.gpus.submit("GPU-0", lines.encode(), caller, now)


def report(hive: Hive, job: str, state: str, detail: str = "", now: float = NOW) -> None:
    """A status line of the bridge."""
    hive.gpus.report("GPU-0", f"{line(job, state, detail)}\n".encode(), now)


def claim(hive: Hive, job: str, now: float = NOW) -> None:
    report(hive, job, "RUNNING", "scheduled", now)


def finish(hive: Hive, job: str, result: bytes = b"") -> None:
    """The bridge writes the result and reports OK."""
    if result:
        hive.gpus.append_result("GPU-0", job, limits.APPEND_OFFSET, result, NOW)
    report(hive, job, "OK", completed(hashlib.sha256(result).hexdigest(), len(result)))
