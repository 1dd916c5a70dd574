"""Damaged conversations against a live hive, one per seed.

The invariant: whatever bytes come, in whatever pieces, the connection answers every whole frame in order,
each on its own tag, with a reply that decodes; or it closes, last of all with one error on NOTAG. No
exception leaves it, no bug is logged, and afterwards nothing of the session is left and the next one is
served.

`scripts/fuzz` runs any number of seeds; a seed is a whole case.
"""

import logging
import os
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from ninedoor import limits
from ninedoor.errors import WireError
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.fids import Profile
from ninedoor.session.session import Session
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.messages import REQUESTS
from ninedoor.wire.types import Fid
from tests.deployment import BOOT_LINES, SetClock, client, open_app, spawn, ticket
from tests.mutate import mutate, sample

PATHS: tuple[tuple[str, ...], ...] = (
    (),
    ("proc", "boot"),
    ("proc", "9p", "sessions"),
    ("log", "queen.log"),
    ("queen", "ctl"),
    ("worker", "worker-1", "telemetry"),
    ("worker",),
    ("log",),
    ("worker", "worker-1"),
    ("bound", "queen.log"),
    ("nobody", "at", "all"),
    ("..", "proc"),
    ("é" * 40,),
)
WRITES = (
    b"",
    b"heartbeat 1\n",
    b"\xff\xfe\n",
    b'{"spawn":"heartbeat","ticks":3,"budget":{"ops":4}}\n',
    b'{"kill":"worker-1"}\n{"kill":"worker-1"}\n',
    b'{"budget":{"ttl_s":1}}\n',
    b'{"bind":{"from":"/log","to":"/bound"}}\n',
    b'{"mount":{"service":"logs","at":"/far/off/logs"}}\n',
    b"[" * 4000,
    bytes(8000),
)
FLAGS = (
    os.O_RDONLY,
    os.O_WRONLY,
    os.O_RDWR,
    os.O_WRONLY | os.O_APPEND,
    os.O_RDWR | os.O_TRUNC,
    os.O_DIRECTORY,
)
OFFSETS = (0, 1, 1000, 1 << 40, limits.APPEND_OFFSET)
COUNTS = (0, 1, 100, limits.MSIZE_MAX, 0xFFFFFFFF)


QUEEN_TICKET = ticket("queen")


class Flaw(AssertionError):
    """The invariant does not hold for a case."""


class Case(NamedTuple):
    """One peer: at which door, and the pieces in which its bytes arrive."""

    profile: Profile
    trusted: bool
    pieces: list[bytes]


class Outcome(NamedTuple):
    """What a case came to; a campaign in which one of these never happens tests half of the invariant."""

    served: int
    refused: int
    closed: bool


