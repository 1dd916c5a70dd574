"""The state on its own: what applying events gives, and that a snapshot is all of it.

That the hive writes the events which give its state is in `test_replay.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgpack
import pytest

from ninedoor import limits
from ninedoor.hive import events as ev
from ninedoor.hive.parts import Handler
from ninedoor.hive.ring import Ring
from ninedoor.hive.state import DEFAULT_OPS, DEFAULT_TTL_S, State
from ninedoor.hive.workers import Worker
from tests.hive.hives import state_of


def dumped(number: int = 1, **changes: Any) -> list[Any]:
    """A worker as a record holds it: no limits but those in `changes`."""
    values: dict[str, Any] = {"ticks": None, "ticks_left": None, "ops_left": None, "deadline": None}
    return Worker(f"worker-{number}", "worker-heartbeat", Ring(16), spawned=1.0, **(values | changes)).dump()


def lived() -> State:
    """A state in which everything has happened."""
    state = State()
    state.apply(0.5, [(ev.BORN, 500)])
    state.apply(1.0, [(ev.NUMBERED, 1), (ev.SPAWNED, dumped(1, ticks=3, ticks_left=3, ops_left=2))])
    state.apply(2.0, [(ev.NUMBERED, 2), (ev.SPAWNED, dumped(2))])
    state.apply(3.0, [(ev.TELEMETRY, "worker-1", b"0123456789", True), (ev.CHARGED, "worker-1")])
    state.apply(4.0, [(ev.TELEMETRY, "worker-1", b"abcdefgh", False), (ev.CHARGED, "worker-2")])
    state.apply(5.0, [(ev.TICKET_SEEN, "worker-1", "aa"), (ev.TICKET_SEEN, "worker-2", "bb")])
    state.apply(6.0, [(ev.REVOKED, "worker-2", "killed"), (ev.TICKET_REVOKED, "bb", "killed")])
    state.apply(7.0, [(ev.LOGGED, b"line\n"), (ev.OUTCOME, b"OK x\n"), (ev.DEFAULTS, 60, None)])
    return state


def test_a_new_state_is_empty_and_has_the_first_number() -> None:
    assert state_of(State()) == {
        "workers": [],
        "log": (limits.LOG_BYTES, 0, 0, b"", 0.0),
        "outcomes": (limits.CTL_BYTES, 0, 0, b"", 0.0),
        "defaults": (DEFAULT_TTL_S, DEFAULT_OPS),
        "time": 0.0,
        "next": 1,
        "birth": 0,
        "tickets": {},
        "revoked": [],
    }


def test_events_add_up() -> None:
    worker = (
        "worker-1",
        "worker-heartbeat",
        1.0,
        3,
        2,
        1,
        None,
        1,
        None,
        (16, 2, 18, b"23456789abcdefgh", 4.0),
    )

    assert state_of(lived()) == {
        "workers": [worker],
        "log": (limits.LOG_BYTES, 0, 5, b"line\n", 7.0),
        "outcomes": (limits.CTL_BYTES, 0, 5, b"OK x\n", 7.0),
        "defaults": (60, None),
        "time": 7.0,
        "next": 3,
        "birth": 500,
        "tickets": {"worker-1": {"aa"}},
        "revoked": [("bb", "killed")],
    }


def test_a_snapshot_brings_all_of_it_back() -> None:
    state = State()

    state.restore(lived().snapshot())

    assert state_of(state) == state_of(lived())
    assert state.news == []


def test_a_snapshot_of_a_version_before_births_has_none() -> None:
    snapshot = msgpack.unpackb(lived().snapshot())
    del snapshot["birth"]
    state = State()

    state.restore(msgpack.packb(snapshot))

    assert state_of(state) == state_of(lived()) | {"birth": 0}


def test_the_time_of_the_newest_record_never_goes_back() -> None:
    state = State()
    for now in (5.0, 3.0, 7.0, 6.0):
        state.apply(now, [(ev.LOGGED, b"x\n")])

    assert state.last_time == 7.0


def test_who_came_and_who_went_is_news() -> None:
    state = State()
    state.apply(1.0, [(ev.SPAWNED, dumped(1)), (ev.LOGGED, b"spawned\n")])
    worker = state.workers["worker-1"]
    assert state.news == [(worker, 1.0)]

    state.news.clear()
    state.apply(2.0, [(ev.REVOKED, "worker-1", "killed")])
    assert state.news == [(worker, 2.0)]
    assert worker.gone == "killed"


def test_the_ticket_revoked_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REVOKED_TICKETS_MAX", 2)
    state = State()

    state.apply(1.0, [(ev.TICKET_REVOKED, mark, "killed") for mark in ("aa", "bb", "cc")])

    assert list(state._revoked_tickets) == ["bb", "cc"]


class Tally:
    """A part that counts."""

    name = "tally"

    def __init__(self, kind: int = 1000) -> None:
        self.count = 0
        self._kind = kind

    def handlers(self) -> Mapping[int, Handler]:
        return {self._kind: self._apply}

    def dump(self) -> int:
        return self.count

    def restore(self, value: int) -> None:
        self.count = value

    def _apply(self, _now: float, event: Sequence[Any]) -> None:
        self.count += event[1]


def with_tally() -> tuple[State, Tally]:
    state, tally = State(), Tally()
    state.join(tally)
    return state, tally


def test_a_part_gets_its_events_and_is_in_the_snapshot() -> None:
    state, tally = with_tally()
    state.apply(1.0, [(1000, 2), (ev.LOGGED, b"x\n"), (1000, 3)])
    other, kept = with_tally()
    other.restore(state.snapshot())

    assert (tally.count, kept.count) == (5, 5)
    assert state.log.retained() == b"x\n"


def test_a_snapshot_from_before_a_part_existed_leaves_it_as_it_begins() -> None:
    state, tally = with_tally()
    older = msgpack.unpackb(lived().snapshot())
    del older["parts"]
    state.restore(msgpack.packb(older))

    assert tally.count == 0


def test_two_parts_cannot_have_the_same_events() -> None:
    state, _tally = with_tally()
    with pytest.raises(AssertionError, match="another's"):
        state.join(Tally())
