import pytest

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.mounting import identity
from ninedoor.policy.tickets import Ticket, mint

WORKER = mint(Ticket("worker-gpu", 0, subject="worker-2"), "any secret")
QUEEN = mint(Ticket("queen", 0), "any secret")


@pytest.mark.parametrize(
    ("role", "token", "uname"),
    [
        (None, "", "queen"),
        ("queen", "", "queen"),
        (None, QUEEN, "queen"),
        (None, WORKER, "worker-gpu:worker-2"),
        ("worker-gpu", WORKER, "worker-gpu:worker-2"),
        ("worker-heartbeat", WORKER, "worker-heartbeat:worker-2"),
        ("worker-gpu:other", WORKER, "worker-gpu:other"),
        ("worker-gpu:worker-1", "", "worker-gpu:worker-1"),
    ],
)
def test_the_role_comes_from_the_option_and_is_completed_by_the_ticket(
    role: str | None, token: str, uname: str
) -> None:
    assert identity(role, token) == uname


@pytest.mark.parametrize("role", ["emperor", "worker-gpu", "worker-x:1", "queen:1", "nobody", "worker-gpu:"])
def test_a_role_that_does_not_exist_is_refused(role: str) -> None:
    with pytest.raises(CommandFailure) as refused:
        identity(role, "")

    assert refused.value.status == Exit.USAGE


@pytest.mark.parametrize(
    ("role", "said"),
    [("worker-gpu", "write --role worker-gpu:ID"), ("worker-gpu:", "write --role worker-gpu:ID")],
)
def test_a_worker_without_a_name_is_told_how_to_give_it(role: str, said: str) -> None:
    with pytest.raises(CommandFailure, match=said):
        identity(role, "")


def test_a_malformed_ticket_is_refused_by_the_name_of_its_file() -> None:
    with pytest.raises(CommandFailure) as refused:
        identity(None, "cohesix-ticket-00", "g.ticket")

    assert refused.value.text == "g.ticket: no ticket: ticket malformed"
