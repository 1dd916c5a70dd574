"""What is counted about sessions, seen while it changes."""

import errno
import re
from pathlib import Path

from ninedoor.errors import P9Error
from ninedoor.session.connection import Connection
from ninedoor.session.counters import REFUSALS
from ninedoor.session.session import SessionLimits
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import Fid
from tests.session.fakes import NOW, Peer, World

TOP = Path(__file__).parents[2]


def test_sessions_are_counted_by_label_from_their_opening_to_their_end(world: World) -> None:
    first, second = world.session(peer="127.0.0.1"), world.session()
    assert world.counters.sessions.labels() == ["127.0.0.1", "peer"]

    Peer(first).version().attach()
    assert world.counters.sessions.labels() == ["queen", "peer"]

    first.close()
    assert world.counters.sessions.labels() == ["peer"]
    second.close()
    assert not world.counters.sessions


def test_every_kind_of_refusal_is_explained_to_the_operator() -> None:
    explained = re.findall(r"`(\w+)`", (TOP / "docs" / "SECURE9P.md").read_text())

    assert set(REFUSALS) <= set(explained)


def test_requests_are_outstanding_from_their_arrival_to_their_reply(world: World) -> None:
    seen: list[int] = []
    world.on_command = lambda _data, _caller: seen.append(world.counters.outstanding)
    connection = Connection(world.session(), SessionLimits(), world.counters)
    requests = [
        m.Tversion(8192, "9P2000.L"),
        m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", 0),
        m.Twalk(Fid(0), Fid(1), ("queen", "ctl")),
        m.Tlopen(Fid(1), 1),
        m.Twrite(Fid(1), 0, b"a"),
        m.Twrite(Fid(1), 0, b"b"),
    ]

    connection.receive(b"".join(encode(tag, request) for tag, request in enumerate(requests)), NOW)
    assert seen == [5, 6]
    assert world.counters.outstanding == 0

    connection.receive(encode(1, requests[-1]), NOW)
    assert seen == [5, 6, 1]
    assert world.counters.outstanding == 0


def test_nothing_stays_outstanding_after_a_refusal_a_bug_or_a_lost_store(world: World) -> None:
    def broken(_data: bytes, _caller: object) -> None:
        world.store_failure = P9Error(errno.EIO, "disk gone")
        raise P9Error(errno.EINVAL, "no")

    world.on_command = broken
    connection = Connection(world.session(), SessionLimits(), world.counters)
    requests = [
        m.Tversion(8192, "9P2000.L"),
        m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", 0),
        m.Twalk(Fid(0), Fid(1), ("queen", "ctl")),
        m.Tlopen(Fid(1), 1),
        m.Twrite(Fid(1), 0, b"a"),
    ]

    connection.receive(b"".join(encode(1, request) for request in requests) + bytes(4), NOW)

    assert world.counters.outstanding == 0
