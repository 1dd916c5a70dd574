"""Frames in, frames out: order, tags, batches, damage, bugs, and one commit before anything leaves."""

import errno
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX, NOTAG, TURN_BYTES, TURN_REPLY_BYTES
from ninedoor.session.connection import Connection
from ninedoor.session.ports import Attr
from ninedoor.session.session import SessionLimits
from ninedoor.tree.stream import Stream
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.types import Fid
from tests.session.fakes import BOOT, NOW, World
from tests.strategies import cuts

VERSION = m.Tversion(MSIZE_MAX, "9P2000.L")
ATTACH = m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", 0)
READ_BOOT = (m.Twalk(Fid(0), Fid(1), ("proc", "boot")), m.Tlopen(Fid(1), 0), m.Tread(Fid(1), 0, 100))


def connect(world: World, *, tags: int = 16, batch_frames: int = 1) -> Connection:
    session_limits = SessionLimits(tags=tags, batch_frames=batch_frames)
    return Connection(world.session(limits=session_limits), session_limits, world.counters)


def attached(world: World, **bounds: int) -> Connection:
    connection = connect(world, **bounds)
    ask(connection, VERSION, ATTACH)
    return connection


def frames(requests: Sequence[Any], first_tag: int = 1) -> bytes:
    return b"".join(encode(tag, request) for tag, request in enumerate(requests, first_tag))


def decoded(data: bytes) -> list[tuple[int, Any]]:
    """Tag and reply of each frame in `data`."""
    replies: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        end = at + int.from_bytes(data[at : at + 4], "little")
        replies.append(decode_reply(data, at, end))
        at = end
    return replies


def ask(connection: Connection, *requests: Any) -> list[Any]:
    """The replies to requests sent in one piece, tags 1, 2, …"""
    answered = decoded(connection.receive(frames(requests), NOW))
    assert [tag for tag, _reply in answered] == list(range(1, len(requests) + 1))
    return [reply for _tag, reply in answered]


def errnos(replies: Sequence[Any]) -> list[str | None]:
    return [errno.errorcode[reply.ecode] if type(reply) is m.Rlerror else None for reply in replies]


CONVERSATION = [VERSION, ATTACH, *READ_BOOT, m.Twalk(Fid(0), Fid(9), ("nobody",)), m.Tclunk(Fid(1))]
ANSWERS = [m.Rversion, m.Rattach, m.Rwalk, m.Rlopen, m.Rread, m.Rlerror, m.Rclunk]


# -- framing


def test_every_request_is_answered_on_its_tag_in_order(world: World) -> None:
    replies = ask(connect(world), *CONVERSATION)

    assert [type(reply) for reply in replies] == ANSWERS
    assert replies[4] == m.Rread(BOOT)


def test_a_conversation_may_come_byte_by_byte(world: World) -> None:
    connection = connect(world)
    whole = frames(CONVERSATION)

    answered = b"".join(connection.receive(whole[at : at + 1], NOW) for at in range(len(whole)))

    assert [type(reply) for _tag, reply in decoded(answered)] == ANSWERS


@settings(deadline=None)
@given(data=st.data())
def test_how_the_bytes_are_cut_changes_nothing(data: st.DataObject) -> None:
    whole = frames(CONVERSATION)
    at_once, in_pieces = connect(World()), connect(World())

    expected = at_once.receive(whole, NOW)
    answered = b"".join(in_pieces.receive(piece, NOW) for piece in data.draw(cuts(whole)))

    # The qids of two worlds differ; everything else is the same.
    assert [(tag, type(reply)) for tag, reply in decoded(answered)] == [
        (tag, type(reply)) for tag, reply in decoded(expected)
    ]


def test_nothing_and_an_unfinished_frame_are_answered_with_nothing(world: World) -> None:
    connection = connect(world)

    assert connection.receive(b"", NOW) == b""
    assert connection.receive(frames([VERSION])[:-1], NOW) == b""
    assert world.commits == 0
    assert connection.receive(frames([VERSION])[-1:], NOW) != b""


