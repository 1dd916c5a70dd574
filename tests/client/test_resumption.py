"""What a channel does about a lost connection, effect by effect. How it looks to a client is in
`test_resuming.py`.
"""

import errno
from collections.abc import Sequence
from typing import Any

import pytest

from ninedoor.client.failures import ConnectionLost, Unanswered
from ninedoor.client.resumption import (
    FIRST_PAUSE_S,
    LAST_PAUSE_S,
    Ask,
    ChannelState,
    Drop,
    Link,
    Live,
    Restore,
    Resumption,
)
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import QT_DIR, Fid, Qid

NOW = 1000.0
ATTACH = m.Tattach(Fid(0), Fid(0), "queen", "", 0)
ROOT = Qid(QT_DIR, 1, 1)
LEFT, STAYED = ConnectionLost("gone", left=True), ConnectionLost("gone", left=False)
DONE = m.Rwrite(1)


class Channel:
    """Carries out the effects: each Ask is answered with the next of `answers`, each Restore with the next of
    `restores`. `asked` remembers what was asked, round by round."""

    def __init__(self, *answers: Sequence[Any]) -> None:
        self.states: list[ChannelState] = []
        self.resumption = Resumption(NOW, 15.0, self.states.append)
        self.answers = list(answers)
        self.restores: list[P9Error | None] = []
        self.asked: list[list[Any]] = []
        self.dropped: list[str] = []
        self.resumption.connected(self.resumption.next_epoch(), NOW)
        self.link = Link(1, None)

    def call_many(self, requests: Sequence[Any]) -> list[Any]:
        effects = self.resumption.call_many(requests)
        result: Any = None
        try:
            while True:
                effect = effects.throw(result) if isinstance(result, P9Error) else effects.send(result)
                result = self._perform(effect)
        except StopIteration as done:
            results: list[Any] = done.value
            return results

    def _perform(self, effect: Any) -> Any:
        if effect is Live:
            return self.link
        if isinstance(effect, Restore):
            failure = self.restores.pop(0)
            if isinstance(failure, ConnectionLost):
                self.lose()
            return failure
        if isinstance(effect, Drop):
            self.dropped.append(effect.why)
            return self.lose()
        assert isinstance(effect, Ask)
        self.asked.append(list(effect.requests))
        answers = self.answers.pop(0)
        if any(isinstance(answer, ConnectionLost) for answer in answers):
            self.lose()
        return list(answers)

    def lose(self) -> None:
        """Another session takes the place of this one."""
        self.resumption.lost("gone", NOW)
        self.link = Link(self.resumption.next_epoch(), None)
        self.resumption.connected(self.link.epoch, NOW)


def write(number: int) -> m.Twrite:
    return m.Twrite(Fid(9), 0, b"%d" % number)


def read(number: int, fid: int = 9) -> m.Tread:
    return m.Tread(Fid(fid), number, 10)


def test_reads_are_asked_again_whether_they_left_or_not() -> None:
    channel = Channel([LEFT, STAYED], [m.Rread(b"0"), m.Rread(b"1")])

    assert channel.call_many([read(0), read(1)]) == [m.Rread(b"0"), m.Rread(b"1")]
    assert channel.asked == [[read(0), read(1)]] * 2


def test_a_write_that_never_left_is_sent_in_the_next_session() -> None:
    channel = Channel([DONE, STAYED, STAYED], [DONE, DONE])

    assert channel.call_many([write(0), write(1), write(2)]) == [DONE] * 3
    assert channel.asked[1] == [write(1), write(2)]


def test_writes_behind_one_in_doubt_are_not_sent() -> None:
    """They would arrive although what should come before them did not."""
    channel = Channel([DONE, LEFT, STAYED, STAYED], [m.Rread(b"3")])

    done, doubtful, unsent, reply = channel.call_many([write(0), write(1), write(2), read(3)])

    assert (done, reply) == (DONE, m.Rread(b"3"))
    assert (doubtful.ecode, doubtful.left) == (errno.EIO, True)
    assert (unsent.ecode, unsent.left) == (errno.EIO, False)
    assert unsent.reason == "connection lost before this write, which was not sent again"
    assert channel.asked[1] == [read(3)]


