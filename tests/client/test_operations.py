"""Operations as such, with a server that answers what a test says. What they do to a hive is in
`test_client.py`.
"""

import errno
import os
from typing import Any

import pytest

from ninedoor.client import operations
from ninedoor.client.failures import ConnectionLost, Unanswered
from ninedoor.client.operations import Attached
from ninedoor.client.steps import Operation
from ninedoor.errors import P9Error
from ninedoor.limits import MSIZE_MAX
from ninedoor.wire import messages as m
from ninedoor.wire.types import QT_FILE, Fid, Qid

QID = Qid(QT_FILE, 1, 5)
LATE = Unanswered(errno.ETIMEDOUT, "no reply")
LOST = ConnectionLost("gone", left=True)


def carried_out(operation: Operation[Any], *answers: Any) -> tuple[list[Any], Any]:
    """What was asked, and the result or the P9Error that came of it."""
    asked: list[Any] = []
    pending = list(answers)
    answer: Any = None
    try:
        while True:
            asked.append(operation.throw(answer) if isinstance(answer, P9Error) else operation.send(answer))
            answer = pending.pop(0)
    except StopIteration as done:
        assert pending == []
        return asked, done.value
    except P9Error as failure:
        assert pending == []
        return asked, failure


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (m.Rversion(8192, "unknown"), "the server speaks 'unknown', not 9P2000.L"),
        (m.Rversion(255, "9P2000.L"), "the server's msize is 255, under 256"),
    ],
)
def test_a_server_of_another_dialect_is_not_attached_to(reply: m.Rversion, text: str) -> None:
    asked, failure = carried_out(operations.attach("queen", "", MSIZE_MAX), reply)

    assert [type(request) for request in asked] == [m.Tversion]
    assert str(failure) == f"ENOTSUP: {text}"


@pytest.mark.parametrize(
    ("uname", "ticket", "text"),
    [
        ("q" * 4097, "", "EMSGSIZE: uname of 4097 bytes over 4096"),
        ("queen", "é" * 2049, "EMSGSIZE: ticket of 4098 bytes over 4096"),
        ("queen", "secret\udcff", "EINVAL: ticket is not UTF-8"),
    ],
)
def test_who_cannot_be_put_into_a_message_is_refused_before_anything_is_asked(
    uname: str, ticket: str, text: str
) -> None:
    asked, failure = carried_out(operations.attach(uname, ticket, MSIZE_MAX))

    assert asked == []
    assert str(failure) == text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/1/2/3/4/5/6/7/8/9", "EINVAL"),
        ("/" + "/x" * 1000, "EINVAL"),
        ("/" + "x" * 65, "ENAMETOOLONG"),
        ("/" + "é" * 33, "ENAMETOOLONG"),
        ("/\udcff", "EINVAL"),
    ],
)
def test_a_path_that_no_frame_holds_is_refused_before_it_is_asked_for(path: str, name: str) -> None:
    asked, failure = carried_out(operations.walk(Attached(MSIZE_MAX), path))

    assert asked == []
    assert errno.errorcode[failure.ecode] == name


def test_a_walk_whose_end_is_not_known_does_not_use_its_number_again() -> None:
    session = Attached(MSIZE_MAX)
    for answer, number in ((LATE, 2), (LOST, 3), (P9Error(errno.ENOENT, "no"), 4), (m.Rwalk((QID,)), 4)):
        asked, _result = carried_out(operations.walk(session, "/a"), answer)
        assert asked[0] == m.Twalk(Fid(1), Fid(number), ("a",))


def test_walks_under_way_have_numbers_of_their_own() -> None:
    session = Attached(MSIZE_MAX)
    asked: list[Any] = [operations.walk(session, "/a").send(None) for _ in range(3)]

    assert [walk.newfid for walk in asked] == [2, 3, 4]


@pytest.mark.parametrize(("offered", "used"), [(0, 8168), (100, 100), (1 << 20, 8168)])
def test_the_iounit_is_the_servers_within_the_msize(offered: int, used: int) -> None:
    _asked, handle = carried_out(
        operations.open_(Attached(MSIZE_MAX), "/a", os.O_RDONLY), m.Rwalk((QID,)), m.Rlopen(QID, offered)
    )

    assert handle.iounit == used


@pytest.mark.parametrize("failure", [LATE, LOST, P9Error(errno.EPERM, "no")])
def test_an_open_that_fails_lets_go_of_its_fid(failure: P9Error) -> None:
    asked, result = carried_out(
        operations.open_(Attached(MSIZE_MAX), "/a", os.O_RDONLY), m.Rwalk((QID,)), failure, m.Rclunk()
    )

    assert asked[-1] == m.Tclunk(Fid(2))
    assert result is failure


def test_a_clunk_without_an_answer_is_nobodys_business() -> None:
    for answer in (LATE, LOST, m.Rclunk()):
        _asked, result = carried_out(operations.clunk(2), answer)
        assert result is None
    _asked, result = carried_out(operations.clunk(2), P9Error(errno.EBADF, "already closed"))
    assert result.ecode == errno.EBADF


ATTRIBUTES = m.Rgetattr(0x7FF, QID, 0, 0, 0, 0, 0, 40, *[0] * 12)
COMMAND = (m.Rwalk((QID,)), m.Rlopen(QID, 100), ATTRIBUTES)
REFUSAL = P9Error(errno.EINVAL, "invalid argument")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (b"ERR EINVAL go: budget is no number\n", "budget is no number"),
        (b"OK x\nERR EINVAL go: first\nERR EINVAL go: second\nOK y\n", "second"),
        (b"ERR EINVAL gone: of another\nERR EPERM go: other number\n", "invalid argument"),
        (b"", "invalid argument"),
        (b"\xff\n", "invalid argument"),
        (P9Error(errno.EPERM, "not readable"), "invalid argument"),
    ],
)
def test_the_reason_of_a_refused_command_is_looked_up(told: Any, reason: str) -> None:
    reads = [told] if isinstance(told, P9Error) else [m.Rread(told)] + ([m.Rread(b"")] if told else [])
    asked, failure = carried_out(
        operations.command(Attached(MSIZE_MAX), "/ctl", "go"),
        *(*COMMAND, REFUSAL, *reads, m.Rclunk()),
    )

    assert (failure.ecode, failure.reason) == (errno.EINVAL, reason)
    assert m.Tread(Fid(2), 40, 100) in asked
    assert asked[-1] == m.Tclunk(Fid(2))


@pytest.mark.parametrize("failure", [LATE, LOST])
def test_a_command_without_an_answer_is_not_explained(failure: P9Error) -> None:
    asked, result = carried_out(
        operations.command(Attached(MSIZE_MAX), "/ctl", "go"), *COMMAND, failure, m.Rclunk()
    )

    assert result is failure
    assert asked[-1] == m.Tclunk(Fid(2))
