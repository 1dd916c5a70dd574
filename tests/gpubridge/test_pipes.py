import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.gpubridge.pipes import HEAD, JSON_MAX, Inbox, PipeError, packed, receive

messages = st.lists(
    st.tuples(st.dictionaries(st.text(), st.integers() | st.text()), st.binary(max_size=50)), max_size=5
)


@given(messages, st.integers(1, 40))
def test_messages_come_out_as_they_went_in(sent: list[tuple[dict[str, object], bytes]], piece: int) -> None:
    data = b"".join(packed(*each) for each in sent)
    pieces = iter([data[start : start + piece] for start in range(0, len(data), piece)])
    inbox = Inbox()

    received = []
    while (message := receive(lambda _most: next(pieces, b""), inbox)) is not None:
        received.append(message)

    assert received == sent


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (HEAD.pack(JSON_MAX + 1, 0), "a message of 65537 and 0 bytes"),
        (
            HEAD.pack(2, limits.GPU_PAYLOAD_BYTES + 1),
            f"a message of 2 and {limits.GPU_PAYLOAD_BYTES + 1} bytes",
        ),
        (HEAD.pack(3, 0) + b"{-}", "a message that is not JSON"),
        (HEAD.pack(2, 0) + json.dumps([]).encode(), "a message that is no JSON object"),
    ],
)
def test_what_is_no_message_is_found_before_it_is_held(data: bytes, text: str) -> None:
    inbox = Inbox()
    inbox.feed(data)

    with pytest.raises(PipeError, match=text):
        inbox.next()


def test_half_a_message_is_none() -> None:
    whole = packed({"a": 1}, b"xyz")
    inbox = Inbox()
    for byte in whole[:-1]:
        inbox.feed(bytes((byte,)))
        assert inbox.next() is None

    inbox.feed(whole[-1:])
    assert inbox.next() == ({"a": 1}, b"xyz")
    assert inbox.next() is None
