"""Hypothesis strategies, derived from the message table so that a new message is tested without being named.

A new feature adds its generators here.
"""

from typing import Any

from hypothesis import strategies as st

from ninedoor.limits import IO_OVERHEAD, MSIZE_MAX, STRING_MAX, WIRE_NAMES_MAX
from ninedoor.wire.fields import field_kinds
from ninedoor.wire.messages import MESSAGES, REPLIES, REQUESTS, Message
from ninedoor.wire.types import U8, U16, U32, U64, Dirent, Fid, Qid, Tag

u8 = st.integers(0, 2**8 - 1)
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
tags = u16
fids = u32

strings = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["a" * STRING_MAX, "\U0001f41d" * (STRING_MAX // 4), "a" * (STRING_MAX - 1)]),
)
"""Every string a frame may carry, its longest included; among them names that a session refuses."""

short_strings = st.text(max_size=20)
datas = st.one_of(st.binary(max_size=200), st.just(bytes(MSIZE_MAX - IO_OVERHEAD)))
qids = st.builds(Qid, u8, u32, u64)

_FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    U8: u8,
    U16: u16,
    U32: u32,
    U64: u64,
    Fid: fids,
    Tag: tags,
    str: strings,
    bytes: datas,
    Qid: qids,
    tuple[str, ...]: st.lists(short_strings, max_size=WIRE_NAMES_MAX).map(tuple),
    tuple[Qid, ...]: st.lists(qids, max_size=WIRE_NAMES_MAX).map(tuple),
}


def messages_of(message: type[Message]) -> st.SearchStrategy[Message]:
    """Any value of one message class."""
    return st.builds(message, **{name: _FIELDS[kind] for name, kind in field_kinds(message).items()})


requests = st.one_of([messages_of(message) for message in REQUESTS.values()])
replies = st.one_of([messages_of(message) for message in REPLIES.values()])
messages = st.one_of([messages_of(message) for message in MESSAGES.values()])

dirents = st.builds(Dirent, qids, u64, u8, strings)


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` in any number of pieces, empty ones among them, as receives might bring it."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
