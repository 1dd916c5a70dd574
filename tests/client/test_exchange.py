"""Several callers of one pipeline: order within each, turns among all, and an end for everybody."""

import errno
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.client.exchange import Exchange, Exchanges
from ninedoor.client.failures import ConnectionLost
from ninedoor.client.pipeline import Pipeline
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX
from ninedoor.wire import messages as m
from ninedoor.wire.types import QT_DIR, Fid, Qid
from tests.client.test_pipeline import Peer


def reads(first: int, count: int) -> list[m.Message]:
    return [m.Tread(Fid(1), offset, 100) for offset in range(first, first + count)]


def lost(left: bool) -> P9Error:
    return ConnectionLost("gone", left=left)


class Desk:
    """Exchanges and the server behind them."""

    def __init__(self, window: int, at_once: int | None = None) -> None:
        self.pipeline = Pipeline(window)
        self.exchanges = Exchanges(self.pipeline, window if at_once is None else at_once)
        self.peer = Peer()

    def open(self, requests: Sequence[m.Message]) -> Exchange:
        exchange = self.exchanges.open(requests)
        self.peer.take(self.pipeline)
        return exchange

    def answer(self, tag: int, reply: m.Message | None = None) -> set[Exchange]:
        answered = self.exchanges.receive(self.peer.answer(tag, reply))
        self.peer.take(self.pipeline)
        return answered

    def flushes(self) -> list[int]:
        """The tags of the flushes that wait."""
        return [tag for tag, each in self.peer.outstanding.items() if isinstance(each, m.Tflush)]

    def asked(self) -> list[int]:
        """The offsets that the server was asked for and has not answered, in their order."""
        return [request.offset for request in self.peer.outstanding.values()]


