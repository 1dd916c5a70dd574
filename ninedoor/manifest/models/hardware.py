"""The machine that the guest runs on, and how it proves what it was started from."""

from typing import Annotated, Literal

from pydantic import Field

from ninedoor.manifest.models.base import Table, Word

DeviceKind = Literal["UART", "NET", "RTC", "TPM"]

ADDRESS_MAX = (1 << 48) - 1
"""Largest physical address of the architecture."""

IRQ_MAX = 1019
"""Largest interrupt number of a GICv2."""

PCR_MAX = 23


class Device(Table):
    """One device at its place in physical memory."""

    kind: DeviceKind = Field(description="What the guest uses it for.")
    compatible: Word = Field(description="Driver, as a device tree names it: `arm,pl011`.")
    mmio_base: int = Field(ge=0, le=ADDRESS_MAX, description="Physical address of its registers.")
    mmio_size: int = Field(ge=1, le=ADDRESS_MAX, description="Bytes its registers take.")
    irq: int = Field(ge=0, le=IRQ_MAX, description="Number of its interrupt.")


class Attestation(Table):
    """Statements about what was started, signed by the machine."""

    enabled: bool = Field(default=False, description="Measure and attest; without the device, do not start.")
    provider: Literal["tpm2", "dice"] = Field(default="tpm2", description="What measures and signs.")
    pcrs: list[Annotated[int, Field(ge=0, le=PCR_MAX)]] = Field(
        default_factory=lambda: [0, 7, 11],
        min_length=1,
        max_length=PCR_MAX + 1,
        description="Registers of the TPM that a statement covers.",
    )
    seal_tickets: bool = Field(default=False, description="Bind the ticket secrets to the measured state.")


class Hardware(Table):
    """The machine that the guest runs on."""

    profile: Literal["virt-aarch64", "uefi_aarch64"] = Field(
        default="virt-aarch64", description="QEMU's virt machine, whose devices are known, or a UEFI machine."
    )
    secure_boot: Literal["required", "audit", "off"] = Field(
        default="off", description="Whether the firmware must have checked what it started."
    )
    devices: list[Device] = Field(default_factory=list, max_length=64, description="Devices the guest uses.")
    attestation: Attestation | None = Field(
        default=None, description="Attestation; must be decided for a UEFI machine."
    )
