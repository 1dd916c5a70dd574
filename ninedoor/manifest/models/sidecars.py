"""Field-bus and radio adapters that host programs bridge into /bus and /lora."""

from typing import Literal

from pydantic import Field

from ninedoor import limits
from ninedoor.manifest.models.base import UINT32, Component, PathBelowRoot, Table, Word


class Spool(Table):
    """Frames kept while a link is offline."""

    max_entries: int = Field(default=32, ge=1, le=256, description="Frames the spool holds.")
    max_bytes: int = Field(default=4096, ge=1, le=limits.MSIZE_MAX, description="Bytes the spool holds.")


class BusAdapter(Table):
    """One field-bus adapter."""

    id: Component = Field(description="Name of the adapter.")
    mount: Component = Field(description="Directory of the adapter.")
    scope: Component = Field(description="Ticket subject that may use the adapter.")
    link: Literal["serial", "tcp"] = Field(description="How the bus is reached.")
    baud: int = Field(
        ge=0, le=UINT32, description="Line speed in bits per second; at least 1 on a serial link."
    )
    spool: Spool = Field(default_factory=Spool, description="Offline store.")


class Bus(Table):
    """The adapters of one field-bus protocol."""

    enable: bool = Field(default=False, description="Serve the adapters.")
    mount_at: PathBelowRoot = Field(default="/bus", description="Where the adapters' directories stand.")
    adapters: list[BusAdapter] = Field(default_factory=list, max_length=64, description="The adapters.")


class LoraAdapter(Table):
    """One radio adapter."""

    id: Component = Field(description="Name of the adapter.")
    mount: Component = Field(description="Directory of the adapter.")
    scope: Component = Field(description="Ticket subject that may use the adapter.")
    region: Word = Field(description="Radio plan, such as us915.")
    duty_cycle_percent: int = Field(ge=1, le=100, description="Share of a window that may be spent sending.")
    window_ms: int = Field(ge=1, le=UINT32, description="Length of a window in milliseconds.")
    max_payload_bytes: int = Field(ge=1, le=limits.MSIZE_MAX, description="Bytes one transmission may carry.")
    tamper_log_max_entries: int = Field(
        ge=1, le=UINT32, description="Refused transmissions the log remembers."
    )


class Lora(Table):
    """The radio adapters."""

    enable: bool = Field(default=False, description="Serve the adapters.")
    mount_at: PathBelowRoot = Field(default="/lora", description="Where the adapters' directories stand.")
    adapters: list[LoraAdapter] = Field(default_factory=list, max_length=64, description="The adapters.")


class Sidecars(Table):
    """Bridges to field buses and radios."""

    modbus: Bus = Field(default_factory=Bus, description="MODBUS adapters.")
    dnp3: Bus = Field(default_factory=Bus, description="DNP3 adapters.")
    lora: Lora = Field(default_factory=Lora, description="LoRa adapters.")
