import pytest

from ninedoor.gpubridge.kernels.backend import BACKENDS, open_backend
from ninedoor.gpubridge.kernels.host import HostBackend
from ninedoor.gpubridge.kernels.opencl import OpenclBackend
from tests.gpubridge.devices import device_of


def test_a_backend_is_found_by_its_name() -> None:
    assert isinstance(open_backend("mock", "GPU-0"), HostBackend)
    with pytest.raises(KeyError):
        open_backend("abacus", "")


def test_the_device_of_a_key_is_opened() -> None:
    device = device_of("opencl")

    assert device.backend in BACKENDS
    assert isinstance(open_backend(device.backend, device.key), OpenclBackend)
