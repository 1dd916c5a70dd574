"""What a GPU remembers, beyond what the decisions' own tests show."""

from ninedoor.gpu.leases import Lease
from ninedoor.hive.gpustate import FINISHED_MAX, Gpu, GpuState, HeldJob
from ninedoor.hive.ring import Ring


def new_gpu() -> Gpu:
    rings = [Ring(1 << 16) for _ in range(4)]
    return Gpu("GPU-0", 1, "", 0.0, *rings[:3], jobs=rings[3], lease=Lease("GPU-0", "worker-1", 1, 1, 1, 0))


def test_ended_jobs_are_forgotten_in_turn() -> None:
    gpu = new_gpu()
    for number in range(FINISHED_MAX + 2):
        gpu.held[f"job-{number}"] = HeldJob(f"job-{number}", 1, "{}")
        gpu.enter(f"job-{number}", "ERR", "", 1.0)

    assert len(gpu.finished) == FINISHED_MAX
    assert "job-1" not in gpu.finished
    assert f"job-{FINISHED_MAX + 1}" in gpu.finished


def test_a_queue_shows_unfinished_jobs_in_their_order() -> None:
    gpu = new_gpu()
    for name in ("b", "a"):
        gpu.held[name] = HeldJob(name, 1, "{}")
    gpu.enter("a", "RUNNING", "scheduled", 1.0)

    lines = gpu.queue().decode().splitlines()

    assert [line.partition(',"worker_id"')[0] for line in lines] == [
        '{"job":"b","state":"QUEUED"',
        '{"job":"a","state":"RUNNING"',
    ]


def test_without_a_lease_there_is_no_queue() -> None:
    gpu = new_gpu()
    gpu.lease = None

    assert gpu.queue() == b""


def test_an_empty_state_is_restored_as_such() -> None:
    state = GpuState()
    again = GpuState()
    again.restore(state.dump())

    assert again.dump() == state.dump()
