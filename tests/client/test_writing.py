"""Long writes: where they are cut, what is sent again, and what the writer is told of what arrived."""

import errno
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.client.failures import PartialWrite
from ninedoor.client.operations import Handle
from ninedoor.client.pipeline import WINDOW
from ninedoor.client.steps import Batch, Pause
from ninedoor.client.writing import RETRY_PAUSES_S, piece_end, write_all
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.wire import messages as m
from ninedoor.wire.types import QT_APPEND, Qid
from tests.session.fakes import NOW, World

IOUNIT = 10
HANDLE = Handle(1, os.O_WRONLY, IOUNIT, Qid(QT_APPEND, 1, 1))
FULL = P9Error(errno.ENOSPC, "store full")


class Server:
    """Takes what it is told to: each of `takes` is a count of bytes (None for all) or a refusal, for one
    Twrite; then it takes all. `taken` is what arrived, `pauses` the waits asked for, `most` the Twrites that
    were in flight at once."""

    def __init__(self, *takes: int | P9Error | None) -> None:
        self.takes = list(takes)
        self.taken = b""
        self.pauses: list[float] = []
        self.most = 0

    def write(self, request: Any) -> Any:
        assert request.offset == APPEND_OFFSET
        count = self.takes.pop(0) if self.takes else None
        if isinstance(count, P9Error):
            return count
        count = len(request.data) if count is None else count
        self.taken += request.data[:count]
        return m.Rwrite(count)

    def run(self, data: bytes, **options: Any) -> None:
        """Append `data` through `HANDLE`."""
        operation = write_all(HANDLE, data, **options)
        result: Any = None
        try:
            while True:
                step: Any = operation.throw(result) if isinstance(result, P9Error) else operation.send(result)
                if isinstance(step, Batch):
                    self.most = max(self.most, len(step.requests))
                    result = [self.write(request) for request in step.requests]
                elif isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    result = None
                else:
                    self.most = max(self.most, 1)
                    result = self.write(step)
        except StopIteration:
            return


def failure(server: Server, data: bytes, **options: Any) -> P9Error:
    with pytest.raises(P9Error) as raised:
        server.run(data, **options)
    return raised.value


# -- cutting


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"", []),
        (b"short", [b"short"]),
        (b"0123456789", [b"0123456789"]),
        (b"0123\n56789abc", [b"0123\n", b"56789abc"]),
        (b"0123\n567\n9abc", [b"0123\n567\n", b"9abc"]),
        (b"0123456789abcdef\nx", [b"0123456789", b"abcdef\nx"]),
        (b"012345678\nx", [b"012345678\n", b"x"]),
    ],
)
def test_pieces_end_after_a_line_feed_where_they_can(data: bytes, pieces: list[bytes]) -> None:
    cut = []
    start = 0
    while start < len(data):
        end = piece_end(data, start, IOUNIT)
        cut.append(data[start:end])
        start = end

    assert cut == pieces


@given(st.binary(max_size=100), st.integers(1, 20))
def test_pieces_are_all_of_the_data_and_none_is_too_long(data: bytes, most: int) -> None:
    start = 0
    while start < len(data):
        end = piece_end(data, start, most)
        assert start < end <= start + most
        start = end

    assert start == len(data)


# -- one after the other


LINES = b"one\ntwo\nthree\nfour\nfive\n"


@given(st.text("ab\n", max_size=60))
def test_everything_arrives_in_order(text: str) -> None:
    server = Server()
    server.run(text.encode())

    assert server.taken == text.encode()
    assert server.most <= 1


def test_a_refusal_of_the_first_piece_is_raised_as_it_is() -> None:
    server = Server(FULL)

    assert failure(server, LINES) is FULL
    assert server.taken == b""


def test_a_refusal_after_something_was_taken_says_how_much_that_was() -> None:
    server = Server(None, FULL)

    refused = failure(server, LINES)

    assert isinstance(refused, PartialWrite)
    assert str(refused) == "ENOSPC: 8 of 24 bytes were written: store full"
    assert (refused.taken, refused.missing) == (8, ((8, 24),))
    assert refused.__cause__ is FULL
    assert server.taken == b"one\ntwo\n"


@pytest.mark.parametrize(("count", "taken"), [(0, 8), (3, 11)])
def test_a_short_write_is_the_last_one(count: int, taken: int) -> None:
    server = Server(None, count)

    short = failure(server, LINES)

    assert isinstance(short, PartialWrite)
    assert (short.ecode, short.taken) == (errno.EIO, taken)
    assert server.taken == LINES[:taken]
    assert server.takes == []
    assert server.pauses == []