def test_what_is_asked_again_is_asked_in_its_order() -> None:
    channel = Channel([m.Rattach(ROOT)], [LEFT], [m.Rread(b"0"), m.Rread(b"1")])
    channel.call_many([ATTACH])
    channel.lose()
    # The second request needs fid 0, which the new session does not have; the connection is lost over it.
    channel.restores = [STAYED, None]

    replies = channel.call_many([read(0), read(1, fid=0)])

    assert replies == [m.Rread(b"0"), m.Rread(b"1")]
    assert channel.asked[1:] == [[read(0)], [read(0), read(1, fid=0)]]


def test_a_silent_server_is_left() -> None:
    silent = Unanswered(errno.ETIMEDOUT, "no reply", silent_s=14.0)
    hasty = Unanswered(errno.ETIMEDOUT, "too little time", silent_s=0.5)
    channel = Channel([silent, hasty], [hasty])

    assert channel.call_many([read(0), read(1)]) == [silent, hasty]
    assert channel.dropped == ["no reply"]
    channel.call_many([read(0)])
    assert channel.dropped == ["no reply"]


def test_a_refusal_is_an_answer() -> None:
    channel = Channel([P9Error(errno.EPERM, "no")])

    (refused,) = channel.call_many([read(0)])

    assert refused.ecode == errno.EPERM


@pytest.mark.parametrize(
    "request_", [m.Tmkdir(Fid(9), "x", 0, 0), m.Tremove(Fid(9)), m.Tauth(Fid(9), "", "", 0)]
)
def test_what_may_do_something_is_not_asked_for_twice(request_: m.Message) -> None:
    (unknown,) = Channel([LEFT]).call_many([request_])

    assert unknown.reason == (
        f"connection lost during a {type(request_).__name__}: it may or may not have been taken"
    )


def test_pauses_double_up_to_the_longest() -> None:
    resumption = Channel().resumption
    resumption.lost("gone", NOW)
    pauses = [resumption.pause_s]
    for _ in range(8):
        resumption.failed("nobody there")
        pauses.append(resumption.pause_s)

    assert pauses[:5] == [FIRST_PAUSE_S * 2**n for n in range(5)]
    assert pauses[-2:] == [LAST_PAUSE_S] * 2


def test_a_session_that_answered_is_followed_by_another_at_once() -> None:
    channel = Channel([m.Rread(b"")])
    channel.resumption.failed("nobody there")
    channel.call_many([read(0)])

    channel.resumption.lost("gone", NOW)

    assert channel.resumption.pause_s == 0


def test_states_tell_since_when_and_why() -> None:
    channel = Channel()
    resumption = channel.resumption
    assert resumption.lost("the server closed it", NOW + 1)
    assert not resumption.lost("again", NOW + 2)
    resumption.failed("nobody listens there")
    resumption.connected(2, NOW + 3)
    resumption.ended(NOW + 4)

    assert channel.states == [
        ChannelState(True, NOW),
        ChannelState(False, NOW + 1, "the server closed it", 0, 1),
        ChannelState(False, NOW + 1, "nobody listens there", 1, 1),
        ChannelState(True, NOW + 3, "", 0, 1),
        ChannelState(False, NOW + 4, "the client closed it", 0, 1),
    ]
    assert resumption.state == channel.states[-1]


def test_who_finds_no_connection_is_told_why() -> None:
    resumption = Channel().resumption
    assert resumption.late("unix:/x").reason == "no connection to unix:/x within 15 s"
    resumption.lost("the server closed it", NOW)

    late = resumption.late("unix:/x")

    assert (late.ecode, late.left) == (errno.ETIMEDOUT, False)
    assert late.reason == "no connection to unix:/x within 15 s: the server closed it"
