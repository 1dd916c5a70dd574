"""Hypothesis strategies, derived from the tables of messages and of console verbs, so that a new one is
tested without being named.

A new feature adds its generators here.
"""

from typing import Any

from hypothesis import strategies as st

from ninedoor.console.ack import RAW_KEYS, Ack
from ninedoor.console.grammar import VERBS, Argument, Command, Verb
from ninedoor.limits import CONSOLE_LINE_MAX, IO_OVERHEAD, MSIZE_MAX, STRING_MAX, WIRE_NAMES_MAX
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


_console_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters=["\ufffd"]), min_size=1
)


def _argument_values(argument: Argument) -> st.SearchStrategy[Any]:
    if argument.kind == "number":
        return st.integers(0, argument.most)
    texts = _console_text.map(lambda text: text.strip(" "))
    if argument.kind == "word":
        texts = texts.map(lambda text: text.replace(" ", "-"))
    full = st.sampled_from(["x" * argument.most, "/" + "é" * ((argument.most - 1) // 2)])
    return st.one_of(texts, full).filter(lambda text: 0 < len(text.encode()) <= argument.most)


@st.composite
def commands_of(draw: st.DrawFn, verb: Verb) -> Command:
    """Any command of one verb, its arguments up to their bounds."""
    values = {}
    for argument in verb.arguments:
        if argument.optional and draw(st.booleans()):
            break
        values[argument.name] = draw(_argument_values(argument))
    return Command(verb.name, **values)


commands = st.one_of([commands_of(verb) for verb in VERBS.values()])

_WORDS = (
    *VERBS,
    *(name.upper() for name in VERBS),
    " ",
    "  ",
    "\t",
    "/log/queen.log",
    "64",
    "x" * 97,
    "\ufffd",
)
console_lines = st.one_of(
    st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=20))).map("".join),
    st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join),
    st.text("ab /\0\x9b\ud800é", min_size=CONSOLE_LINE_MAX // 2),
)
"""What somebody may send where a command is expected."""

_ack_words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="="), max_size=5
)
"""Short enough that four of them, at four bytes a character, fit with their keys."""

_ack_values = _ack_words.map(lambda text: text.strip(" "))
_ack_keys = st.sampled_from(["detail", "path", "error", "delay_ms", "bytes", "entries", "role", "x2"])


@st.composite
def acks(draw: st.DrawFn) -> Ack:
    """Acknowledgements that fit on their line whole."""
    fields = draw(st.lists(st.tuples(_ack_keys, _ack_values), max_size=3, unique_by=lambda field: field[0]))
    done = draw(st.booleans())
    if not done:
        fields.insert(0, ("reason", draw(st.sampled_from(["busy", "quota", "cut", "policy"]))))
    elif draw(st.booleans()):
        raw = draw(st.one_of(_ack_values, st.just("a|b=c path=/d")))
        fields.append((draw(st.sampled_from(RAW_KEYS)), raw))
    return Ack(done, draw(st.sampled_from([verb.label for verb in VERBS.values()])), tuple(fields))


_KEYS = (
    *(b"\r", b"\n", b"\r\n", b"\b", b"\x7f", b"\t", b"\x00", b"\x03", b"\x15"),
    *(
        b"\x1b",
        b"\x1b[A",
        b"\x1b[15~",
        b"\x1bOP",
        b"\x1b(B",
        b"\x1b[1;5D",
        b"[",
        b"O",
        b"~",
        b"/",
        b"?",
        b"@",
    ),
    *("é".encode(), "雨".encode(), "🐝".encode(), "\x85".encode(), "\x9b".encode(), "\ufeff".encode()),
    *(
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\x90",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        b"\xff",
        b"\x80",
    ),
    *(b"help", b"cat /proc/boot", b" ", b"x" * 250, b"x" * 256, b"x" * 257),
)

keystrokes = st.lists(st.one_of(st.sampled_from(_KEYS), st.binary(max_size=6)), max_size=40).map(b"".join)
"""What may arrive on a serial line: keys, pasted text, damaged UTF-8, noise, and lines about too long."""
