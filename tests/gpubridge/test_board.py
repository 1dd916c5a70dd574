import hashlib

import pytest
import trio

from ninedoor.gpu.jobs import Pending, build, parse_job
from ninedoor.gpubridge.board import Board, Bounds
from ninedoor.gpubridge.work import Work


class Desk:
    """A board and what it has started."""

    def __init__(self, jobs: int = 8, streams: int = 4) -> None:
        self.started: list[Work] = []
        self.board = Board(Bounds(jobs, streams), self.started.append)

    def read(self, gpu: str, *listing: Pending, claimed: set[Work] | None = None) -> list[str]:
        before = self.board.claimed(gpu) if claimed is None else claimed
        elsewhere = self.board.read(gpu, listing, before, 0.0)
        self.board.dispatch()
        return [pending.job.id for pending in elsewhere]

    @property
    def names(self) -> list[str]:
        return [work.shown for work in self.started]


def pending(
    job: str, state: str = "QUEUED", streams: int = 1, priority: int = 0, number: float = 1
) -> Pending:
    payload = hashlib.sha256(str(number).encode()).digest()[:8]
    return Pending(parse_job(build(job, "vadd", payload)), state, "worker-1", 64, streams, priority)


async def test_as_many_jobs_run_as_the_lease_has_streams() -> None:
    desk = Desk()
    desk.read("GPU-0", *(pending(f"j{number}", streams=2) for number in range(4)))

    assert desk.names == ["GPU-0/j0", "GPU-0/j1"]
    assert desk.board.waiting("GPU-0") == 2
    desk.board.over(desk.started[1])
    assert desk.names == ["GPU-0/j0", "GPU-0/j1", "GPU-0/j2"]


async def test_no_more_run_than_the_bounds_of_the_bridge() -> None:
    desk = Desk(jobs=3, streams=2)
    for gpu in ("GPU-0", "GPU-1"):
        desk.read(gpu, *(pending(f"j{number}", streams=9) for number in range(3)))

    assert desk.names == ["GPU-0/j0", "GPU-0/j1", "GPU-1/j0"]


async def test_the_lease_of_higher_priority_gets_what_devices_share() -> None:
    desk = Desk(jobs=1)
    desk.read("GPU-2", pending("first"))
    desk.read("GPU-0", pending("low", priority=1))
    desk.read("GPU-1", pending("high", priority=2))
    desk.board.over(desk.started[0])

    assert desk.names == ["GPU-2/first", "GPU-1/high"]


async def test_a_job_that_leaves_the_queue_is_cancelled_or_forgotten() -> None:
    desk = Desk()
    desk.read("GPU-0", pending("runs"), pending("waits"))
    desk.read("GPU-1", pending("elsewhere"))
    desk.read("GPU-0")

    (runs, elsewhere) = desk.started
    assert runs.scope.cancel_called
    assert not elsewhere.scope.cancel_called
    assert desk.board.waiting("GPU-0") == 0
    desk.board.over(runs)
    assert desk.names == ["GPU-0/runs", "GPU-1/elsewhere"]


async def test_a_job_whose_outcome_is_on_its_way_is_left_to_its_answer() -> None:
    desk = Desk()
    desk.read("GPU-0", pending("j"))
    desk.started[0].is_reporting = True
    desk.read("GPU-0")

    assert not desk.started[0].scope.cancel_called
    assert desk.started[0].listed == ""


async def test_what_runs_elsewhere_is_told_and_not_touched() -> None:
    desk = Desk()

    assert desk.read("GPU-0", pending("theirs", "RUNNING"), pending("ours")) == ["theirs"]
    assert desk.names == ["GPU-0/ours"]


async def test_a_name_that_is_used_again_is_another_job() -> None:
    desk = Desk()
    desk.read("GPU-0", pending("j", number=1))
    desk.read("GPU-0", pending("j", number=2))

    assert desk.started[0].scope.cancel_called
    desk.board.over(desk.started[0])
    assert desk.names == ["GPU-0/j", "GPU-0/j"]
    assert desk.started[1].job.line != desk.started[0].job.line


async def test_a_claimed_job_that_waits_again_is_another_one_unless_it_was_claimed_meanwhile() -> None:
    desk = Desk()
    desk.read("GPU-0", pending("j"))
    desk.started[0].is_claimed = True

    desk.read("GPU-0", pending("j"), claimed=set())
    assert not desk.started[0].scope.cancel_called
    desk.read("GPU-0", pending("j"))
    assert desk.started[0].scope.cancel_called


async def test_a_closed_board_starts_nothing_and_waits_for_what_runs() -> None:
    desk = Desk()
    desk.read("GPU-0", pending("j"), pending("k"))
    desk.board.close()
    with trio.move_on_after(0) as patience:
        await desk.board.wait_idle()
    assert patience.cancelled_caught

    desk.board.over(desk.started[0])
    await desk.board.wait_idle()

    assert desk.names == ["GPU-0/j"]


@pytest.mark.parametrize("gpu", ["GPU-0", None])
async def test_running_jobs_are_told_by_device(gpu: str | None) -> None:
    desk = Desk()
    desk.read("GPU-0", pending("j"), pending("k"))

    assert [work.shown for work in desk.board.running(gpu)] == ["GPU-0/j"]
    assert desk.board.running("GPU-1") == []
