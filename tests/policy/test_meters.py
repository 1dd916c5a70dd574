"""Refusals with their log lines, and whose use is remembered."""

import errno
import gc
from collections.abc import Callable

import pytest

from ninedoor.errors import P9Error
from ninedoor.policy.meters import ELIMIT, Meter, Meters
from ninedoor.policy.roles import QUEEN
from ninedoor.policy.scopes import Window
from ninedoor.policy.tickets import Quotas, Scope, Ticket, Verb
from ninedoor.session.ports import READ, WRITE, Path
from tests.policy.registry import Lines

LOG: Path = ("log", "queen.log")
RING: Path = ("worker", "worker-1", "telemetry")
DENY = "ui-ticket outcome=deny reason="
UNLIMITED = Quotas()
WHO = "role=queen ticket=f00d"


def metered(lines: Lines, *scopes: Scope, quotas: Quotas = UNLIMITED) -> Meter:
    return Meter(Ticket(QUEEN, 0, scopes=scopes), "f00d", quotas, lines)


def refused(action: Callable[[], None]) -> tuple[int, str]:
    with pytest.raises(P9Error) as caught:
        action()
    return caught.value.ecode, caught.value.reason


def opened(meter: Meter, path: Path, access: int) -> Window:
    window = meter.window(path, access, access, 1.0)
    assert window is not None
    return window


def test_walk_outside_every_scope_is_refused_and_logged() -> None:
    lines = Lines()
    meter = metered(lines, Scope("/log", Verb.READ))
    meter.walk(LOG, 1.0)
    meter.walk((), 1.0)
    assert meter.admits_walk(LOG)
    assert not meter.admits_walk(RING)

    with pytest.raises(P9Error) as caught:
        meter.walk(RING, 2.5)

    assert caught.value.ecode == errno.EPERM
    assert (
        caught.value.reason == "access to /worker/worker-1/telemetry denied: outside the scopes of the ticket"
    )
    assert lines.lines == [f"{DENY}scope {WHO} path=/worker/worker-1/telemetry verb=read"]
    assert lines.times == [2.5]


@pytest.mark.parametrize(("needed", "access", "verb"), [(2, 2, "write"), (2, 3, "read-write")])
def test_opening_outside_the_verb_of_a_scope_is_refused_and_logged(
    needed: int, access: int, verb: str
) -> None:
    lines = Lines()
    meter = metered(lines, Scope("/log", Verb.READ))

    with pytest.raises(P9Error) as caught:
        meter.window(LOG, needed, access, 1.0)

    assert caught.value.ecode == errno.EPERM
    assert lines.lines == [f"{DENY}scope {WHO} path=/log/queen.log verb={verb}"]


def test_direction_that_is_not_asked_needs_no_scope() -> None:
    assert metered(Lines(), Scope("/log", Verb.READ)).window(LOG, 0, READ, 1.0) is None


@pytest.mark.parametrize(("access", "verb"), [(READ, "read"), (WRITE, "write")])
def test_exhausted_rate_is_refused_and_logged(access: int, verb: str) -> None:
    lines = Lines()
    meter = metered(lines, Scope("/log", Verb.READ_WRITE, 1))
    window = opened(meter, LOG, access)
    meter.transfer(window, LOG, access, 10, 1.0)

    with pytest.raises(P9Error) as caught:
        meter.transfer(window, LOG, access, 10, 1.5)

    assert (caught.value.ecode, caught.value.reason) == (errno.EDQUOT, ELIMIT)
    assert lines.lines == [f"{DENY}rate {WHO} path=/log/queen.log verb={verb} limit_per_s=1 window_ms=1000"]
    meter.transfer(window, LOG, access, 10, 2.0)


def test_exhausted_bandwidth_is_refused_and_logged() -> None:
    lines = Lines()
    meter = metered(lines, quotas=Quotas(bandwidth_bytes=100))
    window = opened(meter, LOG, READ)
    meter.transfer(window, LOG, READ, 100, 1.0)
    meter.moved(30)

    with pytest.raises(P9Error) as caught:
        meter.transfer(window, LOG, READ, 71, 1.0)

    assert (caught.value.ecode, caught.value.reason) == (errno.EDQUOT, ELIMIT)
    numbers = "limit_bytes=100 remaining_bytes=70 requested_bytes=71"
    assert lines.lines == [f"{DENY}bandwidth {WHO} path=/log/queen.log verb=read {numbers}"]
    meter.transfer(window, LOG, READ, 70, 1.0)


