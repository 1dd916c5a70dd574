"""What a kernel worker needs of whatever computes for it, and where each kind of it is found."""

import importlib
from collections.abc import Callable
from typing import Protocol

from ninedoor.gpubridge.kernels.problem import Problem


class Backend(Protocol):
    """One device, ready to compute. Made in the worker's own process."""

    def compute(self, problem: Problem, payload: bytes) -> bytes:
        """The result, float32 little-endian. `payload` has the size that `problem` was posed with. Raises
        Misfit for what this device cannot take; anything else that is raised is the device's failure."""


BACKENDS = {
    "mock": "ninedoor.gpubridge.kernels.host:HostBackend",
    "opencl": "ninedoor.gpubridge.kernels.opencl:OpenclBackend",
    "cupy": "ninedoor.gpubridge.kernels.cupy:CupyBackend",
}
"""Name of a backend, and the class that is made with the device's key within it."""


def open_backend(name: str, key: str) -> Backend:
    """The device `key` of backend `name`. Its libraries are imported now. Raises ImportError where they are
    missing, and what they raise when they do not find the device."""
    module, _, attribute = BACKENDS[name].partition(":")
    make: Callable[[str], Backend] = getattr(importlib.import_module(module), attribute)
    return make(key)
