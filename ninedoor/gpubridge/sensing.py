"""How the devices fare: utilisation, memory and temperature, and which changes are worth a line."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ninedoor.gpubridge.devices import MIB, LocalDevice, Sample
from ninedoor.gpubridge.nvidia import Nvml

UTILISATION_STEP = 5
MEMORY_STEP_MB = 64
TEMPERATURE_STEP = 2
"""Smaller changes than these are not told: the status file keeps 64 KiB, and jobs need it more."""

KIB = 1 << 10

FIRST_S = 0.1
"""What the first utilisation of the host is measured over."""


class Load(NamedTuple):
    """What the bridge itself does on a device: jobs that run, and bytes that they hold there."""

    running: int
    memory_bytes: int


class HostSensor:
    """A CPU as a device: this machine's own utilisation and memory, from proc(5)."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._before = self._ticks()

    def sample(self) -> Sample:
        """Utilisation is that since the last sample."""
        busy, total = self._ticks()
        busy_before, total_before = self._before
        self._before = busy, total
        passed = total - total_before
        utilisation = 100 * (busy - busy_before) // passed if passed > 0 else 0
        memory = self._memory_kib()
        used = memory.get("MemTotal", 0) - memory.get("MemAvailable", 0)
        return Sample(max(0, min(100, utilisation)), used // KIB, None)

    def _ticks(self) -> tuple[int, int]:
        """Ticks that all CPUs were busy, and all ticks."""
        first = (self._proc / "stat").read_text().partition("\n")[0]
        user, nice, system, idle, waiting, *rest = map(int, first.split()[1:9])
        busy = user + nice + system + sum(rest)
        return busy, busy + idle + waiting

    def _memory_kib(self) -> dict[str, int]:
        rows = (line.split() for line in (self._proc / "meminfo").read_text().splitlines())
        return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1}


class Sensors:
    """Everything that measures. `load` tells what the bridge does on a device."""

    def __init__(self, nvml: Nvml | None, load: Callable[[str], Load]) -> None:
        self._nvml = nvml
        self._load = load
        self._host: HostSensor | None = None

    def sample(self, device: LocalDevice) -> Sample | None:
        """How `device` fares; None where nobody can tell. A driver may take its time: not for the event
        loop."""
        match device.sensor:
            case "nvml" if self._nvml is not None:
                return self._nvml.sample(device.probe)
            case "host":
                if self._host is None:
                    self._host = HostSensor()
                    time.sleep(FIRST_S)  # a utilisation is one of some time
                return self._host.sample()
            case "mock":
                running, memory_bytes = self._load(device.id)
                return Sample(100 if running else 0, memory_bytes // MIB, None)
        return None


def is_news(sample: Sample, told: Sample | None) -> bool:
    """Is `sample` worth a line, when `told` was the last one that was?"""
    if told is None:
        return True
    steps = (UTILISATION_STEP, MEMORY_STEP_MB, TEMPERATURE_STEP)
    for now, before, step in zip(sample, told, steps, strict=True):
        if (now is None) != (before is None):
            return True
        if now is not None and before is not None and abs(now - before) >= step:
            return True
    return False