class BugRecords(logging.Handler):
    """Collects what the code logs about its own bugs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def run(seed: int) -> Outcome:
    """Run the case of `seed`. Raises Flaw, or whatever escaped from the code under test."""
    app = open_app()
    queen = client(app)
    spawn(queen)
    queen.close()
    case = make_case(Random(seed))
    bugs = BugRecords()
    logger = logging.getLogger("ninedoor")
    logger.addHandler(bugs)
    try:
        outcome = _converse(app, case)
    finally:
        logger.removeHandler(bugs)
    if bugs.records:
        raise Flaw(f"a bug was logged: {bugs.records[0].getMessage()}") from _cause(bugs.records[0])
    return outcome


def _cause(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def make_case(random: Random) -> Case:
    """A conversation of a peer that knows the protocol, some of its frames damaged."""
    profile = random.choice(list(Profile))
    frames = [encode(tag, request) for tag, request in _conversation(random)]
    share = random.choice((0.0, 0.05, 0.1, 0.3))
    for at, frame in enumerate(frames):
        if random.random() < share:
            frames[at] = mutate(random, [frame, random.choice(frames)])
    return Case(profile, random.random() < 0.7, list(_pieces(random, b"".join(frames))))


def _conversation(random: Random) -> Iterator[tuple[int, m.Message]]:
    if random.random() < 0.95:
        msize = random.choice((256, 1000, limits.MSIZE_MAX, limits.MSIZE_MAX, 1 << 31))
        yield limits.NOTAG, m.Tversion(msize, "9P2000.L")
        yield 0, _attach(random, 0)
    for number in range(1, random.randrange(2, 10)):
        for request in _visit(random, number) if random.random() < 0.7 else [_anything(random)]:
            yield random.choice((0, 1, random.randrange(1 << 16), limits.NOTAG)), request


def _attach(random: Random, fid: int) -> m.Tattach:
    if random.random() < 0.6:
        uname, aname = "queen", random.choice(("", QUEEN_TICKET, QUEEN_TICKET))
    else:
        uname = "worker-heartbeat:worker-1"
        aname = ticket("worker-heartbeat", "worker-1", ops=random.choice((None, 2, 100)))
    return m.Tattach(Fid(fid), Fid(limits.NOFID), uname, aname, 0)


def _visit(random: Random, number: int) -> Iterator[m.Message]:
    """Go somewhere, open it and use it."""
    fid, path = Fid(number), random.choice(PATHS)
    yield m.Twalk(Fid(0), fid, path)
    if len(path) < 2:
        yield m.Tlopen(fid, os.O_RDONLY | os.O_DIRECTORY)
        yield m.Treaddir(fid, 0, random.choice(COUNTS))
        return
    yield m.Tlopen(fid, random.choice(FLAGS))
    for _ in range(random.randrange(3)):
        yield _use(random, fid)
    if random.random() < 0.5:
        yield m.Tclunk(fid)


def _use(random: Random, fid: Fid) -> m.Message:
    offset, count = random.choice(OFFSETS), random.choice(COUNTS)
    kind = random.randrange(4)
    if kind == 0:
        return m.Tread(fid, offset, count)
    if kind == 1:
        return m.Treaddir(fid, offset, count)
    if kind == 2:
        return m.Tgetattr(fid, 0)
    return m.Twrite(fid, offset, random.choice(WRITES))


def _anything(random: Random) -> m.Message:
    fid, other = Fid(random.randrange(4)), Fid(random.randrange(12))
    kind = random.randrange(4)
    if kind == 0:
        return m.Twalk(fid, other, random.choice(PATHS))
    if kind == 1:
        return _attach(random, other)
    if kind == 2:
        return _use(random, fid)
    return sample(random.choice(list(REQUESTS.values())))


def _pieces(random: Random, whole: bytes) -> Iterator[bytes]:
    longest = max(random.choice((1, 7, 100, 1 << 16)), len(whole) // 64)
    at = 0
    while at < len(whole):
        size = random.randint(1, longest)
        yield whole[at : at + size]
        at += size


def _converse(app: App, case: Case) -> Outcome:
    clock = app.clock
    assert isinstance(clock, SetClock)
    session = app.session(trusted=case.trusted, profile=case.profile)
    connection = Connection(session, app.session_limits(), app.counters)
    answered: list[tuple[int, Any]] = []
    for piece in case.pieces:
        answered += _replies(connection.receive(piece, clock()))
        while connection.more:
            answered += _replies(connection.receive(b"", clock()))
        clock.now += 0.5
        app.hive.expire(clock.now)
    _check_tags([tag for tag, _reply in answered], _asked(b"".join(case.pieces)), connection, session)
    connection.end("peer hung up")
    _check_nothing_left(app, session)
    _check_next_is_served(app)
    refused = sum(type(reply) is m.Rlerror for _tag, reply in answered)
    return Outcome(len(answered) - refused, refused, connection.closed != "peer hung up")


def _replies(data: bytes) -> list[tuple[int, Any]]:
    replies: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        end = at + int.from_bytes(data[at : at + 4], "little")
        if end - at > limits.MSIZE_MAX or end > len(data):
            raise Flaw(f"a reply of {end - at} bytes where {len(data) - at} are left")
        try:
            replies.append(decode_reply(data, at, end))
        except WireError as undecodable:
            raise Flaw(f"a reply that does not decode: {undecodable}") from undecodable
        at = end
    return replies


def _asked(whole: bytes) -> list[int]:
    """The tags of the frames in `whole`, up to a size that no msize allows."""
    tags = []
    at = 0
    while at + 4 <= len(whole):
        size = int.from_bytes(whole[at : at + 4], "little")
        if not limits.HEADER_BYTES <= size <= limits.MSIZE_MAX or at + size > len(whole):
            break
        tags.append(int.from_bytes(whole[at + 5 : at + 7], "little"))
        at += size
    return tags


def _check_tags(answered: list[int], asked: list[int], connection: Connection, session: Session) -> None:
    if connection.closed is None:
        expected = asked
    elif session.closed:
        expected = asked[: len(answered)]
    else:
        expected = [*asked[: len(answered) - 1], limits.NOTAG]
    if answered != expected:
        raise Flaw(f"tags {asked} were answered on {answered} (closed: {connection.closed})")


def _check_nothing_left(app: App, session: Session) -> None:
    counters = app.counters
    if session._live or counters.sessions or counters.outstanding:
        raise Flaw(f"left behind: fids {list(session._live)}, {counters}")


def _check_next_is_served(app: App) -> None:
    after = client(app)
    if after.read("/proc/boot") != "".join(f"{line}\n" for line in BOOT_LINES).encode():
        raise Flaw("the next session reads another boot text")
    after.close()
