"""Attach: every way in, every refusal, and the order in which they are found."""

import errno
import gc
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ninedoor.config import Role, TicketLimits
from ninedoor.errors import P9Error
from ninedoor.policy.gate import TicketGate
from ninedoor.policy.principals import TicketHolder, TrustedQueen
from ninedoor.policy.roles import BUS, GPU, HEARTBEAT, QUEEN
from ninedoor.policy.tickets import PREFIX, Scope, Ticket, Verb, fingerprint, mint
from ninedoor.session.ports import READ, WRITE, Gate, Path, Permit, Principal
from tests.policy.registry import FakeRegistry, Lines
from tests.policy.test_tickets import VECTORS

NOW = 1795397800.0
STOCK_LIMITS = TicketLimits()
SECRETS: dict[str, tuple[str, ...]] = {
    QUEEN: ("bootstrap", "bootstrap-old"),
    HEARTBEAT: ("worker",),
    GPU: ("worker-gpu",),
}
HEARTBEAT_TICKET = Ticket(HEARTBEAT, 1795397728594, ticks=1000, ops=10000, ttl_s=300, subject="worker-1")
WORKER_UNAME = "worker-heartbeat:worker-1"


class House:
    """A gate and what stands behind it. `closed` is the lifecycle's refusal of workers."""

    def __init__(self, ticket_limits: TicketLimits = STOCK_LIMITS) -> None:
        self.lines = Lines()
        self.registry = FakeRegistry(worker_1=HEARTBEAT, worker_2=GPU)
        self.closed = ""
        self.asked: list[str] = []
        self.gate: Gate = TicketGate(
            SECRETS,
            ticket_limits,
            self.registry,
            self.lines,
            may_attach=self._may_attach,
            bindings=_bindings,
        )

    def _may_attach(self, role: str, _now: float) -> None:
        self.asked.append(role)
        if self.closed:
            raise P9Error(errno.EPERM, self.closed)

    def attach(self, uname: str, aname: str = "", trusted: bool = False, now: float = NOW) -> Principal:
        return self.gate.attach(uname, aname, trusted, now)

    def refusal(
        self, uname: str, aname: str = "", trusted: bool = False, now: float = NOW
    ) -> tuple[int, str]:
        with pytest.raises(P9Error) as caught:
            self.attach(uname, aname, trusted, now)
        return caught.value.ecode, caught.value.reason


def _bindings(role: Role, name: str | None) -> Mapping[str, tuple[Path, ...]]:
    return {"shard": (("13",),), "lease": (("GPU-0",),) if role == GPU else (), "subject": (("forged",),)}


@pytest.fixture
def house() -> House:
    return House()


def queen_ticket(**changes: object) -> str:
    return mint(replace(Ticket(QUEEN, int(NOW * 1000)), **changes), "bootstrap")  # type: ignore[arg-type]


def worker_ticket(secret: str = "worker", **changes: object) -> str:
    return mint(replace(HEARTBEAT_TICKET, **changes), secret)  # type: ignore[arg-type]


def permit_of(holder: Principal, path: Path, access: int) -> Permit:
    permit = holder.open(path, access, NOW)
    assert permit is not None
    return permit


# -- without a ticket ------------------------------------------------------------------------------


@pytest.mark.parametrize("uname", ["queen", "", "root", "nobody"])
def test_trusted_peer_without_a_ticket_is_the_queen(house: House, uname: str) -> None:
    principal = house.attach(uname, trusted=True)

    assert isinstance(principal, TrustedQueen)
    assert house.asked == []


@pytest.mark.parametrize("uname", ["queen", "", "root", "nobody"])
def test_untrusted_peer_needs_a_ticket(house: House, uname: str) -> None:
    assert house.refusal(uname) == (errno.EPERM, "ticket required for queen attach")


