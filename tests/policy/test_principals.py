"""What a principal may do after its attach: the order of questions, their price, and their refusals."""

import errno
from collections.abc import Callable

import pytest

from ninedoor.errors import P9Error
from ninedoor.policy.meters import ELIMIT, Meter
from ninedoor.policy.principals import TicketHolder, TrustedQueen
from ninedoor.policy.roles import HEARTBEAT, QUEEN, Identity
from ninedoor.policy.rules import DEFAULT_PLACES, Access
from ninedoor.policy.tickets import Quotas, Scope, Ticket, Verb
from ninedoor.session.ports import READ, WRITE, Path, Permit, Principal
from tests.policy.registry import FakeRegistry, Lines

LOG: Path = ("log", "queen.log")
RING: Path = ("worker", "worker-1", "telemetry")
UNLIMITED = Quotas()
CTL: Path = ("queen", "ctl")


class House:
    """One worker, one queen, both with tickets, and everything they lean on."""

    def __init__(self, *scopes: Scope, quotas: Quotas = UNLIMITED, deadline: float = 1000.0) -> None:
        self.lines = Lines()
        self.registry = FakeRegistry(worker_1=HEARTBEAT)
        self.record = self.registry.workers["worker-1"]
        self.worker = self.holder(Ticket(HEARTBEAT, 0, subject="worker-1", scopes=scopes), quotas, deadline)
        self.queen = self.holder(Ticket(QUEEN, 0, scopes=scopes), quotas, deadline)

    def holder(self, ticket: Ticket, quotas: Quotas = UNLIMITED, deadline: float = 1000.0) -> TicketHolder:
        """Whoever attached with `ticket`, with a meter of his own."""
        name = ticket.subject
        return TicketHolder(
            Identity(ticket.role, name),
            "f00d",
            access=Access(ticket.role, {**DEFAULT_PLACES, "subject": ((name,),)} if name else {}),
            meter=Meter(ticket, "f00d", quotas, self.lines),
            worker=self.registry.lookup(name) if name else None,
            workers=self.registry,
            deadline=deadline,
            log=self.lines,
        )

    def worker_with(self, *, ticks: int | None = None, ops: int | None = None) -> TicketHolder:
        """The worker again, with a ticket of this budget."""
        return self.holder(Ticket(HEARTBEAT, 0, ticks, ops, subject="worker-1"))


class Transfers:
    """What a session does before and after each transfer on an open file: the principal pays, the permit is
    asked, if there is one."""

    def __init__(self, holder: Principal, permit: Permit | None) -> None:
        assert holder.pay is not None
        self._pay = holder.pay
        self._permit = permit

    def read(self, offset: int, count: int, now: float) -> None:
        self._pay(now)
        if self._permit is not None:
            self._permit.read(offset, count, now)

    def write(self, count: int, now: float) -> None:
        self._pay(now)
        if self._permit is not None:
            self._permit.write(count, now)

    def moved(self, count: int) -> None:
        if self._permit is not None:
            self._permit.moved(count)


def permit_of(holder: Principal, path: Path, access: int, now: float = 1.0) -> Transfers:
    return Transfers(holder, holder.open(path, access, now))