def test_the_negotiated_msize_bounds_frames_from_the_next_one_on(world: World) -> None:
    connection = connect(world)
    long = m.Tattach(Fid(0), Fid(0), "queen", "t" * 250, 0)

    answered = decoded(connection.receive(frames([m.Tversion(256, "9P2000.L"), long]), NOW))

    assert [tag for tag, _reply in answered] == [1, NOTAG]
    assert connection.closed == f"frame of {len(encode(1, long))} bytes, not 7 to 256"


# -- damage


@pytest.mark.parametrize("size", [0, 4, 6, MSIZE_MAX + 1, 0xFFFFFFFF])
def test_a_size_that_is_a_lie_closes_with_one_error_on_notag(world: World, size: int) -> None:
    connection = attached(world)

    answered = connection.receive(frames(READ_BOOT) + size.to_bytes(4, "little") + b"more", NOW)

    *served, last = decoded(answered)
    assert [tag for tag, _reply in served] == [1, 2, 3]
    assert last == (NOTAG, m.Rlerror(errno.EINVAL))
    assert connection.closed == f"frame of {size} bytes, not 7 to {MSIZE_MAX}"
    assert world.audit.lines[-1].reason == connection.closed


def test_a_closed_connection_hears_and_says_nothing(world: World) -> None:
    connection = attached(world)
    connection.receive(bytes(4), NOW)
    commits = world.commits

    assert connection.receive(frames(READ_BOOT), NOW) == b""
    assert world.commits == commits


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(3),
        bytes(5),
        b"\x00\x00\x00\x00\x01\x00\x00\x00\x11\x00",
        b"\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x02\x00\xff\xfe",
        b"\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00tail",
    ],
)
def test_a_body_that_does_not_decode_is_refused_on_its_tag_and_the_session_goes_on(
    world: World, body: bytes
) -> None:
    connection = attached(world)
    frame = (7 + len(body)).to_bytes(4, "little") + b"\x6e" + (77).to_bytes(2, "little") + body

    assert decoded(connection.receive(frame, NOW)) == [(77, m.Rlerror(errno.EINVAL))]
    assert world.audit.lines[-1][:4] == ("queen", "none", "frame", "-")
    assert connection.closed is None
    assert ask(connection, *READ_BOOT)[2] == m.Rread(BOOT)


@pytest.mark.parametrize("number", [0, 6, 7, 101, 106, 107, 124, 126, 255])
def test_an_unknown_message_is_not_supported_and_the_session_goes_on(world: World, number: int) -> None:
    connection = attached(world)
    frame = b"\x0b\x00\x00\x00" + bytes([number]) + b"\x05\x00" + bytes(4)

    assert decoded(connection.receive(frame, NOW)) == [(5, m.Rlerror(errno.EOPNOTSUPP))]
    assert world.audit.lines[-1].reason == f"message type {number} is not a request"
    assert ask(connection, *READ_BOOT)[2] == m.Rread(BOOT)


# -- tags and batches


def test_a_tag_repeated_within_a_batch_is_refused(world: World) -> None:
    connection = attached(world, batch_frames=3)

    answered = decoded(connection.receive(b"".join(encode(5, request) for request in READ_BOOT), NOW))

    assert [tag for tag, _reply in answered] == [5, 5, 5]
    assert errnos([reply for _tag, reply in answered]) == [None, "EINVAL", "EINVAL"]
    assert world.audit.lines[-1].reason == "tag 5 already in use"


def test_a_tag_is_free_again_in_the_next_batch(world: World) -> None:
    connection = attached(world, batch_frames=1)

    answered = decoded(connection.receive(b"".join(encode(5, request) for request in READ_BOOT), NOW))

    assert errnos([reply for _tag, reply in answered]) == [None, None, None]


