"""Who may attach and what they see: tickets, their limits, namespaces, sharding."""

from pydantic import Field

from ninedoor import config, limits
from ninedoor.config import Role
from ninedoor.manifest.models.base import UINT32, Component, Table

SECRET_TABLES = frozenset({"tickets"})
"""Top-level tables whose values no message may repeat: a misplaced key there can be a secret."""

SHARD_BITS_MAX = 8
"""Shard labels are two hexadecimal digits."""

_LIMITS = config.TicketLimits()


class Ticket(Table):
    """One secret that signs the tickets of one role; a role may have several while they are rotated."""

    role: Role = Field(description="Role that tickets signed with this secret may claim.")
    secret: str = Field(
        min_length=1,
        max_length=256,
        repr=False,
        description="Key of the signature; the role's first one mints.",
    )


class TicketLimits(Table):
    """The most a ticket may claim, and the quotas of a ticket that claims none; a quota of 0 is unlimited."""

    max_scopes: int = Field(
        default=_LIMITS.max_scopes, ge=0, le=limits.SCOPES_MAX, description="Scopes in one ticket."
    )
    max_scope_path_len: int = Field(
        default=_LIMITS.max_scope_path_len,
        ge=1,
        le=limits.TICKET_STRING_MAX,
        description="Bytes in the path of one scope.",
    )
    max_scope_rate_per_s: int = Field(
        default=_LIMITS.max_scope_rate_per_s,
        ge=0,
        le=UINT32,
        description="Operations per second within one scope.",
    )
    bandwidth_bytes: int = Field(
        default=_LIMITS.bandwidth_bytes, ge=0, le=UINT32, description="Bytes one ticket may move in its life."
    )
    cursor_resumes: int = Field(
        default=_LIMITS.cursor_resumes, ge=0, le=UINT32, description="Reads that go back in a telemetry file."
    )
    cursor_advances: int = Field(
        default=_LIMITS.cursor_advances, ge=0, le=UINT32, description="Reads of telemetry files."
    )


class Mount(Table):
    """A path that queen commands may refer to by a service name."""

    service: Component = Field(description="Name used by the mount command.")
    target: list[Component] = Field(min_length=1, description="Components of the path it stands for.")


class Namespaces(Table):
    """How the tree is shown to sessions."""

    role_isolation: bool = Field(
        default=True, description="Show each role only its own part of the tree; must be true."
    )
    mounts: list[Mount] = Field(
        default_factory=list, max_length=256, description="Services that can be mounted."
    )


class Sharding(Table):
    """Worker directories spread over /shard by a hash of the worker's name."""

    enabled: bool = Field(default=False, description="Serve workers below /shard/<label>/worker.")
    shard_bits: int = Field(
        default=0,
        ge=0,
        le=SHARD_BITS_MAX,
        description="Bits of the hash in a label; 2^bits directories exist.",
    )
    legacy_worker_alias: bool = Field(
        default=False, description="Keep /worker/<id> as a second name of each worker."
    )
