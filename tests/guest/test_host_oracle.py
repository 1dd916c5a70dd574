"""The guest's console code and codec give what the hive's own give, for recorded and for any other input."""

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.config import Role
from ninedoor.console.ack import RAW_KEYS, err, ok
from ninedoor.console.body import body_lines, summary
from ninedoor.console.editor import LineEditor
from ninedoor.console.grammar import VERBS, GrammarError, parse
from ninedoor.console.paths import is_binary
from ninedoor.console.refusals import WORDS, refusal
from ninedoor.console.throttle import Throttle
from ninedoor.errors import TicketError, WireError
from ninedoor.limits import MSIZE_MAX, MSIZE_MIN, READ_OVERHEAD, WALK_DEPTH_MAX
from ninedoor.policy.roles import ROLES
from ninedoor.policy.tickets import peek
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, decode_request, encode
from ninedoor.wire.messages import NUMBERS
from ninedoor.wire.types import Fid
from tests.deployment import ticket
from tests.guest.programs import Program, corpus, hexed, texts
from tests.strategies import keystrokes, messages_of, tags, u32, u64

DATA = Path(__file__).parent.parent / "data" / "console"


@pytest.fixture(scope="module")
def oracle() -> Iterator[Program]:
    """The guest's code, to be asked."""
    with Program("oracle") as program:
        yield program


# -- lines ------------------------------------------------------------------------------------------------


def edited(typed: bytes) -> tuple[list[str | None], bytes]:
    """The entries and the echo of the hive's editor; None for a line that was too long."""
    editor = LineEditor(echo=True)
    editor.feed(typed)
    entries = [entry if isinstance(entry, str) else None for entry in editor]
    return entries, editor.take_echo()


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in corpus(DATA / "keystrokes.txt")])
def test_recorded_keystrokes_give_the_recorded_lines(oracle: Program, row: list[str]) -> None:
    _name, typed, *entries = row

    assert oracle.ask("line", typed).split() == entries


@given(typed=keystrokes)
def test_any_keystrokes_give_the_lines_of_the_hives_editor(oracle: Program, typed: bytes) -> None:
    assert texts(oracle.ask("line", hexed(typed))) == edited(typed)[0]


@given(typed=st.lists(st.sampled_from([*range(128), 0xC3, 0xBC, 0xFF, 0x7F, 0x7F, 0x08]), max_size=400))
def test_echo_is_that_of_the_hives_editor(oracle: Program, typed: list[int]) -> None:
    answer = bytes.fromhex(oracle.ask("echo", hexed(bytes(typed))).removeprefix("="))

    assert answer.replace(b"\n", b"\r\n") == edited(bytes(typed))[1]


# -- commands ---------------------------------------------------------------------------------------------


def parsed(line: str) -> str:
    """What the hive's parser makes of `line`, in the oracle's words."""
    try:
        command = parse(line)
    except GrammarError as wrong:
        return "!" + wrong.detail.encode().hex()
    values = [(argument.name, getattr(command, argument.name)) for argument in VERBS[command.verb].arguments]
    given_values = [
        f"{name}={str(value).encode().hex()}" for name, value in values if value not in ("", None)
    ]
    return " ".join([command.verb, *given_values])


def without_leading_zeros(answer: str) -> str:
    """`answer` with a count as a number: the guest gives its digits."""
    return re.sub(
        r"count=((?:3\d)+)$", lambda m: "count=" + str(int(bytes.fromhex(m[1]))).encode().hex(), answer
    )


@pytest.mark.parametrize("row", corpus(DATA / "commands.txt"))
def test_recorded_lines_are_the_recorded_commands(oracle: Program, row: list[str]) -> None:
    line, *expected = row
    answer = without_leading_zeros(oracle.ask("command", line.removeprefix("=") or "-"))

    assert answer == " ".join(expected)


words = st.one_of(st.sampled_from([*VERBS, *map(str.upper, VERBS), "", " "]), st.text(max_size=100))


@given(line=st.lists(words, max_size=5).map(" ".join))
def test_any_line_is_the_command_that_the_hives_parser_sees(oracle: Program, line: str) -> None:
    assert without_leading_zeros(oracle.ask("command", hexed(line))) == parsed(line)


def test_table_of_verbs_is_the_hives(oracle: Program) -> None:
    """A difference shows the row that guest/core/grammar.c should have."""
    rows = [oracle.ask("verb", index) for index in range(len(VERBS) + 1)]
    table = [
        "|".join(
            [
                *(verb.name, verb.label, verb.help, verb.refused, verb.needs, verb.body),
                *(f"{a.name},{a.most},{a.kind},{int(a.optional)}" for a in verb.arguments),
            ]
        )
        for verb in VERBS.values()
    ]

    assert rows == [*table, "none"]


# -- answers ----------------------------------------------------------------------------------------------

keys = st.sampled_from(["path", "entries", "bytes", "role", "detail", "error", "delay_ms", *RAW_KEYS])
values = st.one_of(st.text(max_size=60), st.integers(0, 200).map(lambda size: "v" * size))
fields = st.dictionaries(keys, values, max_size=4)


