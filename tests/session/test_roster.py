"""Who is there: counts as sessions come, attach, start over and go."""

from dataclasses import dataclass, field

import pytest

from ninedoor.session.roster import Roster

WORKER = "worker-heartbeat:worker-1"


@dataclass
class Hall:
    """A roster whose clock is set by hand."""

    now: float = 100.0
    roster: Roster = field(init=False)
    told: list[tuple[int, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.roster = Roster(lambda: self.now, shard_bits=8)
        self.roster.changed = lambda serial, is_open: self.told.append((serial, is_open))

    def enter(self, serial: int, label: str = "queen") -> None:
        self.roster.open(serial, "peer")
        self.roster.attach(serial, label, self.now)

    def counts(self) -> tuple[int, int, int, int, int]:
        roster = self.roster
        return len(roster), roster.attached, roster.queens, roster.workers, sum(roster.shards)


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_a_session_is_setup_until_somebody_attached(hall: Hall) -> None:
    hall.roster.open(7, "127.0.0.1")
    record = hall.roster.get(7)
    assert record is not None
    assert (record.label, record.state, record.opened, record.since) == ("127.0.0.1", "SETUP", 100.0, 100.0)

    hall.roster.attach(7, WORKER, 105.0)

    assert (record.label, record.state, record.opened, record.since) == (WORKER, "ACTIVE", 100.0, 105.0)
    assert hall.roster.labels() == [WORKER]
    assert list(hall.roster) == [7]


def test_workers_are_counted_in_their_shards(hall: Hall) -> None:
    hall.enter(1, WORKER)
    hall.enter(2, "worker-gpu:worker-2")
    hall.enter(3, WORKER)
    hall.enter(4)

    assert hall.counts() == (4, 4, 1, 3, 3)
    assert (hall.roster.shards[0x13], hall.roster.shards[0x1C]) == (2, 1)

    hall.roster.close(3)
    assert hall.counts() == (3, 3, 1, 2, 2)
    assert hall.roster.shards[0x13] == 1


def test_who_attaches_again_counts_as_the_latest(hall: Hall) -> None:
    hall.enter(1)
    hall.roster.attach(1, WORKER, 100.0)
    assert hall.counts() == (1, 1, 0, 1, 1)

    hall.roster.attach(1, "worker-heartbeat:worker-2", 100.0)
    assert hall.counts() == (1, 1, 0, 1, 1)
    assert hall.roster.shards[0x1C] == 1


def test_a_new_version_ends_what_was_attached(hall: Hall) -> None:
    hall.enter(1, WORKER)

    hall.roster.start_over(1, "peer", 109.0)

    record = hall.roster.get(1)
    assert record is not None
    assert (record.label, record.state, record.since) == ("peer", "SETUP", 109.0)
    assert hall.counts() == (1, 0, 0, 0, 0)


def test_a_closed_session_says_so_to_whoever_still_holds_it(hall: Hall) -> None:
    hall.enter(1, WORKER)
    record = hall.roster.get(1)
    hall.now = 120.0

    hall.roster.close(1)
    hall.roster.close(1)

    assert record is not None
    assert (record.state, record.since) == ("CLOSED", 120.0)
    assert hall.roster.get(1) is None
    assert hall.counts() == (0, 0, 0, 0, 0)
    assert hall.roster.opened_total == 1
    assert hall.told == [(1, True), (1, False)]


def test_the_last_queen_that_goes_is_a_cut(hall: Hall) -> None:
    hall.enter(1)
    hall.enter(2)
    hall.now = 130.0
    hall.roster.close(1)
    assert (hall.roster.cut, hall.roster.cuts, hall.roster.queen_left) == ("none", 0, 0.0)

    hall.roster.close(2)

    assert (hall.roster.cut, hall.roster.cuts, hall.roster.queen_left) == ("network_unreachable", 1, 130.0)

    hall.enter(3)
    assert (hall.roster.cut, hall.roster.cuts, hall.roster.queen_left) == ("none", 1, 0.0)


def test_a_queen_that_starts_over_is_gone_meanwhile(hall: Hall) -> None:
    hall.enter(1)

    hall.roster.start_over(1, "peer", 101.0)

    assert (hall.roster.cut, hall.roster.queen_left) == ("network_unreachable", 101.0)


def test_a_session_that_the_server_ends_is_revoked(hall: Hall) -> None:
    hall.enter(1)

    hall.roster.close(1, revoked=True)

    assert hall.roster.cut == "session_revoked"


def test_a_queen_who_is_not_let_in_is_denied_unless_another_is_there(hall: Hall) -> None:
    hall.roster.denied(WORKER)
    assert hall.roster.cut == "none"
    hall.roster.denied("queen")
    assert hall.roster.cut == "policy_denied"

    hall.enter(1)
    hall.roster.denied("queen")
    assert hall.roster.cut == "none"


def test_a_worker_that_goes_cuts_nothing(hall: Hall) -> None:
    hall.enter(1, WORKER)
    hall.roster.close(1)

    assert (hall.roster.cut, hall.roster.cuts) == ("none", 0)


def test_the_plainest_roster_needs_neither_clock_nor_observer() -> None:
    roster = Roster()
    roster.open(1, "peer")
    roster.attach(1, WORKER, 1.0)
    roster.close(1)

    assert roster.shards == [0]
