"""What a ticket may claim under the manifest's limits."""

import pytest

from ninedoor.config import TicketLimits
from ninedoor.policy.claims import breach, effective_quotas
from ninedoor.policy.roles import QUEEN
from ninedoor.policy.tickets import Quotas, Scope, Ticket, Verb
from tests.policy.test_tickets import VECTORS, Vector

LIMITS = TicketLimits()
NO_LIMITS = TicketLimits(0, 0, 0, 0, 0, 0)


def scoped(*scopes: Scope) -> Ticket:
    return Ticket(QUEEN, 0, scopes=scopes)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_tickets_of_the_original_claim_nothing_excessive(vector: Vector) -> None:
    assert breach(vector.ticket, LIMITS) is None


@pytest.mark.parametrize(
    ("ticket", "detail"),
    [
        (scoped(*[Scope("/log", Verb.READ)] * 9), "scopes 9 over 8"),
        (scoped(Scope("/" + "é" * 64, Verb.READ)), "scope path of 129 bytes over 128"),
        (
            scoped(Scope("/log", Verb.READ), Scope("log", Verb.READ)),
            "scope path 'log' not absolute and canonical",
        ),
        (scoped(Scope("/log", Verb.READ, 65)), "scope rate 65 over 64"),
        (Ticket(QUEEN, 0, quotas=Quotas(131073, 0, 0)), "bandwidth_bytes 131073 over 131072"),
        (Ticket(QUEEN, 0, quotas=Quotas(0, 17, 0)), "cursor_resumes 17 over 16"),
        (Ticket(QUEEN, 0, quotas=Quotas(0, 0, 257)), "cursor_advances 257 over 256"),
    ],
)
def test_excessive_claim_is_named(ticket: Ticket, detail: str) -> None:
    assert breach(ticket, LIMITS) == detail


@pytest.mark.parametrize(
    "ticket",
    [
        scoped(*[Scope("/log", Verb.READ, 64)] * 8),
        scoped(Scope("/" + "a" * 127, Verb.READ)),
        Ticket(QUEEN, 0, quotas=Quotas(131072, 16, 256)),
    ],
)
def test_claim_at_the_limit_is_good(ticket: Ticket) -> None:
    assert breach(ticket, LIMITS) is None


def test_limit_of_zero_is_none() -> None:
    greedy = Ticket(
        QUEEN,
        0,
        scopes=(Scope("/" + "a" * 254, Verb.READ, 2**32 - 1),) * 16,
        quotas=Quotas(2**60, 2**30, 2**30),
    )

    assert breach(greedy, NO_LIMITS) is None


def test_malformed_scope_is_refused_under_any_limits() -> None:
    assert (
        breach(scoped(Scope("/a/../b", Verb.READ)), NO_LIMITS)
        == "scope path '/a/../b' not absolute and canonical"
    )


def test_ticket_without_quotas_is_held_to_the_limits() -> None:
    assert effective_quotas(Ticket(QUEEN, 0), LIMITS) == Quotas(131072, 16, 256)
    assert effective_quotas(Ticket(QUEEN, 0), NO_LIMITS) == Quotas(0, 0, 0)


def test_quota_left_out_is_held_to_its_limit() -> None:
    assert effective_quotas(Ticket(QUEEN, 0, quotas=Quotas(0, 0, 1)), LIMITS) == Quotas(131072, 16, 1)
