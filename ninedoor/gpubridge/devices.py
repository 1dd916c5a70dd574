"""What the bridge knows of a device, whoever found it."""

from dataclasses import dataclass
from typing import NamedTuple

from ninedoor.gpu.devices import Device

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class LocalDevice:
    """A device of this machine. `device` is what the hive is told of it.

    `backend` (see `kernels.backend`) computes on it and finds it by `key`; it is empty where nothing here
    can. `sensor` measures it and knows it as `probe`: `nvml`, `host` or `mock`; empty for a device that
    nobody can ask.
    """

    device: Device
    backend: str = ""
    key: str = ""
    sensor: str = ""
    probe: str = ""

    @property
    def id(self) -> str:
        return self.device.id


class Sample(NamedTuple):
    """One measurement. `utilisation_pct` is of the last interval, memory in MiB, the temperature in degrees
    Celsius; None is what the device does not tell."""

    utilisation_pct: int | None
    memory_used_mb: int | None
    temperature_c: int | None
