"""Which backends can be tried here, and numbers to try them with; shared by the tests of this package."""

from functools import cache

import pytest

from ninedoor.gpu.jobs import Kernel, Triple
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.discovery import DiscoveryError, discover, mock_devices, opencl_devices
from ninedoor.gpubridge.kernels.problem import Problem, pose

CASES: list[tuple[Kernel, Triple, Triple, Triple | None, int]] = [
    ("vadd", (1, 1, 1), (1, 1, 1), None, 1),
    ("vadd", (1, 1, 1), (2, 1, 1), None, 7),
    ("vadd", (4, 1, 1), (16, 1, 1), None, 64),
    ("vadd", (3, 2, 2), (5, 2, 1), None, 1000),
    ("matmul", (1, 1, 1), (1, 1, 1), None, 1),
    ("matmul", (1, 1, 1), (2, 1, 1), None, 4),
    ("matmul", (2, 2, 1), (8, 4, 1), None, 17),
    ("matmul", (4, 4, 1), (16, 16, 1), None, 64),
    ("matmul", (1, 1, 1), (4, 1, 1), (3, 8, 5), 0),
    ("matmul", (1, 2, 3), (1, 2, 1), (1, 40, 33), 0),
]
"""Kernel, grid, block, shape, and n where there is no shape."""


@cache
def opencl_device() -> LocalDevice | str:
    """An OpenCL device of this machine, or why there is none."""
    try:
        found = discover(None, opencl_devices(), "opencl", "yes")
    except DiscoveryError as failure:
        return str(failure)
    return found[0] if found else "no OpenCL driver has a device"


def device_of(backend: str) -> LocalDevice:
    """A device that `backend` computes on; skips the test where there is none."""
    if backend == "mock":
        return mock_devices()[0]
    device = opencl_device()
    if isinstance(device, str):
        pytest.skip(f"no OpenCL device: {device}")
    return device


def case(
    kernel: Kernel, grid: Triple, block: Triple, shape: Triple | None, n: int
) -> tuple[Problem, bytes, "list[float]"]:
    """A problem of that size, a payload for it, and what numpy says the result is; skips without numpy."""
    numpy = pytest.importorskip("numpy", reason="numpy, which says what is right, is not installed")
    numbers = numpy.random.default_rng(n)
    if kernel == "vadd":
        a, b = numbers.standard_normal(n, "f4"), numbers.standard_normal(n, "f4")
        right = a + b
    else:
        m, k, width = shape or (n, n, n)
        a, b = numbers.standard_normal((m, k), "f4"), numbers.standard_normal((k, width), "f4")
        right = a.astype("f8") @ b.astype("f8")
    payload = a.astype("<f4").tobytes() + b.astype("<f4").tobytes()
    return pose(kernel, len(payload), grid, block, shape), payload, right.ravel().tolist()


def floats(data: bytes) -> "list[float]":
    """The float32 of `data`."""
    return memoryview(data).cast("f").tolist() if data else []
