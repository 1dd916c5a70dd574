"""Optional services around the hive: host providers, policy gate, audit, replay, model registry."""

from typing import Literal

from pydantic import Field

from ninedoor.manifest.models.base import UINT32, PathBelowRoot, PathPattern, Table, Word

HostProvider = Literal["systemd", "k8s", "docker", "nvidia", "jetson", "net"]


class Host(Table):
    """Files that mirror the state of host services and take requests for them."""

    enable: bool = Field(default=False, description="Serve the host tree.")
    providers: list[HostProvider] = Field(
        default_factory=list, max_length=16, description="Subtrees below the mount point."
    )
    mount_at: PathBelowRoot = Field(default="/host", description="Where the host tree stands.")


class Audit(Table):
    """Bounded logs of commands and decisions, and the replay that re-reads them."""

    enable: bool = Field(default=False, description="Serve /audit.")
    journal_max_bytes: int = Field(
        default=8192, ge=1, le=UINT32, description="Retained bytes of /audit/journal."
    )
    decisions_max_bytes: int = Field(
        default=4096, ge=1, le=UINT32, description="Retained bytes of /audit/decisions."
    )
    replay_enable: bool = Field(default=False, description="Serve /replay; needs enable.")
    replay_max_entries: int = Field(default=64, ge=1, le=256, description="Entries one replay may cover.")
    replay_ctl_max_bytes: int = Field(
        default=1024, ge=1, le=UINT32, description="Retained bytes of /replay/ctl."
    )
    replay_status_max_bytes: int = Field(
        default=1024, ge=1, le=UINT32, description="Most bytes of /replay/status."
    )


class PolicyRule(Table):
    """Writes to a path that need an approved action first."""

    id: Word = Field(description="Name of the rule in log lines.")
    target: PathPattern = Field(description="Gated path; `*` stands for one whole component.")


class Policy(Table):
    """The gate that asks for an approval before selected writes."""

    enable: bool = Field(default=False, description="Serve /policy and /actions and enforce the rules.")
    queue_max_entries: int = Field(default=32, ge=1, le=64, description="Actions the queue holds.")
    queue_max_bytes: int = Field(
        default=4096, ge=1, le=UINT32, description="Bytes one write to /actions/queue may carry."
    )
    ctl_max_bytes: int = Field(default=2048, ge=1, le=UINT32, description="Retained bytes of /policy/ctl.")
    status_max_bytes: int = Field(
        default=512, ge=1, le=UINT32, description="Most bytes of one action's status."
    )
    rules: list[PolicyRule] = Field(default_factory=list, max_length=64, description="The gated paths.")


class Models(Table):
    """The registry of models."""

    enable: bool = Field(default=False, description="Serve /models.")


class Ecosystem(Table):
    """Optional services; each is off unless enabled."""

    host: Host = Field(default_factory=Host, description="Host services.")
    audit: Audit = Field(default_factory=Audit, description="Audit and replay.")
    policy: Policy = Field(default_factory=Policy, description="Approval of writes.")
    models: Models = Field(default_factory=Models, description="Model registry.")
