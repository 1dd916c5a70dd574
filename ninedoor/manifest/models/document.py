"""The whole manifest file. Field order is JSON order; the project's own tables stand last."""

from pydantic import Field

from ninedoor import limits
from ninedoor.manifest.models.access import Namespaces, Sharding, Ticket, TicketLimits
from ninedoor.manifest.models.base import Table, is_absent, is_empty
from ninedoor.manifest.models.cas import Cas
from ninedoor.manifest.models.clients import ClientPaths, ClientPolicies, Swarmui
from ninedoor.manifest.models.core import Cache, EventPump, Features, Meta, Profile, RootTask, Secure9P
from ninedoor.manifest.models.ecosystem import Ecosystem
from ninedoor.manifest.models.hardware import Hardware
from ninedoor.manifest.models.observability import Observability, UiProviders
from ninedoor.manifest.models.ours import Console, Listener, Store, Workers
from ninedoor.manifest.models.sidecars import Sidecars
from ninedoor.manifest.models.telemetry import Lifecycle, Telemetry, TelemetryIngest


class Document(Table):
    """A manifest as written, with defaults filled in."""

    meta: Meta = Field(default_factory=Meta, description="About this file.")
    root_task: RootTask = Field(description="Format version.")
    profile: Profile = Field(description="Deployment.")
    event_pump: EventPump = Field(description="Guest event loop.")
    secure9p: Secure9P = Field(description="Protocol bounds.")
    features: Features = Field(description="Doors and tools.")
    cache: Cache = Field(default_factory=Cache, description="Guest cache maintenance.")
    tickets: list[Ticket] = Field(max_length=256, description="Ticket secrets.")
    ticket_limits: TicketLimits = Field(default_factory=TicketLimits, description="Bounds of ticket claims.")
    namespaces: Namespaces = Field(default_factory=Namespaces, description="Views of the tree.")
    sharding: Sharding = Field(default_factory=Sharding, description="Worker directories.")
    ecosystem: Ecosystem = Field(default_factory=Ecosystem, description="Optional services.")
    sidecars: Sidecars = Field(default_factory=Sidecars, description="Bus and radio adapters.")
    telemetry: Telemetry = Field(default_factory=Telemetry, description="Worker rings.")
    telemetry_ingest: TelemetryIngest = Field(default_factory=TelemetryIngest, description="Device segments.")
    lifecycle: Lifecycle = Field(default_factory=Lifecycle, description="States of the hive.")
    observability: Observability = Field(default_factory=Observability, description="Status files.")
    ui_providers: UiProviders = Field(default_factory=UiProviders, description="Files for user interfaces.")
    client_policies: ClientPolicies = Field(default_factory=ClientPolicies, description="Client limits.")
    client_paths: ClientPaths = Field(default_factory=ClientPaths, description="Client paths.")
    swarmui: Swarmui = Field(default_factory=Swarmui, description="A user interface outside this project.")
    cas: Cas = Field(default_factory=Cas, description="Content-addressed updates.")
    store: Store | None = Field(
        default=None, exclude_if=is_absent, description="Persistence (this project's own)."
    )
    workers: Workers | None = Field(
        default=None, exclude_if=is_absent, description="Workers (this project's own)."
    )
    listeners: list[Listener] = Field(
        default_factory=list,
        max_length=limits.LISTENERS_MAX,
        exclude_if=is_empty,
        description="Sockets (this project's own).",
    )
    consoles: list[Console] = Field(
        default_factory=list,
        max_length=limits.LISTENERS_MAX,
        exclude_if=is_empty,
        description="Consoles (this project's own).",
    )
    hardware: Hardware | None = Field(
        default=None, exclude_if=is_absent, description="The guest's machine (this project's own)."
    )
