"""Writes in a row: what is taken together, what is not, and that nobody can tell the difference."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ninedoor.config import Config
from ninedoor.limits import MSIZE_MAX, NOFID, TURN_BYTES, WRITE_OVERHEAD
from ninedoor.policy.tickets import Ticket, mint
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.ports import Gather
from ninedoor.session.runs import ANSWER_ROOM, answers, cut
from ninedoor.session.session import SessionLimits
from ninedoor.session.tags import Tags
from ninedoor.store.memory import RetainedJournal
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import Fid
from tests.hive.hives import opened, state_of
from tests.session.fakes import NOW, World

NAMES = [b"one", b"two\n", b"", b"four\n"]


def written(*datas: bytes, fid: int = 1) -> bytes:
    """Twrites with the tags 0, 1, …"""
    return b"".join(encode(tag, m.Twrite(Fid(fid), 0, data)) for tag, data in enumerate(datas))


# -- taken apart


def test_a_run_is_tags_data_and_where_it_ends() -> None:
    buffer = b"before" + written(*NAMES) + b"behind"

    assert cut(buffer, 6, 1, 9, MSIZE_MAX, None) == ([0, 1, 2, 3], NAMES, len(buffer) - 6)


def test_a_run_is_no_longer_than_asked_for() -> None:
    tags, datas, end = cut(written(*NAMES), 0, 1, 2, MSIZE_MAX, None)

    assert (tags, datas, end) == ([0, 1], NAMES[:2], len(written(*NAMES[:2])))


def lying(by: int) -> bytes:
    """A Twrite whose count is not that of its data."""
    frame = bytearray(encode(7, m.Twrite(Fid(1), 0, b"12345678")))
    frame[WRITE_OVERHEAD - 4] += by
    return bytes(frame)


@pytest.mark.parametrize(
    "odd",
    [
        encode(7, m.Twrite(Fid(2), 0, b"another's")),
        encode(7, m.Tgetattr(Fid(1), 0)),
        encode(7, m.Tread(Fid(1), 0, 0)),
        encode(7, m.Twrite(Fid(1), 0, b"x" * (MSIZE_MAX - WRITE_OVERHEAD + 1))),
        encode(7, m.Twrite(Fid(1), 0, b"cut"))[:-1],
        encode(7, m.Twrite(Fid(1), 0, b""))[:-1],
        lying(1),
        lying(-1),
        bytes(99),
        b"",
    ],
)
def test_a_run_ends_before_what_is_anything_else(odd: bytes) -> None:
    run = written(*NAMES)

    assert cut(run + odd, 0, 1, 99, MSIZE_MAX, None) == ([0, 1, 2, 3], NAMES, len(run))


def test_a_run_ends_before_a_tag_that_cannot_be_had_and_has_the_others() -> None:
    in_flight = Tags(9, 9)
    in_flight.frame()
    in_flight.take(2)

    assert cut(written(*NAMES), 0, 1, 99, MSIZE_MAX, in_flight)[0] == [0, 1]
    assert not in_flight.takes(0)
    assert in_flight.takes(3)


def test_a_run_whose_second_frame_is_no_whole_write_is_answered_as_it_is_one_by_one(world: World) -> None:
    connection = gathering(world)
    lie = encode(1, m.Twrite(Fid(1), 0, b""))[: WRITE_OVERHEAD - 8]
    short = len(lie).to_bytes(4, "little") + lie[4:]

    for order in ([written(b"one"), short], [short, written(b"one")], [short, short]):
        together = connection.receive(b"".join(order), NOW)
        assert together == b"".join(connection.receive(frame, NOW) for frame in order)


def test_answers_are_those_of_the_codec_and_count_as_much_in_a_turn() -> None:
    assert answers(range(4), NAMES) == [encode(tag, m.Rwrite(len(data))) for tag, data in enumerate(NAMES)]
    assert len(encode(0, m.Rwrite(9))) == len(encode(0, m.Rlerror(9))) == ANSWER_ROOM - 256


# -- served


def gathering(world: World, take: Gather | None = None) -> Connection:
    """A connection whose fid 1 is a file that takes writes together."""
    world.gather(take)
    session_limits = SessionLimits()
    connection = Connection(world.session(limits=session_limits), session_limits, world.counters)
    for request in (
        m.Tversion(MSIZE_MAX, "9P2000.L"),
        m.Tattach(Fid(0), Fid(NOFID), "queen", "", 0),
        m.Twalk(Fid(0), Fid(1), ("log", "gathering")),
        m.Tlopen(Fid(1), 2),
    ):
        connection.receive(encode(1, request), NOW)
    return connection


def test_writes_in_a_row_are_taken_together(world: World) -> None:
    connection = gathering(world)

    replies = connection.receive(written(*NAMES), NOW)

    assert replies == b"".join(answers(range(4), NAMES))
    assert world.gathered == [NAMES]
    assert world.appends.calls == ["begin", "settle"]


def test_a_write_alone_is_served_by_itself(world: World) -> None:
    connection = gathering(world)

    connection.receive(written(b"alone"), NOW)

    assert (world.gathered, len(world.written)) == ([], 1)


@pytest.mark.parametrize("why", ["room", "budget", "permit", "gone"])
def test_writes_that_may_be_refused_are_served_one_by_one(world: World, why: str) -> None:
    queen = world.gate.principals["queen"]
    queen.paying, queen.metered = True, why == "permit"
    connection = gathering(world)
    if why == "room":
        world.appends.room = 20
    if why == "budget":
        queen.affordable = 3
    if why == "gone":
        world.tree.directory(("log",)).remove("gathering", "it is gone", NOW)

    connection.receive(written(*NAMES), NOW)

    assert world.gathered == []
    assert len(world.written) == (0 if why == "gone" else 4)


@pytest.mark.parametrize(("fid", "flags"), [(3, 0), (7, 2)])
def test_writes_in_a_row_that_nobody_may_make_are_refused_one_by_one(
    world: World, fid: int, flags: int
) -> None:
    connection = gathering(world)
    for request in (
        m.Twalk(Fid(0), Fid(2), ("log", "gathering")),
        m.Twalk(Fid(2), Fid(3), ()),
        m.Tlopen(Fid(3), flags),
    ):
        connection.receive(encode(1, request), NOW)

    connection.receive(written(*NAMES, fid=fid), NOW)

    assert (world.gathered, world.written) == ([], [])
    assert len(world.audit.lines) == 4


def test_together_as_much_is_paid_as_one_by_one(world: World) -> None:
    queen = world.gate.principals["queen"]
    queen.paying = True
    connection = gathering(world)
    queen.asked.clear()

    connection.receive(written(*NAMES), NOW)

    assert world.gathered == [NAMES]
    assert queen.asked == [("pay",)] * 4


def test_a_turn_holds_as_many_writes_together_as_one_by_one(world: World) -> None:
    several = gathering(world)
    several.receive(written(*[b"x"] * 200), NOW)

    assert several.more
    assert len(world.gathered[0]) == TURN_BYTES // ANSWER_ROOM + 1


def test_a_bug_is_the_answer_to_every_write_of_the_run_and_the_conversation_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(datas: Sequence[bytes], now: float) -> None:
        raise RuntimeError(f"{len(datas)} are too many")

    connection = gathering(world, broken)

    replies = connection.receive(written(*NAMES), NOW)

    assert replies == b"".join(encode(tag, m.Rlerror(5)) for tag in range(4))
    assert len(caplog.records) == 4
    assert connection.receive(written(b"alone"), NOW) == encode(0, m.Rwrite(5))


# -- nobody can tell


LOG, RING, CTL, READ_ONLY = 1, 2, 3, 4
PLACES = {
    LOG: ("log", "queen.log"),
    RING: ("worker", "worker-1", "telemetry"),
    CTL: ("queen", "ctl"),
    READ_ONLY: ("log", "queen.log"),
}


class Deployment:
    """A hive with one worker and a queen who pays with a ticket, behind one connection."""

    def __init__(self, ops: int | None, batch_frames: int) -> None:
        self.journal = RetainedJournal()
        self.app = App.open(Config(secrets={"queen": ("bootstrap",)}), None, self.journal)
        session_limits = SessionLimits(tags=999, batch_frames=batch_frames)
        session = self.app.session(trusted=False)
        self.connection = Connection(session, session_limits, self.app.counters)
        ticket = mint(Ticket("queen", 0, ops=ops), "bootstrap")
        self.tell(m.Tversion(MSIZE_MAX, "9P2000.L"), m.Tattach(Fid(0), Fid(NOFID), "queen", ticket, 0))
        self.tell(m.Twalk(Fid(0), Fid(CTL), PLACES[CTL]), m.Tlopen(Fid(CTL), 1))
        self.tell(m.Twrite(Fid(CTL), 0, b'{"spawn":"heartbeat","ticks":3}'))
        for fid in (LOG, RING, READ_ONLY):
            flags = 0 if fid == READ_ONLY else 2
            self.tell(m.Twalk(Fid(0), Fid(fid), PLACES[fid]), m.Tlopen(Fid(fid), flags))

    def tell(self, *requests: Any) -> None:
        for request in requests:
            self.connection.receive(encode(1, request), NOW)

    def hear(self, pieces: Sequence[bytes]) -> bytes:
        """All replies to what arrives in `pieces`."""
        heard = []
        for piece in pieces:
            heard.append(self.connection.receive(piece, NOW))
            while self.connection.more:
                heard.append(self.connection.receive(b"", NOW))
        return b"".join(heard)

    def all_there_is(self) -> dict[str, Any]:
        state = state_of(self.app.hive)
        again = state_of(opened(self.journal.reopened(), self.app.config))
        assert state == again, "a restart brings back another state"
        return {
            **{name: state[name] for name in ("workers", "log", "outcomes")},
            "refused": self.app.counters.refused,
            "pressure": self.app.counters.pressure,
        }


def frames_of(chance: random.Random) -> Iterator[bytes]:
    for tag in range(chance.choice((5, 40, 200))):
        if chance.random() < 0.6:
            size = chance.choice((0, 1, 60, 128, 128, 128, 8000))
            yield encode(tag, m.Twrite(Fid(LOG), chance.choice((0, 2**64 - 1)), _line(chance, size)))
        else:
            yield encode(tag, _something(chance))


def _line(chance: random.Random, size: int) -> bytes:
    text = bytes(chance.choices(b"abc", k=size))
    return text[:-1] + b"\n" if chance.random() < 0.7 and size else text


def _something(chance: random.Random) -> m.Message:
    match chance.randrange(9):
        case 0 | 1 | 2:
            return m.Twrite(Fid(RING), 2**64 - 1, _line(chance, chance.choice((4, 400, 2000))))
        case 3:
            return m.Twrite(Fid(CTL), 0, chance.choice((b"nonsense", b'{"budget":{"ops":9}}')))
        case 4:
            return m.Twrite(Fid(CTL), 0, b'{"kill":"worker-1"}')
        case 5:
            return m.Twrite(Fid(chance.choice((READ_ONLY, 0, 77))), 0, b"nowhere")
        case 6:
            return m.Tread(Fid(LOG), 0, 8000)
        case 7:
            return m.Tclunk(Fid(chance.choice((RING, 77))))
        case _:
            return m.Twrite(Fid(LOG), 0, b"")


@pytest.mark.parametrize("seed", range(30))
def test_however_writes_arrive_the_replies_and_the_hive_are_the_same(seed: int) -> None:
    chance = random.Random(seed)
    frames = [lying(1) if chance.random() < 0.02 else frame for frame in frames_of(chance)]
    ops = chance.choice((None, 30, 90, 10_000))
    one_by_one = Deployment(ops, 1)
    together = Deployment(ops, chance.choice((1, 16)))
    stream = b"".join(frames)
    cuts = sorted(chance.randrange(len(stream)) for _ in range(chance.choice((0, 0, 3))))
    pieces = [stream[at:end] for at, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert together.hear(pieces) == one_by_one.hear(frames)
    assert together.all_there_is() == one_by_one.all_there_is()


def test_a_run_to_the_log_is_one_record_of_the_journal() -> None:
    hive = Deployment(None, 1)
    records = len(hive.journal.records)

    hive.hear([written(*[b"a line\n"] * 16)])

    assert len(hive.journal.records) == records + 1
