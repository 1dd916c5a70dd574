"""The backend itself needs an NVIDIA GPU. What can be shown without is that its absence is told, and that it
refuses before it asks anything of CUDA."""

import importlib.util

import pytest

from ninedoor.gpubridge.kernels import cupy
from ninedoor.gpubridge.kernels.backend import open_backend

without_cupy = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="cupy is installed here"
)


@without_cupy
def test_without_cupy_the_device_cannot_be_opened() -> None:
    with pytest.raises(ImportError, match="cupy"):
        open_backend("cupy", "pci:0000:00:00")


def test_both_kernels_are_in_the_source() -> None:
    for name in ("vadd", "matmul"):
        assert f"__global__ void {name}(" in cupy.SOURCE