def test_more_tags_than_the_window_are_refused_as_busy(world: World) -> None:
    connection = attached(world, batch_frames=8, tags=2)

    replies = ask(connection, *READ_BOOT, m.Tclunk(Fid(1)))

    assert errnos(replies) == [None, None, "EBUSY", "EBUSY"]
    assert world.audit.lines[-1].reason == "tag window of 2 exceeded"


def test_the_window_opens_again_with_the_next_batch(world: World) -> None:
    connection = attached(world, batch_frames=3, tags=2)

    replies = ask(connection, *READ_BOOT, *[m.Tclunk(Fid(1))] * 3)

    assert errnos(replies) == [None, None, "EBUSY", None, "EBADF", "EBUSY"]


def test_a_frame_that_does_not_decode_takes_no_tag(world: World) -> None:
    connection = attached(world, batch_frames=2)
    undecodable = b"\x08\x00\x00\x00\x78\x05\x00\x00"

    answered = decoded(connection.receive(undecodable + encode(5, READ_BOOT[0]), NOW))

    assert errnos([reply for _tag, reply in answered]) == ["EINVAL", None]


# -- turns


def turns(connection: Connection, data: bytes) -> list[bytes]:
    """What each turn over `data` returns."""
    made = [connection.receive(data, NOW)]
    while connection.more:
        made.append(connection.receive(b"", NOW))
    return made


def test_a_turn_ends_after_so_many_frames_however_small(world: World) -> None:
    connection = attached(world)

    made = [len(decoded(data)) for data in turns(connection, frames([m.Tclunk(Fid(77))] * 1000))]

    assert sum(made) == 1000
    assert 100 < max(made) <= TURN_BYTES // TURN_REPLY_BYTES
    assert len(set(made[:-1])) == 1


def test_a_turn_ends_after_so_many_bytes_of_replies(world: World) -> None:
    connection = attached(world)
    ask(connection, m.Twalk(Fid(0), Fid(1), ("log", "queen.log")), m.Tlopen(Fid(1), 2))
    ask(connection, m.Twrite(Fid(1), 0, bytes(8000)), m.Twrite(Fid(1), 0, bytes(8000)))

    made = [len(data) for data in turns(connection, frames([m.Tread(Fid(1), 0, MSIZE_MAX)] * 100))]

    assert sum(made) == 100 * MSIZE_MAX
    assert TURN_BYTES - MSIZE_MAX < max(made) < TURN_BYTES + MSIZE_MAX


def test_a_turn_ends_with_a_listing_that_took_long_to_make(world: World) -> None:
    for number in range(2000):
        world.workers.add(Stream(("worker", f"worker-{number + 2}"), world.log, None), NOW)
    connection = attached(world)
    ask(connection, m.Twalk(Fid(0), Fid(1), ("worker",)), m.Tlopen(Fid(1), 0))
    begin, go_on = m.Treaddir(Fid(1), 0, 100), m.Treaddir(Fid(1), 2, 100)

    assert [len(decoded(data)) for data in turns(connection, frames([begin] * 3))] == [1, 1, 1]
    assert len(turns(connection, frames([go_on] * 50))) == 1


def test_what_comes_while_frames_wait_is_served_after_them(world: World) -> None:
    connection = attached(world)
    first, second = frames([m.Tclunk(Fid(77))] * 200), frames([m.Tclunk(Fid(77))] * 200, 201)

    answered = connection.receive(first + second[:5], NOW)
    answered += connection.receive(second[5:], NOW)
    while connection.more:
        answered += connection.receive(b"", NOW)

    assert [tag for tag, _reply in decoded(answered)] == list(range(1, 401))


def test_a_turn_that_ends_with_the_buffer_leaves_nothing(world: World) -> None:
    connection = attached(world)
    in_a_turn = len(decoded(turns(connection, frames([m.Tclunk(Fid(77))] * 1000))[0]))

    assert len(turns(connection, frames([m.Tclunk(Fid(77))] * in_a_turn))) == 1