@pytest.mark.parametrize("trusted", [False, True])
def test_worker_needs_a_ticket_at_every_door(house: House, trusted: bool) -> None:
    assert house.refusal(WORKER_UNAME, trusted=trusted) == (errno.EPERM, "ticket required for worker attach")


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("aname", ["", "anything"])
def test_misnamed_role_is_refused_before_all_else(house: House, aname: str, trusted: bool) -> None:
    house.closed = "closed"

    assert house.refusal("x:y", aname, trusted) == (errno.EINVAL, "unknown role string 'x:y'")
    assert house.refusal("worker-gpu:", aname, trusted) == (
        errno.EINVAL,
        "worker-gpu identity cannot be empty",
    )


# -- with a ticket ---------------------------------------------------------------------------------


@pytest.mark.parametrize("trusted", [False, True])
def test_ticket_makes_a_metered_principal_at_every_door(house: House, trusted: bool) -> None:
    token = queen_ticket()
    principal = house.attach("queen", token, trusted)

    assert isinstance(principal, TicketHolder)
    assert (principal.label, principal.ticket) == ("queen", fingerprint(token))


def test_worker_attaches_with_the_ticket_of_the_original(house: House) -> None:
    principal = house.attach(WORKER_UNAME, PREFIX + VECTORS[1].token)

    assert principal.label == "worker-heartbeat:worker-1"
    principal.walk(("worker", "worker-1", "telemetry"), NOW)


@pytest.mark.parametrize("uname", ["", "root", "nobody"])
def test_peer_that_claims_nothing_is_whom_its_ticket_names(house: House, uname: str) -> None:
    assert house.attach(uname, worker_ticket()).label == "worker-heartbeat:worker-1"
    assert house.attach(uname, queen_ticket()).label == "queen"


def test_false_ticket_is_no_better_than_none_at_a_trusted_door(house: House) -> None:
    assert house.refusal("root", "rubbish", trusted=True) == (
        errno.EPERM,
        "ticket invalid: ticket missing prefix",
    )


@pytest.mark.parametrize("uname", ["root", "queen"])
def test_role_is_believed_under_its_own_key_only(house: House, uname: str) -> None:
    forged = mint(Ticket(QUEEN, 0), "worker")

    assert house.refusal(uname, forged) == (errno.EPERM, "ticket invalid: ticket MAC validation failed")


def test_ticket_of_a_worker_without_a_name_names_nobody(house: House) -> None:
    expected = (errno.EINVAL, "worker-heartbeat identity cannot be empty")

    assert house.refusal("root", worker_ticket(subject=None)) == expected
    assert house.refusal("root", worker_ticket(subject="")) == expected


@pytest.mark.parametrize("uname", ["root", "queen"])
def test_queen_ticket_with_a_subject_fits_no_queen(house: House, uname: str) -> None:
    assert house.refusal(uname, queen_ticket(subject="anna")) == (errno.EPERM, "ticket subject mismatch")


def test_role_without_a_key_rejects_every_ticket(house: House) -> None:
    assert house.refusal("worker-bus:modbus-main", PREFIX + VECTORS[3].token) == (
        errno.EPERM,
        "ticket rejected",
    )


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("rubbish", "ticket missing prefix"),
        (PREFIX + "zz", "ticket malformed"),
        (PREFIX + "00.00", "ticket MAC of 1 bytes, expected 32"),
        (PREFIX + VECTORS[0].token, "ticket MAC validation failed"),
    ],
)
def test_invalid_ticket_is_refused_with_the_reason(house: House, token: str, reason: str) -> None:
    assert house.refusal(WORKER_UNAME, token) == (errno.EPERM, f"ticket invalid: {reason}")


def test_ticket_for_another_role_under_the_same_key_is_refused(house: House) -> None:
    assert house.refusal(WORKER_UNAME, worker_ticket(role=BUS)) == (errno.EPERM, "ticket role mismatch")


@pytest.mark.parametrize("subject", [None, "", "worker-2", "worker-10"])
def test_ticket_for_another_worker_is_refused(house: House, subject: str | None) -> None:
    assert house.refusal(WORKER_UNAME, worker_ticket(subject=subject)) == (
        errno.EPERM,
        "ticket subject mismatch",
    )


def test_ticket_of_a_secret_being_rotated_out_is_good(house: House) -> None:
    assert house.attach("queen", mint(Ticket(QUEEN, 0), "bootstrap-old")).label == "queen"


