"""A publication arrives whole or not at all, in the original's words."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu import mock
from ninedoor.gpu.publish import IDLE, Received, Receiver, lines

DATA = mock.snapshot().encode()
LINES = list(lines(DATA))


def given_lines(receiver: Receiver, *texts: str) -> Received | None:
    received = None
    for text in texts:
        received = receiver.line(text)
    return received


def refused(receiver: Receiver, text: str) -> str:
    with pytest.raises(P9Error) as refusal:
        receiver.line(text)
    assert refusal.value.ecode == errno.EINVAL
    assert receiver.status == f"state=err reason={refusal.value.reason}"
    return refusal.value.reason


def test_lines_fit_a_console() -> None:
    assert all(len(line) <= limits.CONSOLE_ECHO_MAX for line in LINES)
    assert {len(line) for line in LINES[1:-2]} == {len("b64:") + 124}
    assert LINES[0] == (
        "begin bytes=1477 sha256=704821d10bbd99487459a9df07ce769a6bb2c781c7661a31f0214021ba272e1b"
    )


@given(st.binary(max_size=1000))
def test_what_is_sent_arrives(data: bytes) -> None:
    received = given_lines(Receiver(), *lines(data))

    assert received is not None
    assert received.data == data


def test_status_follows_a_publication() -> None:
    receiver = Receiver()

    assert (receiver.status, receiver.is_idle) == (IDLE, True)
    given_lines(receiver, LINES[0])
    assert (receiver.status, receiver.is_idle) == ("state=receiving bytes=1477", False)
    received = given_lines(receiver, *LINES[1:])
    assert received is not None
    assert received.status == f"state=ok bytes=1477 sha256={received.sha256}"


def test_a_second_begin_starts_over() -> None:
    receiver = Receiver()

    given_lines(receiver, *LINES[:5])

    assert given_lines(receiver, *LINES) is not None


def test_chunks_may_be_cut_anywhere() -> None:
    text = "".join(line.removeprefix("b64:") for line in LINES[1:-1])
    receiver = Receiver()

    received = given_lines(receiver, LINES[0], *(f"b64:{character}" for character in text), "end")

    assert received is not None
    assert received.data == DATA


@pytest.mark.parametrize(
    ("before", "text", "reason"),
    [
        ((), "end", "gpu bridge end without begin"),
        ((), "b64:AAAA", "gpu bridge data without begin"),
        (LINES[:-1], "b64:A", "gpu bridge base64 exceeds expected length"),
        (LINES[:-2], "end", "gpu bridge payload size mismatch"),
        ((), "begin", "gpu bridge line not recognised"),
        ((), "begin bytes=-1 sha256=" + "a" * 64, "gpu bridge line not recognised"),
        ((), "begin bytes=1 sha256=" + "A" * 64, "gpu bridge line not recognised"),
        ((), "BEGIN", "gpu bridge line not recognised"),
        ((), "begin bytes=131073 sha256=" + "a" * 64, "gpu bridge payload too large: 131073"),
        ((LINES[0].replace("704821", "000000"), *LINES[1:-1]), "end", "gpu bridge sha256 mismatch"),
        ((LINES[0], "b64:*"), "end", "gpu bridge base64 is not valid"),
    ],
)
def test_a_bad_line_ends_the_publication_in_the_originals_words(
    before: tuple[str, ...], text: str, reason: str
) -> None:
    receiver = Receiver()
    given_lines(receiver, *before)

    assert refused(receiver, text) == reason
    assert refused(receiver, "end") == "gpu bridge end without begin"


def test_the_largest_publication_is_taken() -> None:
    data = b"x" * limits.GPU_SNAPSHOT_BYTES

    received = given_lines(Receiver(), *lines(data))

    assert received is not None
    assert received.data == data


def test_status_has_room_for_any_reason() -> None:
    receiver = Receiver()

    receiver.failed("é" * 600)

    assert len(receiver.status.encode()) < limits.GPU_BRIDGE_STATUS_BYTES


def test_chunks_of_nothing_take_no_room() -> None:
    receiver = Receiver()
    given_lines(receiver, LINES[0], *["b64:"] * 100)

    assert receiver._text == []
    assert given_lines(receiver, *LINES[1:]) is not None