def test_a_turn_ends_its_batch(world: World) -> None:
    connection = attached(world, batch_frames=1000, tags=1000)
    count = len(decoded(connection.receive(frames([m.Tclunk(Fid(77))] * 1000), NOW)))
    while connection.more:
        connection.receive(b"", NOW)

    repeated = frames([m.Tclunk(Fid(77))] * count) + encode(1, m.Tclunk(Fid(77)))

    assert errnos([reply for _tag, reply in decoded(b"".join(turns(connection, repeated)))])[-1] == "EBADF"


def test_a_refused_size_is_met_in_its_turn(world: World) -> None:
    connection = attached(world)

    *served, last = turns(connection, frames([m.Tclunk(Fid(77))] * 300) + b"\xff" * 4)

    assert len(served) == 2
    assert decoded(last)[-1] == (NOTAG, m.Rlerror(errno.EINVAL))
    assert connection.closed is not None
    assert not connection.more


# -- what is known of the stream


def test_a_stream_can_be_cut_inside_a_frame(world: World) -> None:
    connection = attached(world)
    seen = [connection.inside_frame]
    for piece in (frames(READ_BOOT)[:-1], frames(READ_BOOT)[-1:]):
        connection.receive(piece, NOW)
        seen.append(connection.inside_frame)

    assert seen == [False, True, False]


def test_a_peer_that_was_attached_once_is_known(world: World) -> None:
    connection = connect(world)
    seen = []
    for request in (VERSION, ATTACH, VERSION):
        ask(connection, request)
        seen.append(connection.attached)

    assert seen == [False, True, True]


# -- what is counted


def test_every_kind_of_refusal_is_counted(world: World) -> None:
    connection = attached(world, batch_frames=8, tags=2)
    refused = world.counters.refused

    connection.receive(frames([*READ_BOOT, m.Tclunk(Fid(77))]), NOW)
    assert {kind: number for kind, number in refused.items() if number} == {"tag_window": 2}
    connection.receive(b"".join(encode(5, request) for request in READ_BOOT[1:]), NOW)
    connection.receive(b"\x08\0\0\0\x78\x05\0\0" + b"\x07\0\0\0\x01\x06\0", NOW)
    connection.receive(frames([m.Tclunk(Fid(77))]) + b"\xff" * 4, NOW)

    assert {kind: number for kind, number in refused.items() if number} == {
        "request": 1,
        "tag_window": 2,
        "tag_in_use": 1,
        "undecodable": 1,
        "unknown_message": 1,
        "frame_size": 1,
    }


# -- commit


def test_there_is_one_commit_before_the_replies_of_one_buffer(world: World) -> None:
    connection = attached(world)
    commits = world.commits

    ask(connection, *READ_BOOT)

    assert world.commits == commits + 1


def test_no_reply_claims_success_when_the_store_lost_it(world: World) -> None:
    connection = attached(world)
    world.store_failure = P9Error(errno.EIO, "disk gone")

    assert errnos(ask(connection, *READ_BOOT, m.Tclunk(Fid(77)))) == ["EIO"] * 4
    assert connection.closed is None


# -- bugs


@pytest.fixture
def broken(world: World) -> Connection:
    """Its /queen/ctl is open on fid 1 and raises what no node may raise."""

    def fail(_data: bytes, _caller: object) -> None:
        raise ZeroDivisionError("a bug")

    world.on_command = fail
    connection = attached(world)
    ask(connection, m.Twalk(Fid(0), Fid(1), ("queen", "ctl")), m.Tlopen(Fid(1), 1))
    return connection


