"""Default budgets and the choice of the secret."""

import pytest

from ninedoor.config import Role
from ninedoor.errors import TicketError
from ninedoor.policy.minting import DEFAULT_BUDGETS, UNLIMITED, Budget, mint_new, new_ticket
from ninedoor.policy.roles import BUS, GPU, HEARTBEAT, LORA, QUEEN, ROLES, WORKERS
from ninedoor.policy.tickets import PREFIX, Ticket, decode, derive_key
from tests.policy.test_tickets import VECTORS, Vector

STOCK: dict[str, tuple[str, ...]] = {
    QUEEN: ("bootstrap",),
    HEARTBEAT: ("worker",),
    GPU: ("worker-gpu",),
    BUS: ("worker-bus",),
    LORA: ("worker-lora",),
}


@pytest.mark.parametrize("vector", VECTORS[:5], ids=lambda vector: vector.name)
def test_default_tickets_are_those_of_the_original(vector: Vector) -> None:
    ticket = vector.ticket

    assert mint_new(STOCK, ticket.role, ticket.subject, ticket.issued_at_ms / 1000) == PREFIX + vector.token


def test_every_role_has_a_default_budget() -> None:
    assert set(DEFAULT_BUDGETS) == set(ROLES)


def test_given_budget_replaces_the_default_wholesale() -> None:
    assert new_ticket(HEARTBEAT, "worker-1", 1.0, Budget(ops=3)) == Ticket(
        HEARTBEAT, 1000, ops=3, subject="worker-1"
    )
    assert new_ticket(GPU, "worker-1", 1.0, UNLIMITED) == Ticket(GPU, 1000, subject="worker-1")


def test_first_of_several_secrets_mints() -> None:
    token = mint_new({QUEEN: ("new", "old")}, QUEEN, None, 1.0)

    assert decode(token, derive_key("new")) == Ticket(QUEEN, 1000)


@pytest.mark.parametrize("role", WORKERS)
@pytest.mark.parametrize("subject", [None, ""])
def test_worker_needs_a_subject(role: Role, subject: str | None) -> None:
    with pytest.raises(TicketError, match=r"^worker roles require a subject identity$"):
        mint_new(STOCK, role, subject, 1.0)


def test_queen_has_no_subject() -> None:
    assert new_ticket(QUEEN, "", 1.0).subject is None
    with pytest.raises(TicketError, match=r"^queen tickets carry no subject, not 'anna'$"):
        new_ticket(QUEEN, "anna", 1.0)


def test_unknown_role_is_refused() -> None:
    with pytest.raises(TicketError, match=r"^unknown role 'king'$"):
        new_ticket("king", "arthur", 1.0)


@pytest.mark.parametrize("secrets", [{}, {GPU: ()}])
def test_role_without_a_secret_cannot_mint(secrets: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(TicketError, match=r"^no secret for role worker-gpu$"):
        mint_new(secrets, GPU, "worker-2", 1.0)
