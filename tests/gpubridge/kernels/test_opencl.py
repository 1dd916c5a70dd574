import pytest

from ninedoor.gpu.jobs import Kernel, Triple
from ninedoor.gpubridge.kernels.opencl import OpenclBackend
from ninedoor.gpubridge.kernels.problem import Misfit, pose
from tests.gpubridge.devices import CASES, case, device_of, floats


@pytest.fixture(scope="module")
def device() -> OpenclBackend:
    return OpenclBackend(device_of("opencl").key)


@pytest.mark.parametrize(("kernel", "grid", "block", "shape", "n"), CASES)
def test_results_are_those_of_numpy(
    device: OpenclBackend, kernel: Kernel, grid: Triple, block: Triple, shape: Triple | None, n: int
) -> None:
    problem, payload, right = case(kernel, grid, block, shape, n)

    assert floats(device.compute(problem, payload)) == pytest.approx(right, rel=1e-4, abs=1e-5)


def test_nothing_makes_nothing(device: OpenclBackend) -> None:
    assert device.compute(pose("vadd", 0, (1, 1, 1), (1, 1, 1)), b"") == b""


def test_a_block_that_is_too_large_is_refused(device: OpenclBackend) -> None:
    with pytest.raises(Misfit, match="block of 65535 threads, over the device's"):
        device.compute(pose("vadd", 8, (1, 1, 1), (65535, 1, 1)), bytes(8))


def test_a_device_that_is_gone_is_not_replaced_by_another() -> None:
    device_of("opencl")

    with pytest.raises(LookupError, match=r"no OpenCL device at:99\.0 any more"):
        OpenclBackend("at:99.0")