def test_revoked_ticket_is_refused(house: House) -> None:
    token = queen_ticket()
    house.registry.revocations[fingerprint(token)] = "leaked"

    assert house.refusal("queen", token) == (errno.EPERM, "ticket revoked: leaked")


def test_revocation_holds_for_the_ticket_in_any_spelling(house: House) -> None:
    token = queen_ticket()
    house.registry.revocations[fingerprint(token)] = "leaked"
    spelt = PREFIX + token.removeprefix(PREFIX).upper()

    assert house.refusal("queen", spelt) == (errno.EPERM, "ticket revoked: leaked")


# -- order -----------------------------------------------------------------------------------------


def test_lifecycle_is_asked_before_the_ticket(house: House) -> None:
    house.closed = "lifecycle gate closed"

    assert house.refusal(WORKER_UNAME, "rubbish") == (errno.EPERM, "lifecycle gate closed")
    assert house.refusal(WORKER_UNAME) == (errno.EPERM, "lifecycle gate closed")
    assert house.refusal("root", worker_ticket()) == (errno.EPERM, "lifecycle gate closed")
    assert house.asked == [HEARTBEAT] * 3


def test_lifecycle_never_stops_a_queen(house: House) -> None:
    house.closed = "lifecycle gate closed"

    assert house.attach("queen", queen_ticket()).label == "queen"
    assert house.asked == []


def test_gate_without_a_lifecycle_lets_workers_attach() -> None:
    registry = FakeRegistry(worker_1=HEARTBEAT)
    gate = TicketGate(SECRETS, TicketLimits(), registry, Lines())

    assert gate.attach(WORKER_UNAME, worker_ticket(), False, NOW).label == WORKER_UNAME


def test_ticket_is_verified_before_its_expiry(house: House) -> None:
    stale = worker_ticket(issued_at_ms=0, subject="worker-2")

    assert house.refusal(WORKER_UNAME, stale) == (errno.EPERM, "ticket subject mismatch")
    assert house.lines.lines == []


def test_expiry_is_found_before_excessive_claims(house: House) -> None:
    stale = worker_ticket(issued_at_ms=0, scopes=(Scope("log", Verb.READ),))

    assert house.refusal(WORKER_UNAME, stale) == (errno.EPERM, "ticket expired")


def test_claims_are_judged_before_the_worker_is_looked_up(house: House) -> None:
    greedy = worker_ticket(subject="worker-9", scopes=(Scope("log", Verb.READ),))

    assert house.refusal("worker-heartbeat:worker-9", greedy)[0] == errno.EPERM


# -- expiry ----------------------------------------------------------------------------------------


def test_expired_ticket_is_refused_and_logged(house: House) -> None:
    token = worker_ticket()
    end = 1795397728594 + 300_000
    now = end / 1000
    house.attach(WORKER_UNAME, token, now=now - 0.001)

    assert house.refusal(WORKER_UNAME, token, now=now) == (errno.EPERM, "ticket expired")
    who = f"role=worker-heartbeat ticket={fingerprint(token)}"
    times = f"issued_at_ms=1795397728594 ttl_s=300 now_ms={end}"
    assert house.lines.lines == [f"ui-ticket outcome=deny reason=expired {who} {times}"]


def test_ticket_of_the_original_that_is_expired_from_the_start(house: House) -> None:
    token = PREFIX + VECTORS[7].token

    assert house.refusal("queen", token, now=0.0) == (errno.EPERM, "ticket expired")
    who = f"role=queen ticket={fingerprint(token)}"
    assert house.lines.lines == [
        f"ui-ticket outcome=deny reason=expired {who} issued_at_ms=0 ttl_s=0 now_ms=0"
    ]


def test_ticket_from_a_fast_clock_is_good(house: House) -> None:
    assert house.attach("queen", queen_ticket(issued_at_ms=int(NOW * 1000) + 5000, ttl_s=1)).label == "queen"


def test_ticket_ends_for_a_session_when_its_ttl_does(house: House) -> None:
    principal = house.attach("queen", queen_ticket(ttl_s=10))
    principal.walk((), NOW + 9.9)

    with pytest.raises(P9Error, match="ticket expired"):
        principal.walk((), NOW + 10)


