"""The five roles, and who an attach says it is.

`ROLES` is in wire order: a role's index is its number in a ticket. What a role may do is in `rules.py`;
whether the claim made in uname is true is for `gate.py` to find out.
"""

import errno
from typing import NamedTuple

from ninedoor.config import Role
from ninedoor.errors import P9Error

QUEEN: Role = "queen"
HEARTBEAT: Role = "worker-heartbeat"
GPU: Role = "worker-gpu"
BUS: Role = "worker-bus"
LORA: Role = "worker-lora"

WORKERS: tuple[Role, ...] = (HEARTBEAT, GPU, BUS, LORA)
ROLES: tuple[Role, ...] = (QUEEN, *WORKERS)

_BY_NAME: dict[str, Role] = {role: role for role in ROLES}


class Identity(NamedTuple):
    """A role and, for a worker, which one. A queen has no name."""

    role: Role
    name: str | None

    @property
    def label(self) -> str:
        """`queen` or `<role>:<name>`."""
        return self.role if self.name is None else f"{self.role}:{self.name}"


def role_named(name: str) -> Role | None:
    """The role called `name`, None when there is none."""
    return _BY_NAME.get(name)


def parse_uname(uname: str) -> Identity | None:
    """Whom `uname` claims to be: `queen` or `<role>:<name>`.

    Returns None for a name that claims no role, as v9fs and diod's tools send (`nobody`, `root`, empty).
    A name with a colon, or one that begins with `worker`, does claim one: a misspelt worker must not pass
    for the nobody whom a trusted door makes queen. Raises EINVAL for a claim that is no role, or no name.
    """
    role_text, colon, name = uname.partition(":")
    role = role_named(role_text)
    if role in WORKERS:
        if not name:
            raise P9Error(errno.EINVAL, f"{role} identity cannot be empty")
        return Identity(role, name)
    if colon or uname.startswith("worker"):
        raise P9Error(errno.EINVAL, f"unknown role string {uname!r}")
    return None if role is None else Identity(role, None)
