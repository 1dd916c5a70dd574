"""Tags and matching: any order of replies, any cut of the bytes, and nothing believed that was not asked for.

`Peer` is a server that keeps what it was asked until it is told to answer; it checks what flush(5) and
version(5) demand of a client's tags.
"""

import errno
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ninedoor.client.pipeline import WINDOW, Pipeline
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX, MSIZE_MIN, NOTAG
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_request, encode
from ninedoor.wire.framing import FrameReader
from ninedoor.wire.types import QT_FILE, Fid, Qid
from tests.strategies import cuts, messages_of

QID = Qid(QT_FILE, 1, 5)


class Peer:
    """The other end: `outstanding` maps tags to what was asked on them and not answered; `reserved` are the
    tags that must not be used again, which is more, flush(5)."""

    def __init__(self) -> None:
        self._reader = FrameReader()
        self.outstanding: dict[int, Any] = {}
        self.reserved: set[int] = set()
        self.clunked: list[int] = []

    def take(self, pipeline: Pipeline) -> None:
        """Receive all that `pipeline` has to send."""
        data = bytes(pipeline.unsent)
        pipeline.sent(len(data))
        self._reader.feed(data)
        for frame in self._reader:
            tag, request = decode_request(*frame)
            assert tag not in self.reserved, f"tag {tag} used for {request} while in flight"
            assert (tag == NOTAG) == (type(request) is m.Tversion)
            self.outstanding[tag] = request
            self.reserved.add(tag)
            if isinstance(request, m.Tclunk):
                self.clunked.append(request.fid)

    def answer(self, tag: int, reply: m.Message | None = None) -> bytes:
        """A reply to what was asked on `tag`, a fitting one unless given."""
        request = self.outstanding.pop(tag)
        if isinstance(request, m.Tflush):
            # What it is about is answered before it or not at all.
            self.outstanding.pop(request.oldtag, None)
            self.reserved.discard(request.oldtag)
        flushes = [each.oldtag for each in self.outstanding.values() if isinstance(each, m.Tflush)]
        if tag not in flushes:
            self.reserved.discard(tag)
        return encode(tag, reply or reply_to(request))

    def flush(self) -> bytes:
        """The reply to the one Tflush there is."""
        (tag,) = [tag for tag, each in self.outstanding.items() if isinstance(each, m.Tflush)]
        return self.answer(tag)


def reply_to(request: Any) -> Any:
    """What a willing server answers; the data of a Tread tells which one it was."""
    if isinstance(request, m.Tread):
        return m.Rread(b"%d" % request.offset)
    if isinstance(request, m.Twalk):
        return m.Rwalk((QID,) * len(request.names))
    if isinstance(request, m.Tattach):
        return m.Rattach(QID)
    if isinstance(request, m.Tclunk):
        return m.Rclunk()
    if isinstance(request, m.Tflush):
        return m.Rflush()
    assert isinstance(request, m.Tversion)
    return m.Rversion(min(request.msize, 4096), request.version)


def read(offset: int) -> m.Tread:
    return m.Tread(Fid(1), offset, 100)


def takes(pipeline: Pipeline) -> bool:
    return pipeline.takes


def asked(pipeline: Pipeline, peer: Peer, *requests: m.Message) -> list[int]:
    tags = [pipeline.send(request) for request in requests]
    peer.take(pipeline)
    return tags


@given(st.data(), st.integers(1, WINDOW))
def test_replies_come_in_any_order_and_in_any_pieces(data: st.DataObject, count: int) -> None:
    pipeline, peer = Pipeline(), Peer()
    tags = asked(pipeline, peer, *(read(offset) for offset in range(count)))
    order = data.draw(st.permutations(tags))
    stream = b"".join(peer.answer(tag) for tag in order)

    answers = [answer for piece in data.draw(cuts(stream)) for answer in pipeline.receive(piece)]

    assert pipeline.broken is None
    assert [tag for tag, _reply in answers] == order
    assert {tag: reply.data for tag, reply in answers} == {  # type: ignore[attr-defined]
        tag: b"%d" % offset for offset, tag in enumerate(tags)
    }


def test_the_window_bounds_what_is_in_flight() -> None:
    pipeline, peer = Pipeline(window=2), Peer()
    first, _second = asked(pipeline, peer, read(0), read(1))
    assert not takes(pipeline)

    pipeline.receive(peer.answer(first))

    assert takes(pipeline)


def test_a_request_that_was_given_up_keeps_its_place_until_it_is_flushed() -> None:
    pipeline, peer = Pipeline(window=1), Peer()
    (tag,) = asked(pipeline, peer, read(0))

    pipeline.give_up(tag)
    pipeline.give_up(tag)
    peer.take(pipeline)
    assert sorted(map(type, peer.outstanding.values()), key=str) == [m.Tflush, m.Tread]
    assert not takes(pipeline)
    assert pipeline.receive(peer.answer(tag)) == []
    assert not takes(pipeline)

    assert pipeline.receive(peer.flush()) == []
    assert takes(pipeline)
    assert pipeline.broken is None


