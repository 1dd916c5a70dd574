"""The OpenCL devices of this machine, each with a key by which another process finds the same one again.

Where the driver tells the PCI bus (NVIDIA's does), the key is that: it holds however many devices there are.
Else it is platform and number, which hold as long as nothing is plugged in or installed. Drivers are other
people's code loaded into the process, so the bridge asks for devices in a process of their own (see
`worker`).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

MIB = 1 << 20


class OpenclDevice(NamedTuple):
    """What a driver tells of one device. `pci` is domain:bus:device in lower-case hexadecimal, None where it
    is not told; `units` counts what OpenCL calls compute units and NVIDIA streaming multiprocessors."""

    key: str
    name: str
    is_cpu: bool
    pci: str | None
    memory_mb: int
    units: int
    driver_version: str
    runtime_version: str


def describe() -> list[OpenclDevice]:
    """Every device; none where OpenCL is not installed or has no driver."""
    try:
        return [_described(key, device) for key, device in devices()]
    except ImportError:
        return []


def devices() -> Iterator[tuple[str, Any]]:
    """Key and pyopencl device of each. Raises ImportError without pyopencl."""
    import pyopencl

    try:
        platforms = pyopencl.get_platforms()
    except pyopencl.Error:
        return  # the loader found no driver
    for index, platform in enumerate(platforms):
        try:
            found = platform.get_devices()
        except pyopencl.Error:
            continue  # a driver without a device
        for number, device in enumerate(found):
            bus = pci_of(device)
            yield (f"at:{index}.{number}" if bus is None else f"pci:{bus}"), device


def pci_of(device: Any) -> str | None:
    """Where on the PCI bus the pyopencl `device` is, None where its driver does not tell."""
    if "cl_nv_device_attribute_query" not in device.extensions.split():
        return None
    import pyopencl

    info = pyopencl.device_info
    try:
        bus, slot = device.get_info(info.PCI_BUS_ID_NV), device.get_info(info.PCI_SLOT_ID_NV)
        domain = device.get_info(info.PCI_DOMAIN_ID_NV)
    except pyopencl.Error:
        return None
    return f"{domain:04x}:{bus:02x}:{slot >> 3:02x}"  # the low three bits are the function


def _described(key: str, device: Any) -> OpenclDevice:
    import pyopencl

    return OpenclDevice(
        key=key,
        name=" ".join(device.name.split()),
        is_cpu=bool(device.type & pyopencl.device_type.CPU),
        pci=pci_of(device),
        memory_mb=device.global_mem_size // MIB,
        units=device.max_compute_units,
        driver_version=device.driver_version,
        runtime_version=" ".join(device.version.split()[:2]),
    )
