"""Both channels answer alike, whatever is asked; and what each does when the far side fails."""

import errno
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninedoor.client.channel import Channel, FrameChannel, LocalChannel
from ninedoor.client.client import Client
from ninedoor.client.failures import ConnectionLost
from ninedoor.client.pipeline import refusal
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX, MSIZE_MIN, NOTAG
from ninedoor.session.connection import Connection
from ninedoor.session.fids import Profile
from ninedoor.session.session import SessionLimits
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import Fid, Qid
from tests.session.fakes import BOOT, ERRNOS, NOW, World
from tests.strategies import requests as any_requests

VERSION = m.Tversion(MSIZE_MAX, "9P2000.L")
ATTACH = m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", 0)


def clock() -> float:
    return NOW


def local(world: World, profile: Profile = Profile.STRICT) -> LocalChannel:
    return LocalChannel(world.session(profile), clock)


def framed(world: World, profile: Profile = Profile.STRICT) -> FrameChannel:
    return FrameChannel(Connection(world.session(profile), SessionLimits(), world.counters), clock)


MAKERS = [local, framed]


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__)
def channel(request: pytest.FixtureRequest, world: World) -> Channel:
    made: Channel = request.param(world)
    return made


def errno_of(channel: Channel, request: Any) -> str:
    with pytest.raises(P9Error) as refused:
        channel.call(request)
    return ERRNOS[refused.value.ecode]


# -- alike

SMALL_FIDS = st.integers(0, 3).map(Fid)
NAMES = st.sampled_from(
    ["proc", "boot", "log", "queen.log", "sealed", "worker", "worker-1", "nobody", "..", "é"]
)
OFFSETS = st.sampled_from([0, 1, 3, 100, 1 << 40, 0xFFFFFFFFFFFFFFFF])

likely_requests = st.one_of(
    st.just(VERSION),
    st.builds(
        m.Tversion, st.sampled_from([0, 256, 1000, MSIZE_MAX]), st.sampled_from(["9P2000.L", "9P2000"])
    ),
    st.builds(
        m.Tattach, SMALL_FIDS, SMALL_FIDS, st.sampled_from(["queen", "nobody"]), st.just(""), st.just(0)
    ),
    st.builds(m.Twalk, SMALL_FIDS, SMALL_FIDS, st.lists(NAMES, max_size=3).map(tuple)),
    st.builds(m.Tlopen, SMALL_FIDS, st.sampled_from([0, 1, 2, 3, 0o1000, 0o2001])),
    st.builds(m.Tread, SMALL_FIDS, OFFSETS, st.sampled_from([0, 1, 10, 9000])),
    st.builds(m.Twrite, SMALL_FIDS, OFFSETS, st.binary(max_size=300)),
    st.builds(m.Treaddir, SMALL_FIDS, OFFSETS, st.sampled_from([0, 20, 40, 9000])),
    st.builds(m.Tgetattr, SMALL_FIDS, st.just(0)),
    st.builds(m.Tclunk, SMALL_FIDS),
    st.builds(m.Tremove, SMALL_FIDS),
)
"""Requests that get somewhere more often than `any_requests` do."""

conversations = st.lists(st.one_of(likely_requests, likely_requests, any_requests), max_size=20)


def numbered(world: World) -> dict[int, int]:
    """Qid paths of the world's nodes by the order of a walk through it, so that two worlds compare."""
    order: dict[int, int] = {}

    def visit(node: Any) -> None:
        order[node.qid.path] = len(order)
        if node.qid.type & 0x80:
            for entry in node.entries():
                visit(node.walk(entry.name))

    visit(world.tree.root)
    return order


def comparable(value: Any, order: dict[int, int]) -> Any:
    if isinstance(value, Qid):
        return (value.type, value.version, order[value.path])
    if isinstance(value, tuple):
        return (type(value).__name__, *(comparable(item, order) for item in value))
    return value


def transcript(channel: Channel, world: World, requests: list[Any]) -> list[Any]:
    order = numbered(world)
    replies: list[Any] = []
    for request in requests:
        try:
            reply = channel.call(request)
        except P9Error as refused:
            replies.append((refused.ecode, refused.reason))
            continue
        if type(reply) is m.Rreaddir:
            # Its qids are inside the bytes.
            replies.append(len(reply.data))
        else:
            replies.append(comparable(reply, order))
    return replies


@pytest.mark.parametrize("profile", Profile)
@settings(deadline=None)
@given(requests=conversations)
def test_the_channels_answer_alike(profile: Profile, requests: list[Any]) -> None:
    script = [VERSION, ATTACH, *requests]
    # A frame over the negotiated msize closes a stream and has no equal among messages.
    script = [request for request in script if len(encode(0, request)) <= MSIZE_MIN]
    left, right = World(), World()

    answers = transcript(local(left, profile), left, script)

    assert transcript(framed(right, profile), right, script) == answers
    assert [line[:-1] for line in left.audit.lines] == [line[:-1] for line in right.audit.lines]
    assert left.log.retained() == right.log.retained()


# -- each


def test_a_call_returns_the_reply(channel: Channel) -> None:
    assert channel.call(VERSION) == m.Rversion(MSIZE_MAX, "9P2000.L")
    channel.call(ATTACH)
    channel.call(m.Twalk(Fid(0), Fid(1), ("proc", "boot")))
    channel.call(m.Tlopen(Fid(1), 0))

    assert channel.call(m.Tread(Fid(1), 0, 100)) == m.Rread(BOOT)