def test_a_flush_alone_frees_the_tag() -> None:
    pipeline, peer = Pipeline(window=1), Peer()
    (tag,) = asked(pipeline, peer, read(0))
    pipeline.give_up(tag)
    peer.take(pipeline)

    pipeline.receive(peer.flush())

    assert asked(pipeline, peer, read(1)) != []
    assert pipeline.broken is None


def test_a_reply_to_a_flushed_request_is_one_too_many() -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, read(0))
    pipeline.give_up(tag)
    peer.take(pipeline)
    pipeline.receive(peer.flush())

    pipeline.receive(encode(tag, m.Rread(b"late")))

    assert "on which nothing was asked" in str(pipeline.broken)


def test_a_request_that_was_given_up_is_answered_once() -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, read(0))
    pipeline.give_up(tag)
    peer.take(pipeline)
    late = peer.answer(tag)

    pipeline.receive(late)
    assert takes(pipeline)
    pipeline.receive(late)

    assert "on which nothing was asked" in str(pipeline.broken)


@pytest.mark.parametrize("late_first", [True, False])
def test_a_server_that_refuses_to_flush_frees_the_tag_with_the_reply(late_first: bool) -> None:
    pipeline, peer = Pipeline(window=1), Peer()
    (tag,) = asked(pipeline, peer, read(0))
    pipeline.give_up(tag)
    peer.take(pipeline)
    late = peer.answer(tag)
    (flush,) = peer.outstanding
    refused = encode(flush, m.Rlerror(errno.EBUSY))
    first, second = (late, refused) if late_first else (refused, late)

    pipeline.receive(first)
    assert not takes(pipeline)
    pipeline.receive(second)

    assert takes(pipeline)
    assert pipeline.broken is None


@pytest.mark.parametrize(
    ("request_", "reply", "clunked"),
    [
        (m.Twalk(Fid(1), Fid(9), ("a",)), m.Rwalk((QID,)), [9]),
        (m.Twalk(Fid(1), Fid(9), ()), m.Rwalk(()), [9]),
        (m.Tattach(Fid(9), Fid(0), "", "", 0), m.Rattach(QID), [9]),
        (m.Twalk(Fid(1), Fid(9), ("a", "b")), m.Rwalk((QID,)), []),
        (m.Twalk(Fid(9), Fid(9), ("a",)), m.Rwalk((QID,)), []),
        (m.Twalk(Fid(1), Fid(9), ("a",)), m.Rlerror(2), []),
        (m.Tlopen(Fid(9), 0), m.Rlopen(QID, 0), []),
    ],
)
def test_a_fid_that_comes_after_its_request_was_given_up_is_clunked(
    request_: m.Message, reply: m.Message, clunked: list[int]
) -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, request_)
    pipeline.give_up(tag)
    peer.take(pipeline)

    assert pipeline.receive(peer.answer(tag, reply) + peer.flush()) == []
    peer.take(pipeline)

    assert peer.clunked == clunked
    for outstanding in tuple(peer.outstanding):
        assert pipeline.receive(peer.answer(outstanding)) == []
    assert pipeline.broken is None
    assert pipeline.waiting() == []
    assert peer.reserved == set()


def test_giving_up_what_was_answered_asks_nothing() -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, read(0))
    pipeline.receive(peer.answer(tag))

    pipeline.give_up(tag)

    assert not pipeline.unsent


def test_version_sets_the_msize_of_both_directions() -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, m.Tversion(MSIZE_MAX, "9P2000.L"))
    assert tag == NOTAG

    pipeline.receive(peer.answer(tag))

    assert pipeline.msize == 4096
    with pytest.raises(P9Error, match="frame of 4097 bytes over msize 4096") as refusal:
        pipeline.send(m.Twrite(Fid(1), 0, bytes(4097 - 23)))
    assert refusal.value.ecode == errno.EMSGSIZE
    asked(pipeline, peer, m.Twrite(Fid(1), 0, bytes(4096 - 23)))
    pipeline.receive((4097).to_bytes(4, "little"))
    assert "4097 bytes" in str(pipeline.broken)


def test_version_is_not_sent_into_a_conversation() -> None:
    pipeline, peer = Pipeline(), Peer()
    asked(pipeline, peer, read(0))

    with pytest.raises(P9Error, match="Tversion while 1 requests are in flight"):
        pipeline.send(m.Tversion(MSIZE_MAX, "9P2000.L"))


def test_nothing_is_sent_behind_a_version() -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, m.Tversion(MSIZE_MAX, "9P2000.L"))
    assert not takes(pipeline)

    pipeline.receive(peer.answer(tag))

    assert takes(pipeline)


def test_a_version_that_was_given_up_ends_it() -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, m.Tversion(MSIZE_MAX, "9P2000.L"))

    pipeline.give_up(tag)

    assert "no answer to Tversion" in str(pipeline.broken)


def test_what_cannot_be_sent_takes_neither_tag_nor_place() -> None:
    pipeline, peer = Pipeline(window=1), Peer()
    for _ in range(3):
        with pytest.raises(P9Error):
            pipeline.send(m.Twrite(Fid(1), 0, bytes(MSIZE_MAX)))
        with pytest.raises(ValueError, match="17 names"):
            pipeline.send(m.Twalk(Fid(1), Fid(2), ("a",) * 17))

    assert asked(pipeline, peer, read(0)) == [0]