def flat(pairs: dict[str, str]) -> list[str]:
    return [word for key, value in pairs.items() for word in (key, hexed(value))]


@given(verb=st.sampled_from([verb.label for verb in VERBS.values()]), pairs=fields)
def test_acknowledgements_are_cut_alike(oracle: Program, verb: str, pairs: dict[str, str]) -> None:
    assert texts(oracle.ask("ok", verb, *flat(pairs))) == [str(ok(verb, **pairs))]
    assert texts(oracle.ask("err", verb, "policy", *flat(pairs))) == [str(err(verb, "policy", **pairs))]


@pytest.mark.parametrize("name", WORDS)
def test_refusals_have_the_same_words(oracle: Program, name: str) -> None:
    ecode = getattr(errno, name)

    for path in ("", "/log/queen.log", "/" + "x" * 95):
        assert texts(oracle.ask("refusal", "CAT", ecode, hexed(path))) == [
            str(refusal("CAT", ecode, path=path))
        ]


contents = st.one_of(
    st.binary(max_size=600),
    st.text(max_size=600).map(str.encode),
    st.lists(
        st.sampled_from(["", "[x", "END", "a", "é" * 33, "b" * 64, "c" * 65, "d" * 300, "e\r"]), max_size=9
    )
    .map("\n".join)
    .map(str.encode),
)
paths = st.sampled_from(
    [
        "/proc/boot",
        "/updates/1/status",
        "/updates/1/chunks/x",
        "/models/a/weights",
        "//updates/1//chunks/x/",
        "/" + "p" * 64 + "/" + "q" * 30,
    ]
)


@given(path=paths, content=contents)
def test_bodies_are_cut_alike(oracle: Program, path: str, content: bytes) -> None:
    lines = body_lines(content, binary=is_binary(path))

    assert texts(oracle.ask("body", hexed(path), hexed(content))) == lines
    assert texts(oracle.ask("summary", hexed(path), hexed(content))) == [summary(path, lines)]


def test_summary_looks_at_the_end_of_a_long_file_only(oracle: Program) -> None:
    content = b"found\n" + b"x" * 65 + b"\n" + (b"y" * 65 + b"\n") * 999

    lines = body_lines(content)[-1000:]
    assert texts(oracle.ask("summary", hexed("/x"), hexed(content))) == [summary("/x", lines)]
    content = b"found\n" + (b"y" * 65 + b"\n") * 999
    assert texts(oracle.ask("summary", hexed("/x"), hexed(content))) == ["found"]


steps = st.lists(st.tuples(st.sampled_from("ccffs"), st.integers(0, 100_000)), max_size=30)


@given(steps=steps)
def test_throttle_gives_the_same_answers(oracle: Program, steps: list[tuple[str, int]]) -> None:
    throttle = Throttle()
    now_ms = 0
    question: list[object] = []
    expected = []
    for what, passed_ms in steps:
        now_ms += passed_ms
        question += [what, now_ms]
        if what == "s":
            throttle.succeeded()
            continue
        denied = throttle.check(now_ms / 1000) if what == "c" else throttle.failed(now_ms / 1000)
        expected.append("=" if denied is None else f"={denied.detail}:{denied.delay_ms}")

    assert oracle.ask("throttle", *question).split() == expected


# -- tickets and frames -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "subject", "budgets"),
    [
        ("queen", None, {}),
        ("queen", None, {"ttl_s": 0}),
        ("worker-heartbeat", "worker-1", {}),
        ("worker-heartbeat", "worker-1", {"ticks": 1000, "ops": 10_000, "ttl_s": 300}),
        ("worker-gpu", "worker-2", {"ops": 64, "ttl_s": 120}),
        ("worker-bus", "modbus-main", {"ticks": 1}),
    ],
)
def test_claims_of_a_ticket_are_read(
    oracle: Program, role: Role, subject: str | None, budgets: dict[str, int]
) -> None:
    token = ticket(role, subject, **budgets)
    number, named, expires = oracle.ask("ticket", hexed(token)).split()

    claims = peek(token).claims
    assert ROLES[int(number)] == role == claims.role
    assert texts(named) == [subject or ""]
    assert int(expires) == (claims.expires_at_ms or 0)


@given(text=st.text(max_size=300))
def test_what_is_no_ticket_is_not_read(oracle: Program, text: str) -> None:
    with pytest.raises(TicketError):
        peek(text)

    assert oracle.ask("ticket", hexed(text)) == "none"


names = st.lists(
    st.text("abc.-_", min_size=1, max_size=64).filter(lambda n: n not in (".", "..")), max_size=8
)