def test_exhausted_advances_are_refused_and_logged() -> None:
    lines = Lines()
    meter = metered(lines, quotas=Quotas(cursor_resumes=9, cursor_advances=1))
    meter.advance(RING, 0, 1.0)

    with pytest.raises(P9Error) as caught:
        meter.advance(RING, 0, 1.0)

    assert (caught.value.ecode, caught.value.reason) == (errno.EDQUOT, ELIMIT)
    assert lines.lines == [f"{DENY}cursor-advance {WHO} path=/worker/worker-1/telemetry verb=read limit=1"]


def test_exhausted_resumes_are_refused_and_logged() -> None:
    lines = Lines()
    meter = metered(lines, quotas=Quotas(cursor_resumes=2, cursor_advances=99))
    meter.read_up_to(RING, 10)
    meter.advance(RING, 0, 1.0)
    meter.advance(RING, 9, 1.0)

    with pytest.raises(P9Error) as caught:
        meter.advance(RING, 9, 1.0)

    assert (caught.value.ecode, caught.value.reason) == (errno.EDQUOT, ELIMIT)
    assert lines.lines == [f"{DENY}cursor-resume {WHO} path=/worker/worker-1/telemetry verb=read limit=2"]


@pytest.mark.parametrize("ops", [0, 1, 3])
def test_ticket_pays_for_as_many_operations_as_it_grants(ops: int) -> None:
    lines = Lines()
    meter = Meter(Ticket(QUEEN, 0, ticks=9, ops=ops), "f00d", UNLIMITED, lines)
    for _ in range(ops):
        meter.spend()

    for _ in range(2):
        assert refused(meter.spend) == (errno.ESTALE, "operation budget of the ticket exhausted")
    meter.tick()
    assert lines.lines == []


@pytest.mark.parametrize("ticks", [0, 1, 3])
def test_ticket_pays_for_as_many_ticks_as_it_grants(ticks: int) -> None:
    lines = Lines()
    meter = Meter(Ticket(QUEEN, 0, ticks=ticks, ops=9), "f00d", UNLIMITED, lines)
    for _ in range(ticks):
        meter.tick()

    for _ in range(2):
        assert refused(meter.tick) == (errno.ESTALE, "tick budget of the ticket exhausted")
    meter.spend()
    assert lines.lines == []


def test_ticket_without_a_budget_pays_for_everything() -> None:
    meter = metered(Lines())

    for _ in range(20_000):
        meter.spend()
        meter.tick()


TICKET = Ticket(QUEEN, 0)


def test_same_ticket_has_the_same_meter() -> None:
    meters = Meters(Lines())

    assert meters.of("a", TICKET, Quotas()) is meters.of("a", TICKET, Quotas())
    assert meters.of("a", TICKET, Quotas()) is not meters.of("b", TICKET, Quotas())


def test_use_is_remembered_when_nobody_holds_the_meter() -> None:
    meters = Meters(Lines())
    meters.of("a", TICKET, Quotas(bandwidth_bytes=10)).moved(10)
    gc.collect()

    meter = meters.of("a", TICKET, Quotas(bandwidth_bytes=10))
    with pytest.raises(P9Error):
        meter.transfer(opened(meter, LOG, READ), LOG, READ, 1, 1.0)


def test_budget_is_not_refilled_by_attaching_again() -> None:
    meters = Meters(Lines())
    ticket = Ticket(QUEEN, 0, ticks=1, ops=1)
    meter = meters.of("a", ticket, UNLIMITED)
    meter.spend()
    meter.tick()
    del meter
    gc.collect()

    assert refused(meters.of("a", ticket, UNLIMITED).spend)[0] == errno.ESTALE
    assert refused(meters.of("a", ticket, UNLIMITED).tick)[0] == errno.ESTALE
    meters.of("b", ticket, UNLIMITED).spend()


def test_ticket_attached_longest_ago_is_forgotten_first() -> None:
    meters = Meters(Lines(), bound=2)
    for mark in ("a", "b", "a", "c"):
        meters.of(mark, TICKET, Quotas()).moved(0)
    gc.collect()

    assert set(meters._recent) == {"a", "c"}
    assert set(meters._held) == {"a", "c"}


def test_meter_that_a_session_holds_is_never_forgotten() -> None:
    meters = Meters(Lines(), bound=1)
    held = meters.of("a", TICKET, Quotas())
    meters.of("b", TICKET, Quotas())
    gc.collect()

    assert meters.of("a", TICKET, Quotas()) is held
