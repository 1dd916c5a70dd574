"""The roles that one can attach as, and how messages write them."""

from typing import get_args

from ninedoor.config import Role

ROLES: tuple[Role, ...] = get_args(Role)


def role_label(role: str) -> str:
    """A role as messages write it: `WorkerHeartbeat`."""
    return "".join(word.capitalize() for word in role.split("-"))
