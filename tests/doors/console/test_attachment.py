"""The console's session: attached as told, and refusals with who refused."""

import errno

import pytest

from ninedoor.config import Role
from ninedoor.doors.console.attachment import Attachment
from ninedoor.doors.console.visitor import Visitor
from ninedoor.errors import P9Error, RoleRefusal, TicketExpired, TicketRefusal
from ninedoor.policy.tickets import Scope, Ticket, Verb, fingerprint, mint, unix_ms
from tests.deployment import SECRETS, START, ticket
from tests.doors.console.harness import Desk

VISITOR = Visitor("tcp:127.0.0.1:7", "tcp:127.0.0.1", True)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.spawn()
    return made


def attached(desk: Desk, role: Role = "queen", token: str = "") -> Attachment:
    return Attachment(desk.app, VISITOR, role, token, desk.clock())


def refusal(attachment: Attachment, path: str) -> P9Error:
    with pytest.raises(P9Error) as refused:
        attachment.append(path, b"x\n")
    return refused.value


def test_it_is_known_by_role_and_ticket(desk: Desk) -> None:
    token = ticket("worker-heartbeat", "worker-1")
    queen, worker = attached(desk), attached(desk, "worker-heartbeat", token)

    assert (queen.role, queen.label, queen.ticket) == ("queen", "queen", "none")
    assert (worker.role, worker.label) == ("worker-heartbeat", "worker-heartbeat:worker-1")
    assert worker.ticket == fingerprint(token)


def test_one_that_is_refused_leaves_no_session(desk: Desk) -> None:
    with pytest.raises(TicketExpired):
        attached(desk, "queen", ticket("queen", ttl_s=0))
    with pytest.raises(P9Error, match="identity cannot be empty"):
        attached(desk, "worker-heartbeat")

    assert not desk.app.counters.sessions


def test_closing_ends_the_session_once(desk: Desk) -> None:
    queen = attached(desk)
    queen.close()
    queen.close()

    assert not desk.app.counters.sessions
    assert refusal(queen, "/log/queen.log").ecode == errno.ESTALE


def test_a_refusal_says_who_refused_and_why(desk: Desk) -> None:
    scoped = mint(Ticket("queen", unix_ms(START), scopes=(Scope("/log", Verb.READ),)), SECRETS["queen"])
    queen, held = attached(desk), attached(desk, "queen", scoped)
    worker = attached(desk, "worker-heartbeat", ticket("worker-heartbeat", "worker-1"))

    by_role, by_ticket, by_node = (
        refusal(worker, "/queen/ctl"),
        refusal(held, "/log/queen.log"),
        refusal(queen, "/proc/boot"),
    )

    assert type(by_role) is RoleRefusal
    assert by_role.reason == "access to /queen/ctl denied"
    assert type(by_ticket) is TicketRefusal
    assert "outside the scopes of the ticket" in by_ticket.reason
    assert type(by_node) is P9Error
    assert {each.ecode for each in (by_role, by_ticket, by_node)} == {errno.EPERM}


def test_a_refusal_keeps_no_frames_alive(desk: Desk) -> None:
    queen = attached(desk)
    refusal(queen, "/proc/boot")
    (session,) = [queen._channel._session]
    assert session.refusal is not None
    refusal(queen, "/nowhere")

    assert session.refusal is not None
    assert session.refusal.ecode == errno.ENOENT


def test_requests_are_served_at_the_time_of_the_command(desk: Desk) -> None:
    token = ticket("queen", ttl_s=10)
    queen = attached(desk, "queen", token)

    queen.now = START + 9
    assert queen.whole("/proc/boot", 1000)
    queen.now = START + 10
    with pytest.raises(P9Error, match="ticket expired"):
        queen.whole("/proc/boot", 1000)
