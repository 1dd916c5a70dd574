import pytest

from ninedoor.gpu.jobs import Pending, build, parse_job
from ninedoor.gpu.status import parse_line
from ninedoor.gpubridge.kernels.problem import Misfit
from ninedoor.gpubridge.work import Work


def work(payload: bytes, mem_mb: int = 1) -> Work:
    return Work("GPU-1", Pending(parse_job(build("j", "vadd", payload)), "QUEUED", "worker-2", mem_mb, 1, 0))


def test_the_problem_is_that_of_the_descriptor_and_its_payload() -> None:
    one = work(bytes(80))

    assert one.pose(bytes(80)).n == 10
    assert one.problem is not None


def test_a_job_stays_within_the_memory_of_its_lease() -> None:
    with pytest.raises(Misfit, match="needs 1200000 bytes of device memory, over the lease's 1 MiB"):
        work(b"").pose(bytes(800000))
    assert work(b"", mem_mb=2).pose(bytes(800000)).n == 100000


def test_its_lines_are_steps_that_a_hive_understands() -> None:
    one = work(b"")

    assert parse_line(one.running_line()) == ("j", "RUNNING", "scheduled")
    assert parse_line(one.failed_line("no \u2603")) == ("j", "ERR", "no \u2603")
    assert parse_line(one.done_line("ab" * 32, 4, 17)) == (
        "j",
        "OK",
        f"completed sha256={'ab' * 32} bytes=4 us=17",
    )