@given(st.data(), st.lists(st.integers(0, 6), max_size=4), st.integers(1, 5))
def test_each_caller_gets_its_own_replies_in_its_own_order(
    data: st.DataObject, counts: list[int], window: int
) -> None:
    desk = Desk(window)
    exchanges = [desk.open(reads(100 * caller, count)) for caller, count in enumerate(counts)]
    while desk.peer.outstanding:
        tag = data.draw(st.sampled_from(sorted(desk.peer.outstanding)))
        asked: Any = desk.peer.outstanding[tag]
        assert desk.answer(tag) == {exchanges[asked.offset // 100]}

    assert all(exchange.done for exchange in exchanges)
    for caller, (exchange, count) in enumerate(zip(exchanges, counts, strict=True)):
        assert [reply.data for reply in exchange.results] == [
            b"%d" % (100 * caller + n) for n in range(count)
        ]
        assert exchange.answered == count


def test_the_requests_of_one_caller_are_sent_in_their_order() -> None:
    desk = Desk(2)
    desk.open(reads(0, 4))
    seen = desk.asked()
    while desk.peer.outstanding:
        desk.answer(min(desk.peer.outstanding))
        seen += [offset for offset in desk.asked() if offset not in seen]

    assert seen == [0, 1, 2, 3]


def test_who_asks_for_much_does_not_hold_up_who_asks_for_little() -> None:
    desk = Desk(2)
    desk.open(reads(0, 1000))
    little = desk.open(reads(5000, 1))
    assert desk.asked() == [0, 1]

    for _ in range(3):
        desk.answer(min(desk.peer.outstanding))

    assert little.done


def test_refusals_stand_in_the_places_of_what_was_refused() -> None:
    desk = Desk(3)
    exchange = desk.open([*reads(0, 1), m.Twrite(Fid(1), 0, bytes(MSIZE_MAX)), *reads(2, 1)])

    desk.answer(0, m.Rlerror(errno.ESTALE))
    desk.answer(1)

    refused, unsendable, read = exchange.results
    assert (refused.ecode, unsendable.ecode) == (errno.ESTALE, errno.EMSGSIZE)
    assert read == m.Rread(b"2")


def test_nothing_to_ask_is_done_at_once() -> None:
    assert Desk(1).open([]).done


def test_a_lost_connection_fails_everybody_and_says_what_had_left() -> None:
    desk = Desk(2)
    first, second = desk.open(reads(0, 3)), desk.open(reads(10, 1))
    desk.answer(0)

    failed = desk.exchanges.fail(lost)

    assert failed == {first, second}
    assert first.done
    assert second.done
    assert first.results[0] == m.Rread(b"0")
    assert [result.left for result in (*first.results[1:], *second.results)] == [True, True, False]


def test_who_gives_up_leaves_the_others_alone() -> None:
    desk = Desk(2)
    patient, hasty = desk.open(reads(0, 1)), desk.open(reads(10, 3))

    hasty.give_up(lost)
    desk.peer.take(desk.pipeline)
    assert [result.left for result in hasty.results] == [True, False, False]
    assert desk.answer(0) == {patient}
    assert desk.exchanges.receive(desk.peer.answer(1) + desk.peer.flush()) == set()

    assert desk.open(reads(20, 1)).done is False
    assert desk.pipeline.broken is None


def test_who_goes_before_it_looks_at_its_replies_leaves_no_fid() -> None:
    desk = Desk(8)
    walks: list[m.Message] = [m.Twalk(Fid(1), Fid(fid), ("proc",)) for fid in (5, 6, 7)]
    gone = desk.open(walks)
    tags = list(desk.peer.outstanding)
    desk.answer(tags[0], m.Rwalk((Qid(QT_DIR, 1, 1),)))
    desk.answer(tags[1], m.Rlerror(errno.EPERM))

    gone.abandon(lost)
    desk.peer.take(desk.pipeline)

    asked = list(desk.peer.outstanding.values())
    assert [request for request in asked if isinstance(request, m.Tclunk)] == [m.Tclunk(Fid(5))]
    assert gone.done


@pytest.mark.parametrize("queued", [0, 5])
def test_giving_up_while_waiting_for_room_sends_nothing_later(queued: int) -> None:
    desk = Desk(1)
    desk.open(reads(0, 1))
    hasty = desk.open(reads(10, queued))
    hasty.give_up(lost)

    desk.answer(0)

    assert desk.peer.outstanding == {}
    assert hasty.done


# -- how many at once


def test_one_at_a_time_needs_nothing_to_be_found_out() -> None:
    desk = Desk(16, at_once=1)
    for offset in range(3):
        one = desk.open(reads(offset, 1))
        assert desk.asked() == [offset]
        desk.answer(0)
        assert one.done


@pytest.mark.parametrize("takes", [1, 3, 4, 16])
def test_no_more_is_sent_at_once_than_the_server_takes(takes: int) -> None:
    desk = Desk(16, at_once=1)
    many = desk.open(reads(0, 40))
    for place, tag in enumerate(desk.flushes()):
        desk.answer(tag, None if place < takes else m.Rlerror(errno.EBUSY))

    assert desk.asked() == list(range(takes))

    most = 0
    while desk.peer.outstanding:
        most = max(most, len(desk.peer.outstanding))
        desk.answer(min(desk.peer.outstanding))
    assert most == takes
    assert many.done
    assert all(type(reply) is m.Rread for reply in many.results)


def test_more_is_tried_only_when_more_is_wanted() -> None:
    desk = Desk(16, at_once=1)
    tried = []
    for count in (2, 2, 3, 9, 16):
        wanted = desk.open(reads(0, count))
        tried.append(len(desk.flushes()))
        for tag in desk.flushes():
            desk.answer(tag)
        assert desk.asked() == list(range(count))
        while desk.peer.outstanding:
            desk.answer(min(desk.peer.outstanding))
        assert wanted.done

    assert tried == [2, 0, 4, 9, 16]


def test_a_request_that_hangs_does_not_keep_the_others_from_being_tried() -> None:
    desk = Desk(16, at_once=1)
    hangs = desk.open(reads(0, 1))
    other = desk.open(reads(10, 1))
    for tag in desk.flushes():
        desk.answer(tag)
    desk.answer(max(desk.peer.outstanding))

    assert other.done
    assert not hangs.done


def test_who_gives_up_before_it_is_known_sends_nothing_later() -> None:
    desk = Desk(16, at_once=1)
    hasty = desk.open(reads(0, 5))
    hasty.give_up(lost)
    for tag in desk.flushes():
        desk.answer(tag)

    assert desk.peer.outstanding == {}
    assert [result.left for result in hasty.results] == [False] * 5
    assert desk.open(reads(0, 2)).done is False
    assert desk.asked() == [0, 1]


def test_a_connection_lost_before_it_is_known_fails_whoever_waits() -> None:
    desk = Desk(16, at_once=1)
    waiting = desk.open(reads(0, 5))

    assert waiting in desk.exchanges.fail(lost)
    assert waiting.done