def test_rest_of_a_ttl_is_rounded_up_to_seconds(house: House) -> None:
    principal = house.attach("queen", queen_ticket(ttl_s=10), now=NOW + 9.5)
    principal.check(NOW + 10.4)

    with pytest.raises(P9Error, match="ticket expired"):
        principal.check(NOW + 10.5)


# -- claims ----------------------------------------------------------------------------------------


def test_excessive_claims_are_refused_and_logged(house: House) -> None:
    token = queen_ticket(scopes=(Scope("/log", Verb.READ, 65),))

    assert house.refusal("queen", token) == (errno.EPERM, "ticket claims too much: scope rate 65 over 64")
    who = f"role=queen ticket={fingerprint(token)}"
    assert house.lines.lines == [
        f"ui-ticket outcome=deny reason=invalid-claims {who} detail=scope rate 65 over 64"
    ]


def test_ticket_without_quotas_is_held_to_those_of_the_manifest() -> None:
    house = House(TicketLimits(bandwidth_bytes=100))
    principal = house.attach("queen", queen_ticket())

    with pytest.raises(P9Error, match="ELIMIT"):
        permit_of(principal, ("log", "queen.log"), READ).read(0, 101, NOW)


# -- the worker ------------------------------------------------------------------------------------


def test_worker_must_exist(house: House) -> None:
    token = worker_ticket(subject="worker-9")

    assert house.refusal("worker-heartbeat:worker-9", token) == (errno.ENOENT, "worker worker-9 not found")


def test_worker_must_have_the_kind_it_claims(house: House) -> None:
    token = worker_ticket(subject="worker-2")

    assert house.refusal("worker-heartbeat:worker-2", token) == (
        errno.EINVAL,
        "worker worker-2 is a worker-gpu, not a worker-heartbeat",
    )


def test_attach_leaves_the_worker_its_own_budget(house: House) -> None:
    record = house.registry.workers["worker-1"]
    record.ops, record.deadline = 5, NOW + 600
    house.attach(WORKER_UNAME, worker_ticket(ticks=1, ops=1, ttl_s=100))

    assert (record.ops, record.deadline, record.revoked) == (5, NOW + 600, None)


def test_worker_lives_on_when_a_ticket_of_its_is_at_its_end(house: House) -> None:
    ring = ("worker", "worker-1", "telemetry")
    first = house.attach(WORKER_UNAME, worker_ticket(ops=1))
    first.walk(ring, NOW)
    with pytest.raises(P9Error, match="operation budget of the ticket exhausted"):
        first.walk(ring, NOW)
    second = house.attach(WORKER_UNAME, worker_ticket(ops=100, ticks=0))
    with pytest.raises(P9Error, match="tick budget of the ticket exhausted"):
        permit_of(second, ring, WRITE).write(1, NOW)
    third = house.attach(WORKER_UNAME, worker_ticket(ttl_s=None))

    with pytest.raises(P9Error, match="ticket expired"):
        second.walk(ring, NOW + 300)
    permit_of(third, ring, WRITE).write(1, NOW + 300)
    assert house.registry.workers["worker-1"].revoked is None


def test_worker_learns_which_tickets_were_accepted_for_it(house: House) -> None:
    record = house.registry.workers["worker-1"]
    token = worker_ticket()
    house.refusal(WORKER_UNAME, worker_ticket(role=BUS))
    house.refusal(WORKER_UNAME, worker_ticket(ttl_s=0))
    house.attach(WORKER_UNAME, token)

    assert record.tickets == [fingerprint(token)]


def test_worker_is_placed_by_its_name_and_by_the_bindings(house: House) -> None:
    worker = house.attach(WORKER_UNAME, worker_ticket())
    gpu = house.attach("worker-gpu:worker-2", mint(Ticket(GPU, 0, subject="worker-2"), "worker-gpu"))

    assert worker.sees(("worker", "worker-1"))
    assert worker.sees(("shard", "13", "worker", "worker-1"))
    assert not worker.sees(("worker", "forged"))
    assert not worker.sees(("gpu", "GPU-0"))
    assert gpu.sees(("gpu", "GPU-0", "job"))
    permit_of(gpu, ("gpu", "GPU-0", "job"), WRITE).write(1, NOW)


