"""NVIDIA's GPUs by NVML, the library of their driver: which there are, and how they fare.

The bindings (nvidia-ml-py) are an extra and are imported when somebody asks; they load the driver's library
when they are initialised. A machine with neither simply has no such GPU.
"""

import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from ninedoor.gpubridge.devices import MIB, Sample

_log = logging.getLogger("ninedoor.gpubridge")


class NvidiaGpu(NamedTuple):
    """One GPU as NVML tells it. `pci` is domain:bus:device in lower-case hexadecimal."""

    uuid: str
    name: str
    pci: str
    memory_mb: int
    sm_count: int
    driver_version: str
    runtime_version: str


class Nvml:
    """The library, initialised; None of its users needs to know that it is C."""

    def __init__(self, library: ModuleType) -> None:
        self._nvml = library

    @classmethod
    def open(cls) -> tuple["Nvml | None", str]:
        """The library, or None and one line that says why it cannot be had."""
        try:
            import pynvml
        except ImportError:
            return None, "nvidia-ml-py is not installed (pip install 'ninedoor[gpu]')"
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as failure:
            return None, f"nvml: {str(failure).lower()}"
        return cls(pynvml), ""

    def gpus(self) -> list[NvidiaGpu]:
        """Every GPU that answers, in the driver's order."""
        nvml = self._nvml
        driver, cuda = nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetCudaDriverVersion()
        found = []
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                found.append(
                    NvidiaGpu(
                        uuid=nvml.nvmlDeviceGetUUID(handle),
                        name=nvml.nvmlDeviceGetName(handle),
                        pci=_pci(nvml.nvmlDeviceGetPciInfo(handle)),
                        memory_mb=nvml.nvmlDeviceGetMemoryInfo(handle).total // MIB,
                        sm_count=self._multiprocessors(handle),
                        driver_version=driver,
                        runtime_version=f"{cuda // 1000}.{cuda % 1000 // 10}",
                    )
                )
            except nvml.NVMLError as failure:
                _log.warning("nvml: gpu number %d is left out: %s", index, str(failure).lower())
        return found

    def sample(self, uuid: str) -> Sample | None:
        """How the GPU fares now; None when the driver no longer answers for it."""
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        except nvml.NVMLError:
            return None
        return Sample(
            utilisation_pct=self._optional(lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
            memory_used_mb=memory.used // MIB,
            temperature_c=self._optional(
                lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
            ),
        )

    def close(self) -> None:
        """Let go of the library."""
        self._nvml.nvmlShutdown()

    def _multiprocessors(self, handle: object) -> int:
        """NVML counts cores; how many of them a multiprocessor has depends on the architecture."""
        nvml = self._nvml
        cores: int | None = self._optional(lambda: nvml.nvmlDeviceGetNumGpuCores(handle))
        major, minor = self._optional(lambda: nvml.nvmlDeviceGetCudaComputeCapability(handle)) or (0, 0)
        per = CORES.get((major, minor), CORES_ELSE)
        return 0 if cores is None else cores // per

    def _optional(self, ask: Callable[[], Any]) -> Any:
        """What `ask` brings, None where this GPU does not tell."""
        try:
            return ask()
        except self._nvml.NVMLError:
            return None


CORES_ELSE = 128
CORES = {(6, 0): 64, (7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64}
"""Single-precision cores of a multiprocessor by compute capability (CUDA C++ Programming Guide, arithmetic
instructions), where they are not CORES_ELSE."""


def _pci(info: Any) -> str:
    return f"{info.domain:04x}:{info.bus:02x}:{info.device:02x}"