def test_a_server_that_takes_nothing_at_all_has_made_a_short_write() -> None:
    assert str(failure(Server(0), LINES)) == "EIO: short write"


@pytest.mark.parametrize("counts", [(2, None), (0, 0, 0, None), (1, 1, 1, None), (2, 0, None)])
def test_the_rest_of_a_short_write_is_sent_again_after_growing_pauses(counts: tuple[int | None, ...]) -> None:
    server = Server(None, *counts)

    server.run(LINES, short_writes="retry")

    assert server.taken == LINES
    assert server.pauses == list(RETRY_PAUSES_S[: len(counts) - 1])


def test_every_piece_has_its_own_attempts() -> None:
    server = Server(1, 1, None, 2, 2, None)

    server.run(LINES, short_writes="retry")

    assert server.taken == LINES
    assert server.pauses == [0.005, 0.010] * 2


def test_attempts_come_to_an_end() -> None:
    server = Server(1, 1, 1, 1)

    short = failure(server, LINES, short_writes="retry")

    assert isinstance(short, PartialWrite)
    assert short.taken == 4
    assert server.taken == LINES[:4]
    assert server.pauses == [0.005, 0.010, 0.020]


def test_a_refusal_of_the_rest_is_no_short_write() -> None:
    server = Server(1, FULL)

    refused = failure(server, LINES, short_writes="retry")

    assert isinstance(refused, PartialWrite)
    assert (refused.ecode, refused.taken) == (errno.ENOSPC, 1)


@given(st.lists(st.one_of(st.integers(0, 10), st.none(), st.just(FULL)), max_size=12), st.booleans())
def test_what_arrived_is_a_beginning_of_the_data_and_its_length_is_told(
    takes: list[int | P9Error | None], retry: bool
) -> None:
    server = Server(*takes)
    # No more is ever taken than was sent.
    real = server.write
    server.write = lambda request: capped(real(request), request)  # type: ignore[method-assign]
    taken = len(LINES)
    try:
        server.run(LINES, short_writes="retry" if retry else "reject")
    except PartialWrite as partial:
        taken = partial.taken
    except P9Error:
        taken = 0

    assert server.taken == LINES[:taken]


def capped(reply: Any, request: Any) -> Any:
    return m.Rwrite(min(reply.count, len(request.data))) if isinstance(reply, m.Rwrite) else reply


# -- many at once


def numbered(count: int) -> bytes:
    return b"".join(b"line %03d\n" % number for number in range(count))


def test_whole_lines_are_sent_together() -> None:
    server = Server()

    server.run(numbered(40), pipelined=True)

    assert server.taken == numbered(40)
    assert server.most == WINDOW


def test_a_refusal_among_many_says_which_lines_are_missing() -> None:
    server = Server(None, FULL, None, 3)

    partial = failure(server, numbered(40), pipelined=True)

    assert isinstance(partial, PartialWrite)
    assert partial.ecode == errno.ENOSPC
    # The second piece, the end of the fourth, and all that was not on its way yet.
    assert partial.missing == ((9, 18), (30, 36), (9 * WINDOW, 360))
    kept = [numbered(40)[start:end] for start, end in ((0, 9), (18, 30), (36, 9 * WINDOW))]
    assert server.taken == b"".join(kept)
    assert partial.taken == len(server.taken)


def test_when_nothing_arrived_the_refusal_is_raised_as_it_is() -> None:
    assert failure(Server(*[FULL] * WINDOW), numbered(WINDOW), pipelined=True) is FULL


@pytest.mark.parametrize(
    ("data", "options", "name", "text"),
    [
        (b"no end", {}, "EINVAL", "the last line has no line feed"),
        (b"0123456789\n", {}, "EMSGSIZE", "line over 10 bytes"),
        (b"a\n", {"short_writes": "retry"}, "EINVAL", "cannot be retried"),
    ],
)
def test_what_cannot_be_sent_together_is_not_sent(
    data: bytes, options: dict[str, Any], name: str, text: str
) -> None:
    server = Server()

    refused = failure(server, data, pipelined=True, **options)

    assert errno.errorcode[refused.ecode] == name
    assert text in refused.reason
    assert server.most == 0


# -- for real


@pytest.mark.parametrize("pipelined", [False, True])
def test_a_file_takes_lines_of_many_messages(world: World, pipelined: bool) -> None:
    client = Client(LocalChannel(world.session(), lambda: NOW), msize=256)
    with client.open("/log/queen.log", os.O_WRONLY) as log:
        log.write_all(numbered(1000), pipelined=pipelined)

    assert world.log.retained() == numbered(1000)
    assert all(data.endswith(b"\n") for _who, data, _caller in world.written)
    assert len(world.written) > 2 * WINDOW
