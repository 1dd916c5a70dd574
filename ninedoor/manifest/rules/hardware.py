"""Rules on the machine that the guest runs on."""

from collections.abc import Iterator

from ninedoor.manifest.models.hardware import Device, Hardware
from ninedoor.manifest.rules.rule import Finding, Findings, Subject

UEFI = "uefi_aarch64"

NEEDED = ("UART", "NET", "RTC")
"""Devices that a UEFI machine must name: nothing else tells the guest where they are."""

PAGE_BYTES = 4096
"""What the guest maps at a time: registers begin on a page, or on a multiple of their size within one."""


def needed_devices(subject: Subject) -> Findings:
    for hardware in _uefi(subject):
        present = {device.kind for device in hardware.devices}
        missing = [kind for kind in NEEDED if kind not in present]
        if missing:
            yield Finding(("hardware", "devices"), {"missing": ", ".join(missing)})


def device_places(subject: Subject) -> Findings:
    for index, device in _devices(subject):
        step = min(device.mmio_size, PAGE_BYTES)
        if device.mmio_base == 0 or device.mmio_base % step:
            yield Finding(("hardware", "devices", index, "mmio_base"), {"step": step})


def device_kinds(subject: Subject) -> Findings:
    seen: set[str] = set()
    for index, device in _devices(subject):
        if device.kind in seen:
            yield Finding(("hardware", "devices", index, "kind"), {"kind": device.kind})
        seen.add(device.kind)


def device_overlaps(subject: Subject) -> Findings:
    seen: list[Device] = []
    for index, device in _devices(subject):
        for other in seen:
            if device.mmio_base < other.mmio_base + other.mmio_size and (
                other.mmio_base < device.mmio_base + device.mmio_size
            ):
                yield Finding(("hardware", "devices", index, "mmio_base"), {"other": other.kind})
        seen.append(device)


def attestation_decided(subject: Subject) -> Findings:
    for hardware in _uefi(subject):
        if hardware.attestation is None:
            yield Finding(("hardware", "attestation"), {"profile": UEFI})


def attestation_device(subject: Subject) -> Findings:
    hardware = subject.document.hardware
    attestation = None if hardware is None else hardware.attestation
    if hardware is None or attestation is None or not attestation.enabled or attestation.provider != "tpm2":
        return
    if all(device.kind != "TPM" for device in hardware.devices):
        yield Finding(("hardware", "attestation", "provider"), {})


def _uefi(subject: Subject) -> Iterator[Hardware]:
    hardware = subject.document.hardware
    if hardware is not None and hardware.profile == UEFI:
        yield hardware


def _devices(subject: Subject) -> Iterator[tuple[int, Device]]:
    hardware = subject.document.hardware
    if hardware is not None:
        yield from enumerate(hardware.devices)