def refusal(action: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(P9Error) as caught:
        action()
    return caught.value.ecode, caught.value.reason


# -- a queen whom the door vouches for -------------------------------------------------------------


def test_trusted_queen_may_do_everything_unmetered() -> None:
    queen: Principal = TrustedQueen()
    queen.check(1.0)
    queen.walk(CTL, 1.0)

    assert queen.sees(CTL)
    assert queen.open(CTL, READ | WRITE, 1.0) is None
    assert (queen.label, queen.role, queen.ticket) == ("queen", "queen", "none")


# -- who -------------------------------------------------------------------------------------------


def test_holder_is_labelled_by_role_and_name() -> None:
    house = House()

    assert (house.worker.label, house.worker.role, house.worker.ticket) == (
        "worker-heartbeat:worker-1",
        "worker-heartbeat",
        "f00d",
    )
    assert (house.queen.label, house.queen.role, house.queen.ticket) == ("queen", "queen", "f00d")


# -- role ------------------------------------------------------------------------------------------


def test_worker_walks_and_opens_what_its_role_allows() -> None:
    worker = House().worker
    worker.walk(RING, 1.0)
    permit = permit_of(worker, RING, READ | WRITE)
    permit.write(12, 1.0)
    permit.moved(12)
    permit.read(0, 12, 1.0)
    permit.moved(12)


def test_worker_is_denied_the_rest() -> None:
    worker = House().worker

    assert refusal(lambda: worker.walk(CTL, 1.0)) == (errno.EPERM, "access to /queen/ctl denied")
    assert refusal(lambda: worker.open(LOG, WRITE, 1.0)) == (errno.EPERM, "access to /log/queen.log denied")
    assert refusal(lambda: worker.open(("worker",), READ, 1.0)) == (errno.EPERM, "access to /worker denied")


def test_listing_shows_a_worker_what_it_could_reach() -> None:
    house = House()

    assert house.worker.sees(("worker", "worker-1"))
    assert not house.worker.sees(("worker", "worker-2"))
    assert house.record.charged == 0


def test_listing_shows_the_holder_of_scopes_what_they_reach() -> None:
    queen = House(Scope("/log", Verb.READ)).queen

    assert queen.sees(("log",))
    assert not queen.sees(("queen",))


@pytest.mark.parametrize(("path", "kind"), [(("bus", "main", "ctl"), "bus"), (("lora",), "lora")])
def test_denial_below_a_sidecar_is_logged_with_its_kind(path: Path, kind: str) -> None:
    house = House()

    assert refusal(lambda: house.worker.walk(path, 3.0))[0] == errno.EPERM
    assert house.lines.take() == [f"sidecar-deny kind={kind} scope=worker-1"]
    assert house.lines.times == [3.0]


def test_denial_elsewhere_is_left_to_the_audit() -> None:
    house = House()

    assert refusal(lambda: house.worker.walk(CTL, 1.0))[0] == errno.EPERM
    assert house.lines.lines == []


# -- scopes and quotas -----------------------------------------------------------------------------


def test_scope_limits_what_the_role_allows() -> None:
    house = House(Scope("/log", Verb.READ))

    assert refusal(lambda: house.queen.walk(CTL, 1.0))[0] == errno.EPERM
    assert refusal(lambda: house.queen.open(LOG, WRITE, 1.0))[0] == errno.EPERM
    assert refusal(lambda: house.queen.open(LOG, READ | WRITE, 1.0))[0] == errno.EPERM
    assert [line.split(" path=")[1] for line in house.lines.lines] == [
        "/queen/ctl verb=read",
        "/log/queen.log verb=write",
        "/log/queen.log verb=read-write",
    ]


def test_opening_both_ways_is_logged_as_such_whichever_way_is_denied() -> None:
    house = House(Scope("/log", Verb.WRITE))

    assert refusal(lambda: house.queen.open(LOG, READ | WRITE, 1.0))[0] == errno.EPERM
    assert house.lines.lines[0].endswith(" path=/log/queen.log verb=read-write")


def test_scope_never_widens_the_role() -> None:
    house = House(Scope("/", Verb.READ_WRITE))

    assert refusal(lambda: house.worker.walk(CTL, 1.0)) == (errno.EPERM, "access to /queen/ctl denied")


def test_two_scopes_may_cover_the_two_directions() -> None:
    queen = House(Scope("/log", Verb.READ, 1), Scope("/log/queen.log", Verb.WRITE, 2)).queen
    permit = permit_of(queen, LOG, READ | WRITE)
    permit.read(0, 1, 1.0)
    permit.write(1, 1.0)
    permit.write(1, 1.0)

    assert refusal(lambda: permit.read(0, 1, 1.0)) == (errno.EDQUOT, ELIMIT)
    assert refusal(lambda: permit.write(1, 1.0)) == (errno.EDQUOT, ELIMIT)


def test_rate_holds_across_opens() -> None:
    queen = House(Scope("/log", Verb.READ, 1)).queen
    permit_of(queen, LOG, READ).read(0, 1, 1.0)

    assert refusal(lambda: permit_of(queen, LOG, READ).read(0, 1, 1.9)) == (errno.EDQUOT, ELIMIT)
    permit_of(queen, LOG, READ).read(0, 1, 2.0)


def test_bandwidth_counts_both_directions() -> None:
    queen = House(quotas=Quotas(bandwidth_bytes=100)).queen
    permit = permit_of(queen, LOG, READ | WRITE)
    permit.read(0, 100, 1.0)
    permit.moved(40)
    permit.write(60, 1.0)
    permit.moved(60)

    assert refusal(lambda: permit.read(0, 1, 1.0)) == (errno.EDQUOT, ELIMIT)
    assert refusal(lambda: permit.write(1, 1.0)) == (errno.EDQUOT, ELIMIT)


def test_cursor_quotas_hold_for_telemetry_only() -> None:
    queen = House(quotas=Quotas(cursor_advances=1)).queen
    log, ring = permit_of(queen, LOG, READ), permit_of(queen, RING, READ)
    for _ in range(3):
        log.read(0, 1, 1.0)
    ring.read(0, 1, 1.0)

    assert refusal(lambda: ring.read(1, 1, 1.0)) == (errno.EDQUOT, ELIMIT)


def test_resume_is_a_read_before_the_end_of_the_last() -> None:
    queen = House(quotas=Quotas(cursor_resumes=1)).queen
    ring = permit_of(queen, RING, READ)
    for offset, moved in ((0, 50), (50, 10), (60, 0), (59, 1)):
        ring.read(offset, 100, 1.0)
        ring.moved(moved)

    assert refusal(lambda: ring.read(0, 100, 1.0)) == (errno.EDQUOT, ELIMIT)
    ring.read(60, 100, 1.0)


def test_write_does_not_move_the_cursor() -> None:
    queen = House(quotas=Quotas(cursor_resumes=1)).queen
    ring = permit_of(queen, RING, READ | WRITE)
    ring.read(0, 100, 1.0)
    ring.moved(10)
    ring.write(500, 1.0)
    ring.moved(500)
    ring.read(10, 100, 1.0)
    ring.moved(0)
    ring.read(9, 100, 1.0)

    assert refusal(lambda: ring.read(9, 100, 1.0)) == (errno.EDQUOT, ELIMIT)


# -- price, revocation, expiry ---------------------------------------------------------------------


def test_each_walk_open_read_and_write_costs_one_operation() -> None:
    house = House()
    house.worker.walk(RING, 1.0)
    permit = permit_of(house.worker, RING, READ | WRITE)
    permit.read(0, 1, 1.0)
    permit.write(1, 1.0)
    permit.moved(1)

    assert house.record.charged == 4


def test_refused_operation_is_paid_for() -> None:
    house = House()

    assert refusal(lambda: house.worker.walk(CTL, 1.0))[0] == errno.EPERM
    assert refusal(lambda: house.worker.open(CTL, WRITE, 1.0))[0] == errno.EPERM
    assert house.record.charged == 2


def test_check_costs_nothing() -> None:
    house = House()
    worker = house.worker_with(ops=1)
    worker.check(1.0)

    assert house.record.charged == 0
    worker.walk(RING, 1.0)


def test_ticket_pays_for_each_walk_open_read_and_write_and_for_those_refused() -> None:
    worker = House().worker_with(ops=5)
    worker.walk(RING, 1.0)
    permit = permit_of(worker, RING, READ | WRITE)
    permit.read(0, 1, 1.0)
    permit.write(1, 1.0)
    assert refusal(lambda: worker.walk(CTL, 1.0))[0] == errno.EPERM
    exhausted = (errno.ESTALE, "operation budget of the ticket exhausted")

    assert refusal(lambda: worker.walk(RING, 1.0)) == exhausted
    assert refusal(lambda: worker.open(RING, READ, 1.0)) == exhausted
    assert refusal(lambda: permit.read(0, 1, 1.0)) == exhausted
    assert refusal(lambda: permit.write(1, 1.0)) == exhausted


def test_queen_with_a_budget_runs_out_of_it() -> None:
    queen = House().holder(Ticket(QUEEN, 0, ops=1))
    queen.walk(CTL, 1.0)

    assert refusal(lambda: queen.walk(CTL, 1.0))[0] == errno.ESTALE


def test_queen_affords_at_once_what_her_ticket_pays_for_and_pays_for_all_of_it() -> None:
    queen = House().holder(Ticket(QUEEN, 0, ops=5))
    assert not queen.affords(6, 1.0)
    assert queen.affords(5, 1.0)

    queen.spend(1.0, 4)
    assert not queen.affords(2, 1.0)
    queen.spend(1.0)
    assert refusal(lambda: queen.spend(1.0))[0] == errno.ESTALE


def test_queen_without_a_budget_affords_anything_until_her_ticket_ends() -> None:
    house = House(deadline=9.0)
    assert house.queen.affords(10**9, 1.0)
    house.queen.spend(1.0, 10**9)

    assert not house.queen.affords(1, 9.0)
    house.registry.revocations["f00d"] = "revoked"
    assert not house.queen.affords(1, 1.0)


def test_worker_pays_for_each_operation_by_itself() -> None:
    assert not House().worker.affords(1, 1.0)


def test_exhausted_ticket_neither_ends_its_worker_nor_spends_what_the_worker_has() -> None:
    house = House()
    house.record.ops = 3
    worker = house.worker_with(ops=1)
    worker.walk(RING, 1.0)
    for _ in range(9):
        assert refusal(lambda: worker.walk(RING, 1.0))[0] == errno.ESTALE

    assert (house.record.revoked, house.record.ops) == (None, 2)
    house.worker.walk(RING, 1.0)


def test_write_to_telemetry_costs_the_ticket_a_tick_and_nothing_else_does() -> None:
    house = House()
    worker = house.worker_with(ticks=2)
    permit = permit_of(worker, RING, READ | WRITE)
    permit.write(1, 1.0)
    permit.read(0, 1, 1.0)
    permit.write(1, 1.0)

    assert refusal(lambda: permit.write(1, 1.0)) == (
        errno.ESTALE,
        "tick budget of the ticket exhausted",
    )
    permit.read(0, 1, 1.0)
    assert house.record.revoked is None
    permit_of(house.worker, RING, WRITE).write(1, 1.0)


def test_write_elsewhere_costs_no_tick() -> None:
    permit_of(House().holder(Ticket(QUEEN, 0, ticks=0)), LOG, WRITE).write(1, 1.0)


def test_exhausted_budget_refuses_before_anything_else() -> None:
    house = House()
    house.record.ops = 1
    permit = permit_of(house.worker, RING, READ)
    exhausted = (errno.ESTALE, "operation budget exhausted")

    assert refusal(lambda: permit.read(0, 1, 1.0)) == exhausted
    assert refusal(lambda: house.worker.walk(CTL, 1.0)) == exhausted
    assert refusal(lambda: house.worker.check(1.0)) == exhausted


def test_revoked_worker_is_refused_everything_with_the_reason() -> None:
    house = House()
    permit = permit_of(house.worker, RING, READ | WRITE)
    house.record.revoked = "killed by queen"
    killed = (errno.ESTALE, "killed by queen")

    assert refusal(lambda: house.worker.check(1.0)) == killed
    assert refusal(lambda: house.worker.walk((), 1.0)) == killed
    assert refusal(lambda: house.worker.open(RING, READ, 1.0)) == killed
    assert refusal(lambda: permit.read(0, 1, 1.0)) == killed
    assert refusal(lambda: permit.write(1, 1.0)) == killed


@pytest.mark.parametrize("role", [HEARTBEAT, QUEEN])
def test_expired_ticket_is_refused_at_use(role: str) -> None:
    house = House(deadline=10.0)
    holder = house.worker if role == HEARTBEAT else house.queen
    permit = permit_of(holder, RING, READ | WRITE, 9.9)
    holder.check(9.999)
    expired = (errno.ESTALE, "ticket expired")

    assert refusal(lambda: holder.check(10.0)) == expired
    assert refusal(lambda: holder.walk((), 10.0)) == expired
    assert refusal(lambda: holder.open(RING, READ, 10.0)) == expired
    assert refusal(lambda: permit.read(0, 1, 10.0)) == expired
    assert refusal(lambda: permit.write(1, 10.0)) == expired


def test_expired_ticket_spends_nothing_of_its_worker() -> None:
    house = House(deadline=10.0)
    assert refusal(lambda: house.worker.walk(RING, 10.0))[0] == errno.ESTALE

    assert house.record.charged == 0


def test_worker_whose_ttl_ends_is_refused_with_the_reason_of_its_revocation() -> None:
    house = House(deadline=10.0)
    house.record.deadline = 9.0

    assert refusal(lambda: house.worker.walk((), 9.0)) == (errno.ESTALE, "ticket ttl expired")
    assert refusal(lambda: house.worker.walk((), 10.0)) == (errno.ESTALE, "ticket ttl expired")


def test_revoked_ticket_is_refused_at_use() -> None:
    house = House()
    permit = permit_of(house.queen, LOG, READ)
    house.registry.revocations["f00d"] = "leaked"
    revoked = (errno.ESTALE, "ticket revoked: leaked")

    assert refusal(lambda: house.queen.check(1.0)) == revoked
    assert refusal(lambda: house.queen.walk((), 1.0)) == revoked
    assert refusal(lambda: house.queen.open(LOG, READ, 1.0)) == revoked
    assert refusal(lambda: permit.read(0, 1, 1.0)) == revoked