def test_a_refusal_is_raised_with_its_errno_and_the_errnos_own_words(channel: Channel) -> None:
    with pytest.raises(P9Error) as refused:
        channel.call(ATTACH)

    assert (refused.value.ecode, refused.value.reason) == (errno.EINVAL, "invalid argument")
    assert str(refused.value) == "EINVAL: invalid argument"


def test_an_unknown_errno_still_has_words() -> None:
    assert refusal(4000).reason == "unknown error 4000"


@pytest.mark.parametrize("number", [0, 4096, 0xFFFFFFFF])
def test_a_number_that_is_no_errno_is_an_input_output_error(number: int) -> None:
    assert refusal(number).ecode == errno.EIO


def test_every_call_is_committed_before_it_returns(world: World, channel: Channel) -> None:
    channel.call(VERSION)
    channel.call(ATTACH)

    assert world.commits == 2


def test_a_call_the_store_lost_is_refused(world: World, channel: Channel) -> None:
    channel.call(VERSION)
    world.store_failure = P9Error(errno.EIO, "disk gone")

    assert errno_of(channel, ATTACH) == "EIO"


def test_a_closed_channel_is_stale(world: World, channel: Channel) -> None:
    channel.call(VERSION)

    channel.close()
    channel.close()

    assert errno_of(channel, ATTACH) == "ESTALE"
    assert not len(world.counters.sessions)


def test_many_calls_are_answered_in_their_order_and_refusals_stand_in_their_places(channel: Channel) -> None:
    replies = channel.call_many(
        [VERSION, ATTACH, m.Twalk(Fid(0), Fid(1), ("nobody",)), m.Twalk(Fid(0), Fid(1), ()), m.Tclunk(Fid(1))]
    )

    assert [type(reply) for reply in replies] == [m.Rversion, m.Rattach, P9Error, m.Rwalk, m.Rclunk]


# -- frames only


class ScriptedConnection:
    """Answers every request with the bytes it was given."""

    closed: str | None = None
    more = False

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def receive(self, data: bytes, now: float) -> bytes:
        return self.answer

    def end(self, reason: str) -> None:
        self.closed = reason


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (encode(77, m.Rclunk()), "Rclunk on tag 77, on which nothing was asked"),
        (encode(NOTAG, m.Rclunk()), "Rclunk in answer to Tversion"),
        (encode(1, m.Tclunk(Fid(1))), "message type 120 is not a reply"),
        (b"\x06\x00\x00\x00", "frame of 6 bytes"),
        (b"", "no reply"),
        (b"\x07\x00\x00\x00\x79\x01", "no reply"),
    ],
)
def test_bytes_that_are_no_reply_end_the_channel(answer: bytes, why: str) -> None:
    channel = FrameChannel(ScriptedConnection(answer), clock)

    with pytest.raises(ConnectionLost, match=why) as lost:
        channel.call(VERSION)

    assert lost.value.left


def test_nothing_is_sent_after_bytes_that_could_not_be_believed() -> None:
    connection = ScriptedConnection(encode(77, m.Rclunk()))
    channel = FrameChannel(connection, clock)
    assert errno_of(channel, VERSION) == "ESTALE"
    connection.answer = encode(NOTAG, m.Rversion(MSIZE_MAX, "9P2000.L"))

    with pytest.raises(ConnectionLost) as lost:
        channel.call(VERSION)

    assert not lost.value.left


def test_a_frame_over_the_msize_is_refused_before_it_closes_the_connection(world: World) -> None:
    channel = framed(world)
    channel.call(m.Tversion(256, "9P2000.L"))

    assert errno_of(channel, m.Tattach(Fid(0), Fid(0), "queen", "t" * 300, 0)) == "EMSGSIZE"
    assert type(channel.call(ATTACH)) is m.Rattach


def test_more_calls_than_the_server_serves_in_one_turn_are_all_answered(world: World) -> None:
    channel = FrameChannel(Connection(world.session(), SessionLimits(), world.counters), clock, window=1000)
    channel.call(VERSION)
    channel.call(ATTACH)

    replies = channel.call_many([m.Tgetattr(Fid(0), 0)] * 3000)

    assert {type(reply) for reply in replies} == {m.Rgetattr}


@given(window=st.integers(1, 20), batch=st.integers(1, 20), count=st.integers(2, 60))
@settings(max_examples=50, deadline=None)
def test_what_is_sent_ahead_is_never_too_much_for_the_server_and_keeps_its_order(
    window: int, batch: int, count: int
) -> None:
    world = World()
    bounds = SessionLimits(tags=window, batch_frames=batch)
    channel = FrameChannel(Connection(world.session(Profile.STRICT), bounds, world.counters), clock)
    client = Client(channel)
    lines = [b"%d\n" % number for number in range(count)]
    with client.open("/log/queen.log", os.O_WRONLY | os.O_APPEND) as log:
        writes = [m.Twrite(Fid(log.fid), 0xFFFFFFFFFFFFFFFF, line) for line in lines]
        replies = channel.call_many(writes)

    assert [type(reply) for reply in replies] == [m.Rwrite] * count
    assert client.read("/log/queen.log").endswith(b"".join(lines))
