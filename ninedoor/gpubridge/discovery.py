"""Which GPUs this machine has, under which names, and what computes on each.

NVIDIA's come first, in their driver's order: NVML knows them even when nothing is installed that computes.
Then other OpenCL devices; a CPU (PoCL) is one too, and is taken for a GPU only where there is no other,
unless it was asked for. Names are GPU-0, GPU-1 and so on in that order, as in the original.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ninedoor import limits
from ninedoor.errors import NineDoorError
from ninedoor.gpu import mock
from ninedoor.gpu.devices import Device
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.nvidia import NvidiaGpu, Nvml
from ninedoor.gpubridge.opencldevices import OpenclDevice

BackendChoice = Literal["auto", "opencl", "cupy"]
CpuChoice = Literal["auto", "yes", "no"]

PROBE_S = 60.0
"""Longest wait for drivers to say what they have; the first time, some compile for seconds."""


class DiscoveryError(NineDoorError):
    """Devices cannot be asked for. One line that says why."""


def has_cupy() -> bool:
    """Is cupy installed?"""
    return importlib.util.find_spec("cupy") is not None


def mock_devices() -> list[LocalDevice]:
    """The two GPUs that are not there. Jobs on them are computed all the same."""
    return [LocalDevice(device, "mock", device.id, "mock", device.id) for device in mock.DEVICES]


def discover(
    nvml: Nvml | None, opencl: Sequence[OpenclDevice], backend: BackendChoice, cpu: CpuChoice
) -> list[LocalDevice]:
    """The devices of this machine. With backend `cupy`, it computes on NVIDIA's GPUs; with `auto`, it does on
    those for which there is no OpenCL driver."""
    nvidia = nvml.gpus() if nvml is not None else []
    known = {gpu.pci for gpu in nvidia}
    by_pci = {each.pci: each for each in opencl if each.pci is not None}
    found = []
    for gpu in nvidia:
        twin = None if backend == "cupy" else by_pci.get(gpu.pci)
        found.append(_nvidia(gpu, twin, backend != "opencl" and has_cupy()))
    others = [] if backend == "cupy" else [each for each in opencl if each.pci not in known]
    found += [_opencl(each) for each in others if not each.is_cpu]
    if cpu == "yes" or (cpu == "auto" and not found):
        found += [_opencl(each) for each in others if each.is_cpu]
    return [
        replace(each, device=replace(each.device, id=f"GPU-{number}"))
        for number, each in enumerate(found[: limits.GPUS_MAX])
    ]


def opencl_devices(timeout_s: float = PROBE_S) -> list[OpenclDevice]:
    """The OpenCL devices, asked for in a process of their own: a driver that crashes takes that along and not
    the bridge. Raises DiscoveryError when it did, or does not answer within `timeout_s`."""
    command = [sys.executable, "-m", "ninedoor.gpubridge.worker", "devices"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise DiscoveryError(f"the OpenCL drivers do not say what they have within {timeout_s:g} s") from None
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").split("\n")
        last = next((line for line in reversed(words) if line.strip()), "no word")
        raise DiscoveryError(f"asking for OpenCL devices ended with {done.returncode}: {last}")
    return [OpenclDevice(**each) for each in json.loads(done.stdout)]


def _nvidia(gpu: NvidiaGpu, twin: OpenclDevice | None, by_cupy: bool) -> LocalDevice:
    device = Device("", gpu.name, gpu.memory_mb, gpu.sm_count, gpu.driver_version, gpu.runtime_version)
    if twin is not None:
        # The driver of OpenCL counts multiprocessors; NVML only cores.
        device = replace(device, sm_count=twin.units)
        return LocalDevice(device, "opencl", twin.key, "nvml", gpu.uuid)
    return LocalDevice(device, "cupy" if by_cupy else "", f"pci:{gpu.pci}", "nvml", gpu.uuid)


def _opencl(found: OpenclDevice) -> LocalDevice:
    device = Device("", found.name, found.memory_mb, found.units, found.driver_version, found.runtime_version)
    return LocalDevice(device, "opencl", found.key, "host" if found.is_cpu else "", "")
