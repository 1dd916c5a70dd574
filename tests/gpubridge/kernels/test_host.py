import struct

import pytest

from ninedoor.gpu.jobs import Kernel, Triple
from ninedoor.gpubridge.kernels.host import HostBackend
from ninedoor.gpubridge.kernels.problem import Misfit, pose
from tests.gpubridge.devices import CASES, case, floats


@pytest.mark.parametrize("numpy", [True, False], ids=["numpy", "loops"])
@pytest.mark.parametrize(("kernel", "grid", "block", "shape", "n"), CASES)
def test_results_are_those_of_numpy(
    numpy: bool, kernel: Kernel, grid: Triple, block: Triple, shape: Triple | None, n: int
) -> None:
    problem, payload, right = case(kernel, grid, block, shape, n)

    result = HostBackend(numpy=numpy).compute(problem, payload)

    assert floats(result) == pytest.approx(right, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("numpy", [True, False], ids=["numpy", "loops"])
@pytest.mark.parametrize("kernel", ["vadd", "matmul"])
def test_nothing_makes_nothing(numpy: bool, kernel: Kernel) -> None:
    if numpy:
        pytest.importorskip("numpy")

    assert HostBackend(numpy=numpy).compute(pose(kernel, 0, (1, 1, 1), (1, 1, 1)), b"") == b""


@pytest.mark.parametrize("numpy", [True, False], ids=["numpy", "loops"])
def test_what_is_too_large_becomes_an_infinity(numpy: bool) -> None:
    if numpy:
        pytest.importorskip("numpy")
    payload = struct.pack("<4f", 3e38, -3e38, 3e38, -3e38)

    result = HostBackend(numpy=numpy).compute(pose("vadd", 16, (1, 1, 1), (1, 1, 1)), payload)

    assert struct.unpack("<2f", result) == (float("inf"), float("-inf"))


def test_a_mock_refuses_the_blocks_that_devices_refuse() -> None:
    with pytest.raises(Misfit, match="block of 1025 threads, over the device's 1024"):
        HostBackend().compute(pose("vadd", 8, (1, 1, 1), (1025, 1, 1)), bytes(8))