def test_a_bug_is_eio_and_a_full_log_and_the_conversation_goes_on(
    broken: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    replies = ask(broken, m.Twrite(Fid(1), 0, b"x"), m.Tgetattr(Fid(1), 0))

    assert errnos(replies) == ["EIO", None]
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.ERROR, "bug while serving Twrite")
    ]
    assert caplog.records[0].exc_info is not None
    assert broken.closed is None


def test_a_reply_that_does_not_fit_its_frame_is_a_bug_like_any_other(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection = attached(world)
    monkeypatch.setattr(Stream, "attr", lambda _node: Attr(0, -1, 0.0))

    replies = ask(connection, m.Twalk(Fid(0), Fid(1), ("log", "queen.log")), m.Tgetattr(Fid(1), 0))

    assert errnos(replies) == [None, "EIO"]
    assert [record.message for record in caplog.records] == ["bug while serving Tgetattr"]


# -- the end


def test_end_closes_the_session_and_keeps_the_first_reason(world: World) -> None:
    connection = attached(world)

    connection.end("peer hung up")
    connection.end("again")

    assert connection.closed == "peer hung up"
    assert not world.counters.sessions
    assert connection.receive(frames(READ_BOOT), NOW) == b""


def test_a_session_that_has_ended_gets_one_answer_and_the_connection_closes(world: World) -> None:
    session = world.session()
    connection = Connection(session, SessionLimits(), world.counters)
    ask(connection, VERSION, ATTACH)
    session.close("shutting down")

    answered = decoded(connection.receive(frames(READ_BOOT), NOW))

    assert answered == [(1, m.Rlerror(errno.ESTALE))]
    assert connection.closed == "session closed"
    assert world.audit.lines[-1].reason == "shutting down"


# -- runs of writes


WRITE, STAT = m.Twrite(Fid(1), 0, b"line\n"), m.Tgetattr(Fid(1), 0)
BAD_WRITE = m.Twrite(Fid(7), 0, b"nobody's\n")


def writing(world: World) -> Connection:
    connection = attached(world, batch_frames=16)
    ask(connection, m.Twalk(Fid(0), Fid(1), ("log", "queen.log")), m.Tlopen(Fid(1), 2))
    world.appends.calls.clear()
    return connection


@pytest.mark.parametrize(
    ("requests", "calls"),
    [
        ([WRITE], []),
        ([STAT, WRITE, STAT], []),
        ([WRITE, STAT, WRITE], []),
        ([WRITE, WRITE], ["begin", "settle"]),
        ([STAT, WRITE, WRITE, WRITE, STAT], ["begin", "settle"]),
        ([WRITE, WRITE, STAT, WRITE, WRITE, STAT, WRITE], ["begin", "settle"] * 2),
        ([WRITE, BAD_WRITE, WRITE], ["begin", "settle"]),
        ([BAD_WRITE, BAD_WRITE], ["begin", "settle"]),
    ],
)
def test_a_run_of_writes_is_settled_before_anything_else_is_served(
    world: World, requests: list[Any], calls: list[str]
) -> None:
    connection = writing(world)

    ask(connection, *requests)

    assert world.appends.calls == calls


def test_a_run_is_settled_before_the_commit_that_lets_its_replies_go(world: World) -> None:
    connection = writing(world)
    settled: list[bool] = []
    commit = connection._commit
    connection._commit = lambda: (settled.append(world.appends.calls[-1] == "settle"), commit())[1]

    ask(connection, *[WRITE] * 5)

    assert settled == [True]


def test_a_run_ends_with_its_turn(world: World) -> None:
    connection = writing(world)

    connection.receive(frames([WRITE] * 200), NOW)
    assert connection.more
    assert world.appends.calls == ["begin", "settle"]

    connection.receive(b"", NOW)
    assert world.appends.calls == ["begin", "settle"] * 2


def test_a_half_frame_behind_a_write_begins_no_run(world: World) -> None:
    connection = writing(world)

    connection.receive(frames([WRITE]) + frames([WRITE])[:6], NOW)

    assert world.appends.calls == []
