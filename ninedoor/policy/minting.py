"""New tickets: the budgets a role gets when nobody says otherwise, and which secret mints.

Used by `ninedoor ticket mint` and by the runtime for the workers it supervises.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ninedoor.config import Role
from ninedoor.errors import TicketError
from ninedoor.policy.roles import BUS, GPU, HEARTBEAT, LORA, QUEEN, role_named
from ninedoor.policy.tickets import Ticket, mint, unix_ms


class Budget(NamedTuple):
    """Ticks, operations, and seconds to live; None = not limited by the ticket."""

    ticks: int | None = None
    ops: int | None = None
    ttl_s: int | None = None


UNLIMITED = Budget()

DEFAULT_BUDGETS: Mapping[Role, Budget] = {
    QUEEN: UNLIMITED,
    HEARTBEAT: Budget(ticks=1000, ops=10000, ttl_s=300),
    GPU: Budget(ops=64, ttl_s=120),
    BUS: Budget(ticks=1000, ops=10000, ttl_s=300),
    LORA: Budget(ticks=1000, ops=10000, ttl_s=300),
}


def new_ticket(role: str, subject: str | None, now: float, budget: Budget | None = None) -> Ticket:
    """An unscoped ticket issued at `now` (unix seconds). `budget` None takes the role's default. Raises
    TicketError for an unknown role, a worker without a subject, or a queen with one: no attach could use it.
    """
    known = role_named(role)
    if known is None:
        raise TicketError(f"unknown role {role!r}")
    if known == QUEEN and subject:
        raise TicketError(f"queen tickets carry no subject, not {subject!r}")
    if known != QUEEN and not subject:
        raise TicketError("worker roles require a subject identity")
    ticks, ops, ttl_s = DEFAULT_BUDGETS[known] if budget is None else budget
    return Ticket(known, unix_ms(now), ticks, ops, ttl_s, subject or None)


def mint_new(
    secrets: Mapping[str, Sequence[str]],
    role: str,
    subject: str | None,
    now: float,
    budget: Budget | None = None,
) -> str:
    """The token of a `new_ticket`, under the first of the secrets that `secrets` holds for the role. Raises
    TicketError also when it holds none."""
    ticket = new_ticket(role, subject, now, budget)
    candidates = secrets.get(role, ())
    if not candidates:
        raise TicketError(f"no secret for role {role}")
    return mint(ticket, candidates[0])