def test_a_request_has_left_when_its_last_byte_has() -> None:
    pipeline = Pipeline()
    first, second = pipeline.send(read(0)), pipeline.send(read(1))
    size = len(encode(0, read(0)))

    left = []
    for count in (size - 1, 1, size - 1, 1):
        pipeline.sent(count)
        left.append((pipeline.left_whole(first), pipeline.left_whole(second)))

    assert left == [(False, False), (True, False), (True, False), (True, True)]


REPLIES = [
    messages_of(reply) for reply in m.REPLIES.values() if reply not in (m.Rlerror, m.Rread, m.Rreaddir)
]


@given(st.one_of(REPLIES))
def test_a_reply_of_another_type_is_not_taken(reply: m.Message) -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, read(0))
    peer.answer(tag)

    assert pipeline.receive(encode(tag, reply)) == []
    assert f"{type(reply).__name__} in answer to Tread" in str(pipeline.broken)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (m.Tread(Fid(1), 0, 3), m.Rread(b"four")),
        (m.Treaddir(Fid(1), 0, 3), m.Rreaddir(b"four")),
        (m.Twrite(Fid(1), 0, b"abc"), m.Rwrite(4)),
        (m.Twalk(Fid(1), Fid(2), ("a",)), m.Rwalk((QID, QID))),
        (m.Tversion(MSIZE_MIN, "9P2000.L"), m.Rversion(MSIZE_MIN + 1, "9P2000.L")),
        (m.Tversion(MSIZE_MIN, "9P2000.L"), m.Rversion(7, "9P2000.L")),
    ],
)
def test_a_reply_with_more_than_was_asked_for_is_not_taken(request_: m.Message, reply: m.Message) -> None:
    pipeline, peer = Pipeline(), Peer()
    (tag,) = asked(pipeline, peer, request_)

    assert pipeline.receive(encode(tag, reply)) == []
    assert "with more than was asked for" in str(pipeline.broken)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (encode(40, m.Rclunk()), "Rclunk on tag 40, on which nothing was asked"),
        (encode(NOTAG, m.Rclunk()), "Rclunk on tag 65535"),
        (encode(NOTAG, m.Rlerror(errno.EINVAL)), "the server could not read what it was sent: EINVAL"),
        (encode(0, m.Tclunk(Fid(1))), "message type 120 is not a reply"),
        (bytes(7), "frame of 0 bytes"),
        (b"\xff\xff\xff\xff", "frame of 4294967295 bytes"),
        (encode(0, m.Rread(b"x"))[:-1].replace(b"\x0c", b"\x0b", 1), "count 1 of data"),
    ],
)
def test_bytes_that_no_server_sends_break_it_once_and_for_all(data: bytes, why: str) -> None:
    pipeline, peer = Pipeline(), Peer()
    first, second = asked(pipeline, peer, read(0), read(1))
    good = peer.answer(second)

    answers = pipeline.receive(good + data + peer.answer(first))

    assert [tag for tag, _reply in answers] == [second]
    assert why in str(pipeline.broken)
    assert not takes(pipeline)
    assert pipeline.receive(good) == []
    pipeline.give_up(first)
    assert not pipeline.unsent


@given(st.binary(max_size=300))
def test_any_bytes_are_replies_or_break_it(data: bytes) -> None:
    pipeline, peer = Pipeline(), Peer()
    asked(pipeline, peer, *(read(offset) for offset in range(WINDOW)))

    assert len(pipeline.receive(data)) <= WINDOW


class Conversation(RuleBasedStateMachine):
    """A client that gives up now and then, and a server that answers when it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.pipeline = Pipeline(window=4)
        self.peer = Peer()
        self.wanted: dict[int, bytes] = {}
        self.reads = 0

    @precondition(lambda self: self.pipeline.takes)
    @rule()
    def ask(self) -> None:
        (tag,) = asked(self.pipeline, self.peer, read(self.reads))
        self.wanted[tag] = b"%d" % self.reads
        self.reads += 1

    @precondition(lambda self: self.wanted)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        tag = data.draw(st.sampled_from(sorted(self.wanted)))
        del self.wanted[tag]
        self.pipeline.give_up(tag)
        self.peer.take(self.pipeline)

    @precondition(lambda self: self.peer.outstanding)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        tag = data.draw(st.sampled_from(sorted(self.peer.outstanding)))
        expected = [(tag, m.Rread(self.wanted.pop(tag)))] if tag in self.wanted else []

        assert self.pipeline.receive(self.peer.answer(tag)) == expected

    @invariant()
    def both_ends_agree(self) -> None:
        assert self.pipeline.broken is None
        assert set(self.pipeline.waiting()) == set(self.wanted)
        assert self.pipeline.takes == (len(self.pipeline._asked) < 4)
        if not self.peer.outstanding:
            assert self.pipeline.takes
            assert self.peer.reserved == set()


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=100, stateful_step_count=50, suppress_health_check=[HealthCheck.too_slow]
)