# -- use across sessions ---------------------------------------------------------------------------


def test_use_is_shared_by_sessions_and_survives_their_end(house: House) -> None:
    token = queen_ticket(scopes=(Scope("/log", Verb.READ, 1),))
    first = house.attach("queen", token)
    permit_of(first, ("log", "queen.log"), READ).read(0, 1, NOW)
    del first
    gc.collect()
    second = house.attach("queen", PREFIX + token.removeprefix(PREFIX).upper())

    with pytest.raises(P9Error, match="ELIMIT"):
        permit_of(second, ("log", "queen.log"), READ).read(0, 1, NOW + 0.5)


def test_budget_is_shared_by_sessions_and_not_refilled_by_attaching_again(house: House) -> None:
    token = queen_ticket(ops=2)
    for _ in range(2):
        house.attach("queen", token).walk((), NOW)
        gc.collect()

    with pytest.raises(P9Error, match="operation budget of the ticket exhausted"):
        house.attach("queen", token).walk((), NOW)
    house.attach("queen", queen_ticket(ops=3)).walk((), NOW)


def test_flow_of_the_scoped_queen_of_the_original(house: House) -> None:
    """What the original's telemetry script shows: append to the log denied, commands and telemetry written,
    the log read once a second, telemetry unreadable."""
    token = PREFIX + VECTORS[8].token
    queen = house.attach("queen", token)
    log, ctl = ("log", "queen.log"), ("queen", "ctl")
    ring = ("shard", "13", "worker", "worker-1", "telemetry")
    for path in (log, ctl, ring):
        queen.walk(path, NOW)
    with pytest.raises(P9Error) as append_to_log:
        queen.open(log, WRITE, NOW)
    permit_of(queen, ctl, WRITE).write(54, NOW)
    for _ in range(12):
        permit_of(queen, ring, WRITE).write(90, NOW)
    permit_of(queen, log, READ).read(0, 8168, NOW)
    with pytest.raises(P9Error) as read_again:
        permit_of(queen, log, READ).read(0, 8168, NOW + 0.9)
    with pytest.raises(P9Error) as read_telemetry:
        queen.open(ring, READ, NOW)

    refusals = [caught.value.ecode for caught in (append_to_log, read_again, read_telemetry)]
    assert refusals == [errno.EPERM, errno.EDQUOT, errno.EPERM]
    who = f"role=queen ticket={fingerprint(token)}"
    deny = "ui-ticket outcome=deny reason="
    assert house.lines.lines == [
        f"{deny}scope {who} path=/log/queen.log verb=write",
        f"{deny}rate {who} path=/log/queen.log verb=read limit_per_s=1 window_ms=1000",
        f"{deny}scope {who} path=/shard/13/worker/worker-1/telemetry verb=read",
    ]


# -- who a refused attach said it was ---------------------------------------------------------------


def test_refused_attach_is_named_as_it_named_itself_and_by_its_fingerprint(house: House) -> None:
    token = worker_ticket(ttl_s=0)
    house.refusal(WORKER_UNAME, token)

    assert house.gate.claimed(WORKER_UNAME, token) == (WORKER_UNAME, fingerprint(token))
    assert house.gate.claimed("x:y", "rubbish") == ("x:y", fingerprint("rubbish"))


def test_refused_attach_without_name_or_ticket_says_so(house: House) -> None:
    assert house.gate.claimed("", "") == ("-", "none")


def test_no_line_and_no_reason_ever_repeats_a_token(house: House) -> None:
    tokens = [
        queen_ticket(ttl_s=0, issued_at_ms=0),
        worker_ticket(subject="worker-9"),
        PREFIX + "ab" * 40 + ".cd",
    ]
    unames = ("queen", "root", WORKER_UNAME)
    told = [house.refusal(uname, token)[1] for token in tokens for uname in unames]

    secret_parts = [token.removeprefix(PREFIX)[:40] for token in tokens]
    assert not [text for text in told + house.lines.lines for part in secret_parts if part in text]