@given(tag=tags, fid=u32, other=u32, offset=u64, walked=names, data=st.binary(max_size=500))
def test_hive_understands_every_request(
    oracle: Program, tag: int, fid: int, other: int, offset: int, walked: list[str], data: bytes
) -> None:
    path = "".join(f"/{name}" for name in walked) or "/"
    questions: dict[str, m.Message] = {
        f"Tversion {tag} 8192": m.Tversion(8192, "9P2000.L"),
        f"Tattach {tag} {fid} queen token": m.Tattach(
            Fid(fid), Fid(0xFFFFFFFF), "queen", "token", 0xFFFFFFFF
        ),
        f"Twalk {tag} {fid} {other} {path}": m.Twalk(Fid(fid), Fid(other), tuple(walked)),
        f"Tlopen {tag} {fid} {other}": m.Tlopen(Fid(fid), other),
        f"Tgetattr {tag} {fid}": m.Tgetattr(Fid(fid), 0x2200),
        f"Tread {tag} {fid} {offset} {other}": m.Tread(Fid(fid), offset, other),
        f"Treaddir {tag} {fid} {offset} {other}": m.Treaddir(Fid(fid), offset, other),
        f"Twrite {tag} {fid} {offset} {hexed(data)}": m.Twrite(Fid(fid), offset, data),
        f"Tclunk {tag} {fid}": m.Tclunk(Fid(fid)),
    }

    for question, message in questions.items():
        frame = bytes.fromhex(oracle.ask("request", question).removeprefix("="))
        expected = 0xFFFF if question.startswith("Tversion") else tag
        assert decode_request(frame, 0, len(frame)) == (expected, message)


ASKED = (m.Tversion, m.Tattach, m.Twalk, m.Tlopen, m.Tgetattr, m.Tread, m.Treaddir, m.Twrite, m.Tclunk)
LIMITS = {m.Tversion: MSIZE_MAX, m.Twalk: WALK_DEPTH_MAX, m.Tread: 1000, m.Treaddir: 1000, m.Twrite: 1000}
replies = st.sampled_from(ASKED).flatmap(
    lambda asked: st.tuples(st.just(asked), messages_of(m.REPLIES[NUMBERS[asked] + 1]))
)


def accepts(asked: type[m.Message], reply: m.Message, limit: int) -> bool:
    """Is `reply` within what was asked for?"""
    match reply:
        case m.Rversion(msize, version):
            return version == "9P2000.L" and MSIZE_MIN <= msize <= limit
        case m.Rwalk(qids):
            return 0 < len(qids) <= limit
        case m.Rread(data) | m.Rreaddir(data):
            return len(data) <= limit
        case m.Rwrite(count):
            return count <= limit
    return True


@given(tag=tags, question=replies)
def test_replies_of_the_hive_are_understood(
    oracle: Program, tag: int, question: tuple[type[m.Message], m.Message]
) -> None:
    asked, reply = question
    limit = LIMITS.get(asked, 0)
    frame = encode(tag, reply)
    answer = oracle.ask("reply", NUMBERS[asked], limit, hexed(frame))

    if len(frame) > MSIZE_MAX:
        assert answer == "error frame"
    elif not accepts(asked, reply, limit):
        assert answer == f"error {errno.EPROTO}"
    else:
        _ok, got_tag, qid, count, size, _base, data = answer.split()
        assert int(got_tag) == tag
        match reply:
            case m.Rattach(expected) | m.Rlopen(expected, _) | m.Rwalk((*_, expected)):
                assert qid == ",".join(map(str, expected))
            case m.Rread(expected) | m.Rreaddir(expected):
                assert data == "=" + expected.hex()
            case m.Rwrite(expected):
                assert int(count) == expected
            case m.Rgetattr():
                assert int(size) == (reply.size if reply.valid & 0x200 else 0)


@given(ecode=u32, asked=st.sampled_from(ASKED))
def test_rlerror_arrives_as_it_is(oracle: Program, ecode: int, asked: type[m.Message]) -> None:
    answer = oracle.ask("reply", NUMBERS[asked], 8, hexed(encode(1, m.Rlerror(ecode))))

    assert answer == f"error {ecode if 0 < ecode < 4096 else errno.EPROTO}"


@given(asked=st.sampled_from(ASKED), body=st.binary(max_size=200))
def test_what_the_hives_codec_refuses_the_guest_refuses(
    oracle: Program, asked: type[m.Message], body: bytes
) -> None:
    number = NUMBERS[asked] + 1
    frame = (7 + len(body)).to_bytes(4, "little") + bytes([number]) + b"\1\0" + body
    answer = oracle.ask("reply", NUMBERS[asked], LIMITS.get(asked, 0), hexed(frame))

    try:
        decode_reply(frame, 0, len(frame))
    except WireError:
        assert answer == f"error {errno.EPROTO}"


def test_bounds_are_the_hives(oracle: Program) -> None:
    assert READ_OVERHEAD == 11
    longest = "/" + "/".join(["x" * 64] * WALK_DEPTH_MAX)
    assert oracle.ask("path", hexed(longest)).split()[0] == "ok"
    assert oracle.ask("path", hexed(longest + "/y")) == "error EINVAL"
    assert oracle.ask("path", hexed("/" + "x" * 65)) == "error ENAMETOOLONG"
